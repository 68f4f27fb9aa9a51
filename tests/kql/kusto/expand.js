// mv-expand, mv-apply and partition: operators that make several rows or run a subquery for each part of the rows.
'use strict';

const { boundColumns, compileExpression, compileTable, makePlan, operatorKinds, remainingPhantoms } = require('./compiler');
const { planOfVariable } = require('./functions');
const { nameOf, parameterOf } = require('./lower');
const { isBag } = require('./scalars_dynamic');
const { fromDynamic } = require('./scalars_conversion');
const { Scope, newId } = require('./scope');
const { KustoError, UnsupportedError, canonicalType, isNothing, keyOf, nullOf } = require('./values');
const { enterRows, mapRows, visitRows } = require('./windows');

const MOST_LEGACY_PARTITIONS = 64;

/** What a dynamic value expands into; null gives one null, an empty array nothing. */
function elementsOf(value, asPairs) {
  if (isNothing(value)) return [null];
  if (Array.isArray(value)) return value;
  if (isBag(value)) return Object.entries(value).map(([key, item]) => (asPairs ? [key, item] : { [key]: item }));
  return [value];
}

/** The expressions that are expanded: the output column of each, its value and the type it is converted to. */
function expansions(node, input, rowScope) {
  return node.Expressions.map((each) => {
    const source = each.Expression;
    const type = each.ToTypeOf ? canonicalType(each.ToTypeOf.TypeOf.Types[0].Type) : 'dynamic';
    const name = ['SimpleNamedExpression', 'NameReference'].includes(source.kind) ? nameOf(source.Name) : null;
    if (name === null) throw new UnsupportedError(`${node.kind} of an expression without a name`);
    return { name, type, value: compileExpression(source, rowScope) };
  });
}

/** Puts a column in the place of one with its name, or behind the others; gives its position. */
function placeColumn(columns, column) {
  const found = columns.findIndex((each) => each.name === column.name);
  const position = found < 0 ? columns.length : found;
  columns[position] = column;
  return position;
}

/** The expanded columns and a function that gives, for each row of the input, the array of rows it expands into. */
function compileExpansion(node, input, scope) {
  const rowScope = scope.forRows(input);
  const parts = expansions(node, input, rowScope);
  const asPairs = [parameterOf(node, 'kind'), parameterOf(node, 'bagexpansion')].includes('array');
  const limit = node.RowLimitClause ? compileExpression(node.RowLimitClause.RowLimit, scope) : () => Infinity;
  const indexName = parameterOf(node, 'with_itemindex');
  const columns = [...input.columns];
  const positions = parts.map(({ name, type }) => placeColumn(columns, { name, type }));
  const indexPosition = indexName ? placeColumn(columns, { name: indexName, type: 'long' }) : null;
  const expandRow = (frame) => {
    const lists = parts.map((part) => elementsOf(part.value(frame), asPairs));
    const length = Math.min(limit(frame), Math.max(...lists.map((list) => list.length)));
    return Array.from({ length }, (_, index) => {
      const row = frame.row.slice(0, input.columns.length);
      lists.forEach((list, at) => { row[positions[at]] = fromDynamic(list[index], parts[at].type); });
      if (indexName) row[indexPosition] = index;
      return row;
    });
  };
  return { columns, expand: (frame) => mapRows(rowScope, frame, input.rows(frame), expandRow) };
}

function compileMvExpand(node, input, scope) {
  const { columns, expand } = compileExpansion(node, input, scope);
  const names = boundColumns(node, input).map((column) => column.name).join();
  if (names !== columns.map((column) => column.name).join()) {
    throw new KustoError(`mv-expand: the columns ${columns.map((each) => each.name)} are not those of the binder, ${names}.`);
  }
  return makePlan({
    columns,
    phantoms: remainingPhantoms(node, input),
    // Microsoft's pages disagree on whether the order survives; the evaluator takes the one that says no.
    serialised: false,
    rows: (frame) => expand(frame).flat(),
  });
}

