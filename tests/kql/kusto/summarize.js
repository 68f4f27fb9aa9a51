// summarize, and make-series, which is a summarize into arrays along an axis.
'use strict';

const { MULTIPLE, aggregates } = require('./aggregates');
const { boundColumns, compileExpression, makePlan, operatorKinds, remainingPhantoms } = require('./compiler');
const { argumentsOf, nameOf, unwrap } = require('./lower');
const { Scope } = require('./scope');
const { DateTime, KustoError, TimeSpan, UnsupportedError, isNothing, keyOfAll, nullOf, scalarOf } = require('./values');
const { enterRows, visitRows } = require('./windows');

/** The columns that `*` stands for in arg_max(x, *): all but x and the columns that are group keys themselves. */
const starPositions = (input, keys) => (maximised) => {
  const left = [maximised, ...keys].map(unwrap).filter((each) => each.kind === 'NameReference').map(nameOf);
  return input.columns.map((column, index) => (left.includes(column.name) ? -1 : index)).filter((index) => index >= 0);
};

/** The scope in which aggregates may stand. Columns are visible within their arguments only. */
const aggregateScope = (scope, input, keys) =>
  new Scope(scope, { aggregates: scope.forRows(input), starPositions: starPositions(input, keys) });

/** An expression with aggregates as a function that gives an array: of one value, or of several. */
function compileAggregate(node, scope) {
  const named = ['SimpleNamedExpression', 'CompoundNamedExpression'].includes(node.kind);
  const expression = unwrap(named ? node.Expression : node);
  const name = expression.kind === 'FunctionCallExpression' ? nameOf(expression.Name) : null;
  if (MULTIPLE.has(name) && !scope.lookup(name)) return aggregates.get(name)(argumentsOf(expression), scope, expression);
  const value = compileExpression(expression, scope);
  return (frame) => [value(frame)];
}

/** The rows in groups of equal keys: [{keys, rows}], in the order in which the groups appear. */
function groupRows(frame, rows, rowScope, keys) {
  const groups = new Map();
  visitRows(enterRows(rowScope, frame, rows), (inner) => {
    const values = keys.map((key) => key(inner));
    const name = keyOfAll(values);
    if (!groups.has(name)) groups.set(name, { keys: values, rows: [] });
    groups.get(name).rows.push(inner.row);
  });
  return [...groups.values()];
}

function compileSummarize(node, input, scope) {
  const keyNodes = node.ByClause ? node.ByClause.Expressions : [];
  const rowScope = scope.forRows(input);
  const keys = keyNodes.map((each) => compileExpression(each, rowScope));
  const outer = aggregateScope(scope, input, keyNodes);
  const values = node.Aggregates.map((each) => compileAggregate(each, outer));
  const columns = boundColumns(node, input);
  const rowOf = (frame, group) => {
    const inner = frame.sibling();
    inner.group = group.rows;
    const row = [...group.keys, ...values.flatMap((value) => value(inner))];
    if (row.length !== columns.length) {
      throw new KustoError(`summarize gives ${row.length} values for the columns ${columns.map((each) => each.name)}.`);
    }
    return row.map((value, index) => (isNothing(value) ? nullOf(columns[index].type) : value));
  };
  return makePlan({
    columns,
    phantoms: remainingPhantoms(node, input),
    rows: (frame) => {
      const groups = groupRows(frame, input.rows(frame), rowScope, keys);
      // Without keys there is always one row, even of no rows at all.
      if (!keys.length && !groups.length) groups.push({ keys: [], rows: [] });
      return groups.map((group) => rowOf(frame, group));
    },
  });
}

/** The axis of make-series: from the start (included) to the end (excluded) by steps. */
function axisOf(start, end, step) {
  const [first, last, width] = [start, end, step].map(scalarOf);
  if (!(width > 0)) throw new KustoError(`make-series needs a step above zero, not ${step}.`);
  const make = start instanceof DateTime ? (value) => new DateTime(value)
    : start instanceof TimeSpan ? (value) => new TimeSpan(value) : (value) => value;
  const length = Math.max(0, Math.ceil((last - first) / width));
  return { positionOf: (value) => Math.floor((scalarOf(value) - first) / width),
    values: Array.from({ length }, (_, index) => make(first + index * width)) };
}

function compileMakeSeries(node, input, scope) {
  const range = node.RangeClause;
  const ends = [range.MakeSeriesFromClause, range.MakeSeriesToClause, range.MakeSeriesStepClause];
  if (ends.some((each) => !each)) throw new UnsupportedError('make-series without from, to and step');
  const [from, to, step] = ends.map((each) => compileExpression(each.Expression, scope));
  const keyNodes = node.ByClause ? node.ByClause.Expressions : [];
  const rowScope = scope.forRows(input);
  const keys = keyNodes.map((each) => compileExpression(each, rowScope));
  const axis = compileExpression(node.OnClause.Expression, rowScope);
  const outer = aggregateScope(scope, input, keyNodes);
  const series = node.Aggregates.map((each) => ({
    missing: each.DefaultExpression ? compileExpression(each.DefaultExpression.Expression, scope) : () => 0,
    value: compileAggregate(each.Expression, outer),
  }));
  const seriesOf = (frame, rows, { positionOf, values }) => {
    const bins = values.map(() => []);
    visitRows(enterRows(rowScope, frame, rows), (inner) => {
      const at = axis(inner);
      const position = isNothing(at) ? -1 : positionOf(at);
      if (position in bins) bins[position].push(inner.row);
    });
    const inner = frame.sibling();
    return series.map(({ missing, value }) => bins.map((bin) => {
      inner.group = bin;
      return bin.length ? value(inner)[0] : missing(frame);
    }));
  };
  return makePlan({
    columns: boundColumns(node, input),
    rows: (frame) => {
      const line = axisOf(from(frame), to(frame), step(frame));
      const groups = groupRows(frame, input.rows(frame), rowScope, keys);
      return groups.map((group) => [...group.keys, ...seriesOf(frame, group.rows, line), line.values]);
    },
  });
}

operatorKinds.set('SummarizeOperator', compileSummarize);
operatorKinds.set('MakeSeriesOperator', compileMakeSeries);
