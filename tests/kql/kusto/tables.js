// Where rows come from: tables, let names, datatable, print, range, calls of tabular functions, union, pipes.
'use strict';

const {
  MissingTableError, boundColumns, compileExpression, compileOperator, compileTable, locating, makePlan,
  operatorKinds, tableKinds,
} = require('./compiler');
const { compileTableCall, remembered } = require('./functions');
const { argumentsOf, nameOf, parameterOf, unwrap } = require('./lower');
const {
  DateTime, KustoError, TimeSpan, UnsupportedError, canonicalType, isNothing, nullOf, parseDateTime, parseTimeSpan,
  scalarOf,
} = require('./values');

/** The plan of a table whose rows the run provides. */
function planOfTable(name, columns) {
  return makePlan({ columns, ingestion: true, label: name, rows: (frame) => frame.run.tables[name] || [] });
}

function compileTableName(node, scope) {
  const name = nameOf(node);
  const binding = scope.lookup(name);
  if (binding && binding.kind === 'table') return binding.plan;
  if (binding && binding.kind === 'function') return compileTableCall(node, binding, [], scope);
  throw new MissingTableError(`The table ${name} does not exist.`);
}

function compileCall(node, scope, input) {
  const name = nameOf(node.Name);
  const binding = scope.lookup(name);
  if (binding && binding.kind === 'function') return compileTableCall(node, binding, argumentsOf(node), scope);
  if (name === 'materialize') return remembered(scope, compileTable(argumentsOf(node)[0], scope, input));
  throw new UnsupportedError(`the tabular function ${name}()`);
}

function compilePipe(node, scope, input) {
  const source = compileTable(node.Expression, scope, input);
  return compileOperator(node.Operator, source, scope);
}

/** A cell of datatable in the type of its column. */
function cellOf(value, { name, type }) {
  if (isNothing(value)) return nullOf(type);
  const converted = type === 'datetime' && typeof value === 'string' ? parseDateTime(value)
    : type === 'timespan' && typeof value === 'string' ? parseTimeSpan(value) : value;
  if (converted === null) throw new KustoError(`datatable: "${value}" is no ${type} (column ${name}).`);
  return converted;
}

function compileDataTable(node, scope) {
  const columns = node.Schema.Columns.map((each) => ({ name: nameOf(each.Name), type: canonicalType(each.Type.Type) }));
  const cells = node.Values.map((each) => compileExpression(each, scope));
  return makePlan({
    columns,
    rows: (frame) => {
      const rows = [];
      for (let i = 0; i < cells.length; i += columns.length) {
        rows.push(columns.map((column, j) => cellOf(cells[i + j](frame), column)));
      }
      return rows;
    },
  });
}

function compilePrint(node, scope) {
  const values = node.Expressions.map((each) => compileExpression(each, scope));
  return makePlan({ columns: boundColumns(node), rows: (frame) => [values.map((value) => value(frame))] });
}

function compileRange(node, scope) {
  const [from, to, step] = [node.From, node.To, node.Step].map((each) => compileExpression(each, scope));
  return makePlan({
    columns: boundColumns(node),
    // Microsoft's page on scan runs it along a range, which therefore has an order.
    serialised: true,
    rows: (frame) => {
      const start = from(frame);
      const [first, last, width] = [start, to(frame), step(frame)].map(scalarOf);
      const make = start instanceof DateTime ? (value) => new DateTime(value)
        : start instanceof TimeSpan ? (value) => new TimeSpan(value) : (value) => value;
      const rows = [];
      for (let i = 0; width > 0 ? first + i * width <= last : width < 0 && first + i * width >= last; i++) {
        rows.push([make(first + i * width)]);
      }
      return rows;
    },
  });
}

/** The plans that a union is made of. With isfuzzy, tables that do not exist are left out. */
function unionLegs(node, input, scope) {
  const isFuzzy = parameterOf(node, 'isfuzzy') === 'true';
  const legs = input ? [input] : [];
  let missing = null;
  for (const expression of node.Expressions) {
    if (unwrap(expression).kind.includes('Wildcard')) throw new UnsupportedError('union of tables by a pattern');
    try {
      legs.push(compileTable(expression, scope));
    } catch (error) {
      if (!isFuzzy || !(error instanceof MissingTableError)) throw error;
      missing = error;
    }
  }
  if (!legs.length) throw missing;
  return { isComplete: missing === null, legs };
}

/** The columns of all legs, by name and type; a name that has several types is told apart by them ("a_long"). */
function unionColumns(legs) {
  const columns = [];
  for (const column of legs.flatMap((leg) => leg.columns)) {
    if (!columns.some((each) => each.name === column.name && each.type === column.type)) columns.push(column);
  }
  return columns.map((column) => {
    const isAlone = columns.filter((each) => each.name === column.name).length === 1;
    return { name: isAlone ? column.name : `${column.name}_${column.type}`, source: column, type: column.type };
  });
}

function compileUnion(node, scope, input) {
  const kind = parameterOf(node, 'kind') || 'outer';
  if (kind !== 'outer') throw new UnsupportedError(`union kind=${kind}`);
  const { isComplete, legs } = unionLegs(node, input, scope);
  const columns = unionColumns(legs);
  const source = parameterOf(node, 'withsource') || parameterOf(node, 'with_source');
  const bound = isComplete ? boundColumns(node, ...legs).filter((column) => column.name !== source) : null;
  if (bound && bound.map((each) => each.name).sort().join() !== columns.map((each) => each.name).sort().join()) {
    throw new KustoError(
      `union: the columns ${columns.map((each) => each.name)} are not those of the binder, ${bound.map((each) => each.name)}.`);
  }
  if (bound) columns.sort((a, b) => bound.findIndex((c) => c.name === a.name) - bound.findIndex((c) => c.name === b.name));
  const mappings = legs.map((leg) => columns.map(({ source: { name, type } }) =>
    leg.columns.findIndex((each) => each.name === name && each.type === type)));
  const convert = (legIndex) => (row) => columns.map((column, index) => {
    const position = mappings[legIndex][index];
    return position < 0 ? nullOf(column.type) : row[position];
  });
  const labelled = (leg, index) => (row) => (source ? [leg.label || `union_arg${index}`, ...row] : row);
  return makePlan({
    columns: [...(source ? [{ name: source, type: 'string' }] : []), ...columns.map(({ name, type }) => ({ name, type }))],
    phantoms: legs.flatMap((leg) => leg.phantoms).filter((name) => !columns.some((column) => column.name === name)),
    rows: (frame) => legs.flatMap((leg, index) => leg.rows(frame).map(convert(index)).map(labelled(leg, index))),
  });
}

tableKinds.set('NameReference', compileTableName);
tableKinds.set('FunctionCallExpression', compileCall);
tableKinds.set('MaterializeExpression', (node, scope, input) =>
  remembered(scope, compileTable(node.Expression, scope, input)));
tableKinds.set('PipeExpression', compilePipe);
tableKinds.set('DataTableExpression', compileDataTable);
tableKinds.set('PrintOperator', compilePrint);
tableKinds.set('RangeOperator', compileRange);
tableKinds.set('UnionOperator', (node, scope, input) => locating(node, () => compileUnion(node, scope, input)));
operatorKinds.set('UnionOperator', (node, input, scope) => compileUnion(node, scope, input));

module.exports = { planOfTable };
