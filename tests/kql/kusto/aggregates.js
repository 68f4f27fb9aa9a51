// Aggregate functions: what a group of rows comes to. Null values are skipped.
//
// `aggregates` maps a name to `(args, scope, node) => (frame) => value`, where the frame holds the group and
// scope.aggregates is the scope of expressions for one row. Those in MULTIPLE give an array, one value for each of
// several output columns.
'use strict';

const { compileExpression } = require('./compiler');
const { distinctValues, isBag } = require('./scalars_dynamic');
const { DateTime, TimeSpan, UnsupportedError, compare, isInteger, isNothing, keyOf, nullOf, scalarOf } = require('./values');

const aggregates = new Map();
const MULTIPLE = new Set(['arg_max', 'arg_min', 'percentiles']);

/** Calls `visit` for each row of the group for which the condition holds. */
function visitGroup(frame, condition, visit) {
  const inner = frame.sibling(frame.group);
  for (const row of frame.group) {
    inner.row = row;
    if (!condition || condition(inner) === true) visit(inner);
  }
}

/** The values of an expression in the group, without nulls. */
function collect(frame, value, condition) {
  const values = [];
  visitGroup(frame, condition, (inner) => {
    const found = value(inner);
    if (!isNothing(found)) values.push(found);
  });
  return values;
}

const add = (values) => values.reduce((sum, value) => sum + scalarOf(value), 0);

function sumOf(values, type) {
  const sum = add(values);
  if (isInteger(type) && !Number.isSafeInteger(sum)) throw new UnsupportedError(`integers beyond 2^53, such as the sum ${sum}`);
  return type === 'timespan' ? new TimeSpan(sum) : sum;
}

/** The mean: NaN if there are no values. */
function meanOf(values, type) {
  const mean = add(values) / values.length;
  if (type === 'datetime') return values.length ? new DateTime(Math.trunc(mean)) : null;
  if (type === 'timespan') return values.length ? new TimeSpan(Math.trunc(mean)) : null;
  return mean;
}

const extremeOf = (sign) => (values) => values.reduce(
  (best, value) => (best === null || compare(value, best) * sign > 0 ? value : best), null);

/** The variance, zero for fewer than two values; `freedom` is 1 for a sample and 0 for a whole population. */
const varianceOf = (freedom) => (values) => {
  if (values.length < 2) return 0;
  const mean = add(values) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - freedom);
};

// Counted exactly. The service estimates, and is exact for small numbers of values.
const distinctCountOf = (values) => new Set(values.map(keyOf)).size;