/** Compiles a subquery that starts from rows given at execution; gives its plan and how to run it on rows. */
function compileSubquery(expression, source, scope) {
  const id = newId();
  const inner = new Scope(scope, { repeated: true });
  const plan = compileTable(expression, inner, planOfVariable(id, { ...source, label: null, serialised: false }));
  return { plan, run: (frame, rows) => plan.rows(frame.withVariables({ [id]: rows })) };
}

/** mv-apply: a subquery over the rows that each row expands into; its results come with the row's other columns. */
function compileMvApply(node, input, scope) {
  const { columns: expanded, expand } = compileExpansion(node, input, scope);
  const { plan, run } = compileSubquery(node.Subquery.Expression, makePlan({ columns: expanded, rows: null }), scope);
  const columns = boundColumns(node, input, plan);
  const sources = columns.map(({ name }) => ({
    input: input.columns.findIndex((column) => column.name === name),
    result: plan.columns.findIndex((column) => column.name === name),
  }));
  const combine = (row, result) => sources.map((source, index) => {
    if (source.result >= 0) return result[source.result];
    return source.input >= 0 ? row[source.input] : nullOf(columns[index].type);
  });
  return makePlan({
    columns,
    phantoms: remainingPhantoms(node, input),
    rows: (frame) => {
      const rows = input.rows(frame);
      return expand(frame).flatMap((part, index) => run(frame, part).map((result) => combine(rows[index], result)));
    },
  });
}

// What Microsoft lists as supported within the native and shuffle strategies, as far as this evaluator knows it.
const NATIVE_OPERATORS = new Set(['Count', 'Distinct', 'Extend', 'Filter', 'MakeSeries', 'MvApply', 'MvExpand', 'Project',
  'ProjectAway', 'ProjectKeep', 'ProjectRename', 'ProjectReorder', 'Scan', 'Serialize', 'Sort', 'Summarize', 'Take', 'Top',
].map((name) => `${name}Operator`));

function checkNative(expression, strategy) {
  let node = expression;
  for (; node.kind === 'PipeExpression'; node = node.Expression) checkNative(node.Operator, strategy);
  if (!NATIVE_OPERATORS.has(node.kind)) {
    throw new KustoError(`partition hint.strategy=${strategy} does not take ${node.kind} in its subquery.`);
  }
}

function compilePartition(node, input, scope) {
  const strategy = parameterOf(node, 'hint.strategy') || 'legacy';
  const subquery = node.Operand && node.Operand.Subquery;
  if (!subquery) throw new UnsupportedError('partition with a subquery in braces');
  if (strategy !== 'legacy') checkNative(subquery, strategy);
  const rowScope = scope.forRows(input);
  const key = compileExpression(node.ByExpression, rowScope);
  const { plan, run } = compileSubquery(subquery, { ...input, ingestion: false }, scope);
  return makePlan({
    columns: plan.columns,
    phantoms: plan.phantoms,
    rows: (frame) => {
      const parts = new Map();
      visitRows(enterRows(rowScope, frame, input.rows(frame)), (inner) => {
        const value = keyOf(key(inner));
        if (!parts.has(value)) parts.set(value, []);
        parts.get(value).push(inner.row);
      });
      if (strategy === 'legacy' && parts.size > MOST_LEGACY_PARTITIONS) {
        throw new KustoError(
          `partition makes ${parts.size} parts, but the legacy strategy, which is the default, takes no more than ` +
          `${MOST_LEGACY_PARTITIONS}: use hint.strategy=native or shuffle.`);
      }
      return [...parts.values()].flatMap((rows) => run(frame, rows));
    },
  });
}

operatorKinds.set('MvExpandOperator', compileMvExpand);
operatorKinds.set('MvApplyOperator', compileMvApply);
operatorKinds.set('PartitionOperator', compilePartition);
