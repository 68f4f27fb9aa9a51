// Tabular operators that work row by row or on the rows as a whole: where, extend, project, sort, take, distinct, ...
'use strict';

const {
  boundColumns, compileExpression, makePlan, operatorKinds, remainingPhantoms,
} = require('./compiler');
const { compileTableCall, remembered } = require('./functions');
const { argumentsOf, nameOf } = require('./lower');
const { KustoError, UnsupportedError, compare, isNothing, keyOfAll } = require('./values');
const { enterRows, mapRows, visitRows } = require('./windows');

/** A plan with the input's columns and, unless told otherwise, with what else holds for its rows. */
function samePlan(node, input, properties) {
  return makePlan({
    columns: input.columns,
    ingestion: input.ingestion,
    phantoms: remainingPhantoms(node, input),
    serialised: input.serialised,
    ...properties,
  });
}

/** The scope of expressions for the rows of a plan in which window functions may stand. */
const scopeWithWindows = (scope, input, serialised = input.serialised) => scope.forRows(input, { serialised, windows: [] });

function compileWhere(node, input, scope) {
  const rowScope = scopeWithWindows(scope, input);
  const condition = compileExpression(node.Condition, rowScope);
  return samePlan(node, input, {
    rows: (frame) => {
      const kept = [];
      visitRows(enterRows(rowScope, frame, input.rows(frame)), (inner) => {
        if (condition(inner) === true) kept.push(inner.row);
      });
      return kept;
    },
  });
}

/** The name that an expression of extend gives its column, or null if the binder makes one up. */
const givenName = (node) => (['SimpleNamedExpression', 'NameReference'].includes(node.kind) ? nameOf(node.Name) : null);

/** The output columns of extend, each with the position of its expression or of the input's column. */
function extendedColumns(node, input, expressions) {
  const names = expressions.map(givenName);
  const isNew = (column) => !names.includes(column.name) && !input.columns.some((each) => each.name === column.name);
  const invented = boundColumns(node, input).filter(isNew);
  names.forEach((name, index) => { if (name === null) names[index] = invented.shift().name; });
  const types = new Map(boundColumns(node, input).map((column) => [column.name, column.type]));
  const columns = input.columns.map((column, index) => ({ column, input: index }));
  names.forEach((name, index) => {
    const at = columns.findIndex((each) => each.column.name === name);
    columns[at < 0 ? columns.length : at] = { column: { name, type: types.get(name) }, expression: index };
  });
  return columns;
}

function compileExtend(node, input, scope) {
  const isSerialize = node.kind === 'SerializeOperator';
  const expressions = node.Expressions || [];
  if (expressions.some((each) => each.kind === 'CompoundNamedExpression')) {
    throw new UnsupportedError('extend with several names for one expression');
  }
  const serialised = isSerialize || input.serialised;
  const rowScope = scopeWithWindows(scope, input, serialised);
  const values = expressions.map((each) => compileExpression(each, rowScope));
  const outputs = extendedColumns(node, input, expressions);
  const makeRow = (frame) => {
    const row = outputs.map((output) =>
      (output.expression === undefined ? frame.row[output.input] : values[output.expression](frame)));
    if (input.ingestion) row.push(frame.row[input.columns.length]);
    return row;
  };
  return samePlan(node, input, {
    columns: outputs.map((output) => output.column),
    serialised,
    rows: (frame) => mapRows(rowScope, frame, input.rows(frame), makeRow),
  });
}

function compileProject(node, input, scope) {
  const columns = boundColumns(node, input);
  if (columns.length !== node.Expressions.length) throw new UnsupportedError('project with several names for one expression');
  const rowScope = scopeWithWindows(scope, input);
  const values = node.Expressions.map((each) => compileExpression(each, rowScope));
  return samePlan(node, input, {
    columns,
    ingestion: false,
    rows: (frame) => mapRows(rowScope, frame, input.rows(frame), (inner) => values.map((value) => value(inner))),
  });
}

/** project-away, -keep, -reorder and -rename: the input's columns, chosen, ordered or renamed. */
function compileSelection(node, input) {
  const renamed = new Map();
  if (node.kind === 'ProjectRenameOperator') {
    for (const each of node.Expressions) renamed.set(nameOf(each.Name), nameOf(each.Expression));
  }
  const columns = boundColumns(node, input);
  const positions = columns.map(({ name }) => input.columns.findIndex((each) => each.name === (renamed.get(name) || name)));
  if (positions.includes(-1)) throw new KustoError(`${node.kind}: a column of ${columns.map((each) => each.name)} is missing.`);
  // The documented list of operators that keep the order has project-away and project-rename only.
  const keepsOrder = ['ProjectAwayOperator', 'ProjectRenameOperator'].includes(node.kind);
  return samePlan(node, input, {
    columns,
    ingestion: false,
    serialised: input.serialised && keepsOrder,
    rows: (frame) => input.rows(frame).map((row) => positions.map((position) => row[position])),
  });
}