/** The value at the nearest rank: the smallest that at least `percent` of the values do not exceed. */
function percentileOf(values, percent) {
  if (!values.length) return null;
  const sorted = [...values].sort(compare);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

const limited = (values, limit) => (limit === undefined ? values : values.slice(0, limit));

// A set of arrays is the set of their elements.
const setOf = (values) => distinctValues(values.flatMap((value) => (Array.isArray(value) ? value : [value])));

// Of several values of one key the service takes any; here it is the first.
const bagOf = (values) => Object.assign({}, ...values.filter(isBag).reverse());

// By name, what the values come to: (values, type of the result, further argument).
const OF_VALUES = {
  avg: meanOf,
  count_distinct: distinctCountOf,
  dcount: distinctCountOf,
  make_bag: bagOf,
  make_list: (values, type, limit) => limited(values, limit),
  make_set: (values, type, limit) => limited(setOf(values), limit),
  max: extremeOf(1),
  min: extremeOf(-1),
  stdev: (values) => Math.sqrt(varianceOf(1)(values)),
  stdevp: (values) => Math.sqrt(varianceOf(0)(values)),
  sum: sumOf,
  variance: varianceOf(1),
  variancep: varianceOf(0),
};

// Names whose conditional form is not simply "name" + "if".
const CONDITIONAL_NAMES = { make_bag: 'make_bag_if', make_list: 'make_list_if', make_set: 'make_set_if' };

function constantOf(node, scope) {
  if (!node) return undefined;
  return compileExpression(node, scope)(null);
}

for (const [name, compute] of Object.entries(OF_VALUES)) {
  const isDistinct = compute === distinctCountOf; // whose further argument is an accuracy
  aggregates.set(name, (args, scope, node) => {
    const value = compileExpression(args[0], scope.aggregates);
    const further = isDistinct ? undefined : constantOf(args[1], scope);
    return (frame) => compute(collect(frame, value), node.type, further);
  });
  aggregates.set(CONDITIONAL_NAMES[name] || `${name}if`, (args, scope, node) => {
    const [value, condition] = args.slice(0, 2).map((each) => compileExpression(each, scope.aggregates));
    const further = isDistinct ? undefined : constantOf(args[2], scope);
    return (frame) => compute(collect(frame, value, condition), node.type, further);
  });
}

aggregates.set('count', () => (frame) => frame.group.length);
aggregates.set('countif', ([test], scope) => {
  const condition = compileExpression(test, scope.aggregates);
  return (frame) => {
    let count = 0;
    visitGroup(frame, condition, () => { count += 1; });
    return count;
  };
});
aggregates.set('take_any', (args, scope, node) => {
  if (args.length > 1 || args[0].kind === 'StarExpression') throw new UnsupportedError('take_any() of several columns');
  const value = compileExpression(args[0], scope.aggregates);
  return (frame) => {
    // Any value will do for the service; here it is the first.
    const values = collect(frame, value);
    return values.length ? values[0] : nullOf(node.type);
  };
});
aggregates.set('any', aggregates.get('take_any'));
aggregates.set('make_list_with_nulls', ([argument], scope) => {
  const value = compileExpression(argument, scope.aggregates);
  return (frame) => {
    const values = [];
    visitGroup(frame, null, (inner) => values.push(value(inner)));
    return values;
  };
});
aggregates.set('percentile', ([argument, percent], scope) => {
  const value = compileExpression(argument, scope.aggregates);
  const rank = compileExpression(percent, scope);
  return (frame) => percentileOf(collect(frame, value), rank(frame));
});
aggregates.set('percentiles', ([argument, ...percents], scope) => {
  const value = compileExpression(argument, scope.aggregates);
  const ranks = percents.map((each) => compileExpression(each, scope));
  return (frame) => {
    const values = collect(frame, value);
    return ranks.map((rank) => percentileOf(values, rank(frame)));
  };
});

/** The row in which the value is extreme, the first of several; the first row of all if the value is null in all. */
function extremeRow(frame, value, sign) {
  let bestRow = frame.group.length ? frame.group[0] : null;
  let best = null;
  visitGroup(frame, null, (inner) => {
    const found = value(inner);
    if (isNothing(found) || Number.isNaN(found)) return;
    if (best === null || compare(found, best) * sign > 0) {
      best = found;
      bestRow = inner.row;
    }
  });
  return { best, bestRow };
}

const makeArgExtreme = (sign) => ([maximised, ...returned], scope) => {
  const rowScope = scope.aggregates;
  const value = compileExpression(maximised, rowScope);
  const outputs = returned.flatMap((each) => (each.kind === 'StarExpression'
    ? scope.starPositions(maximised).map((position) => (frame) => frame.row[position])
    : [compileExpression(each, rowScope)]));
  return (frame) => {
    const { best, bestRow } = extremeRow(frame, value, sign);
    if (bestRow === null) return [null, ...outputs.map(() => null)];
    const inner = frame.sibling(frame.group);
    inner.row = bestRow;
    return [best, ...outputs.map((output) => output(inner))];
  };
};
aggregates.set('arg_max', makeArgExtreme(1));
aggregates.set('arg_min', makeArgExtreme(-1));

module.exports = { MULTIPLE, aggregates };