/** How far a value is from ordinary ones: nulls lie at the very end, NaN next to them. */
const strangeness = (value) => (isNothing(value) ? 2 : Number.isNaN(value) ? 1 : 0);

/** An order of two sort keys; the default is descending with nulls last, ascending puts nulls first. */
function keyOrder(node) {
  const ordering = node.kind === 'OrderedExpression' ? node.Ordering : null;
  const ascending = Boolean(ordering) && ordering.AscOrDescKeyword === 'asc';
  const nulls = ordering && ordering.NullsClause ? ordering.NullsClause.FirstOrLastKeyword : null;
  const nullsFirst = nulls ? nulls === 'first' : ascending;
  return (a, b) => {
    const difference = strangeness(a) - strangeness(b);
    if (difference !== 0) return nullsFirst ? -difference : difference;
    if (strangeness(a) !== 0) return 0;
    return ascending ? compare(a, b) : compare(b, a);
  };
}

/** The rows of the input in the order of the keys; equal rows keep their order, which the service does not promise. */
function compileSorting(keys, input, scope) {
  const rowScope = scope.forRows(input);
  const values = keys.map((each) => compileExpression(each.kind === 'OrderedExpression' ? each.Expression : each, rowScope));
  const orders = keys.map(keyOrder);
  return (frame) => {
    const keyed = mapRows(rowScope, frame, input.rows(frame), (inner) =>
      ({ keys: values.map((value) => value(inner)), row: inner.row }));
    keyed.sort((a, b) => {
      for (let i = 0; i < orders.length; i++) {
        const order = orders[i](a.keys[i], b.keys[i]);
        if (order !== 0) return order;
      }
      return 0;
    });
    return keyed.map((each) => each.row);
  };
}

const compileSort = (node, input, scope) =>
  samePlan(node, input, { rows: compileSorting(node.Expressions, input, scope), serialised: true });

function compileTop(node, input, scope) {
  const sorted = compileSorting([node.ByExpression], input, scope);
  const limit = compileExpression(node.Expression, scope);
  return samePlan(node, input, { rows: (frame) => sorted(frame).slice(0, limit(frame)), serialised: true });
}

function compileTake(node, input, scope) {
  const limit = compileExpression(node.Expression, scope);
  return samePlan(node, input, { rows: (frame) => input.rows(frame).slice(0, limit(frame)) });
}

function compileCount(node, input) {
  return makePlan({ columns: boundColumns(node), rows: (frame) => [[input.rows(frame).length]] });
}

function compileDistinct(node, input, scope) {
  const isStar = node.Expressions.some((each) => each.kind === 'StarExpression');
  const rowScope = scope.forRows(input);
  const values = isStar ? input.columns.map((_, index) => (frame) => frame.row[index])
    : node.Expressions.map((each) => compileExpression(each, rowScope));
  return makePlan({
    columns: isStar ? input.columns : boundColumns(node, input),
    phantoms: remainingPhantoms(node, input),
    rows: (frame) => {
      const found = new Map();
      for (const row of mapRows(rowScope, frame, input.rows(frame), (inner) => values.map((value) => value(inner)))) {
        const key = keyOfAll(row);
        if (!found.has(key)) found.set(key, row);
      }
      return [...found.values()];
    },
  });
}

/** Gives the rows a name for the rest of the query. */
function compileAs(node, input, scope) {
  const plan = { ...remembered(scope, input), label: nameOf(node.Name) };
  let outermost = scope;
  while (outermost.parent && !outermost.isQuery) outermost = outermost.parent;
  outermost.bind(nameOf(node.Name), { kind: 'table', plan });
  return plan;
}

function compileInvoke(node, input, scope) {
  const call = node.Function;
  const binding = scope.lookup(nameOf(call.Name));
  if (!binding || binding.kind !== 'function') throw new KustoError(`invoke: there is no function ${nameOf(call.Name)}.`);
  return compileTableCall(call, binding, [{ plan: input }, ...argumentsOf(call)], scope);
}

operatorKinds.set('FilterOperator', compileWhere);
operatorKinds.set('ExtendOperator', compileExtend);
operatorKinds.set('SerializeOperator', compileExtend);
operatorKinds.set('ProjectOperator', compileProject);
for (const kind of ['Away', 'Keep', 'Reorder', 'Rename']) operatorKinds.set(`Project${kind}Operator`, compileSelection);
operatorKinds.set('SortOperator', compileSort);
operatorKinds.set('TopOperator', compileTop);
operatorKinds.set('TakeOperator', compileTake);
operatorKinds.set('CountOperator', compileCount);
operatorKinds.set('DistinctOperator', compileDistinct);
operatorKinds.set('AsOperator', compileAs);
operatorKinds.set('RenderOperator', (node, input) => samePlan(node, input, { rows: input.rows }));
operatorKinds.set('InvokeOperator', compileInvoke);
