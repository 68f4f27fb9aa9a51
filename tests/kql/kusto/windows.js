// Window functions: prev() and next(), which look at other rows, and the row_... functions, which run along the rows.
'use strict';

const { compileExpression } = require('./compiler');
const { KustoError, UnsupportedError, isNothing, keyOf, nullOf } = require('./values');

/** Calls `visit` for each row of the frame, in order, with the frame moved to it. */
function visitRows(frame, visit) {
  for (let index = 0; index < frame.rows.length; index++) {
    frame.row = frame.rows[index];
    frame.index = index;
    visit(frame);
  }
}

/** A frame for the rows, with the values of the window functions in the scope computed for all of them. */
function enterRows(scope, frame, rows) {
  const inner = frame.sibling(rows);
  inner.windows = [];
  for (const compute of scope.windows || []) inner.windows.push(compute(inner));
  return inner;
}

/** The results of an expression for each row. */
function mapRows(scope, frame, rows, compute) {
  const results = new Array(rows.length);
  visitRows(enterRows(scope, frame, rows), (inner) => { results[inner.index] = compute(inner); });
  return results;
}

/** The expression's value in the row that lies `offset` rows away, or the default where there is none. */
function compileNeighbour(direction, [value, offset, fallback], node) {
  const missing = nullOf(node.type);
  return (frame) => {
    const target = frame.index + direction * (offset ? offset(frame) : 1);
    if (target < 0 || target >= frame.rows.length) return fallback ? fallback(frame) : missing;
    const { row, index } = frame;
    frame.row = frame.rows[target];
    frame.index = target;
    const result = value(frame);
    frame.row = row;
    frame.index = index;
    return result;
  };
}

const isTrue = (condition, frame) => condition !== undefined && condition(frame) === true;

// Each gives, for one run along the rows, a function of the frame at a row.
const RUNNING = {
  row_cumsum([term, restart]) {
    let sum = 0;
    return (frame) => {
      if (isTrue(restart, frame)) sum = 0;
      sum += term(frame) || 0;
      return sum;
    };
  },
  row_number([start, restart]) {
    let number = null;
    return (frame) => {
      const restarts = number === null || isTrue(restart, frame);
      number = restarts ? (start ? start(frame) : 1) : number + 1;
      return number;
    };
  },
  row_rank_dense([term, restart]) {
    let rank = 0;
    let before;
    return (frame) => {
      const key = keyOf(term(frame));
      if (isTrue(restart, frame)) rank = 0;
      if (rank === 0 || key !== before) rank += 1;
      before = key;
      return rank;
    };
  },
  // A session ends when it has lasted longer than `longest`, after a pause longer than `gap`, or where told to.
  row_window_session([term, longest, gap, restart]) {
    let start = null;
    let before = null;
    return (frame) => {
      const value = term(frame);
      const begins = start === null || before === null || value === null || isTrue(restart, frame)
        || value.ticks >= start.ticks + longest(frame).ticks || value.ticks >= before.ticks + gap(frame).ticks;
      if (begins) start = value;
      before = value;
      return start;
    };
  },
};

const isWindow = (name) => name === 'prev' || name === 'next' || name.startsWith('row_');

/** The closure of a window function; it refuses rows without a definite order, as the service does. */
function compileWindow(node, name, args, scope) {
  if (!scope.windows) {
    throw new KustoError(`The window function ${name}() may stand in extend, project, serialize and where only.`);
  }
  if (!scope.serialised) {
    throw new KustoError(
      `The window function ${name}() needs rows in a definite order: put sort or serialize before it, with nothing ` +
      'in between that gives up the order (such as summarize, join, union, distinct or mv-expand).');
  }
  const compiled = args.map((each) => compileExpression(each, scope));
  if (name === 'prev' || name === 'next') return compileNeighbour(name === 'next' ? 1 : -1, compiled, node);
  const start = RUNNING[name];
  if (!start) throw new UnsupportedError(`the function ${name}()`);
  const position = scope.windows.length;
  scope.windows.push((frame) => {
    const step = start(compiled);
    const values = new Array(frame.rows.length);
    visitRows(frame, () => { values[frame.index] = step(frame); });
    return values;
  });
  return (frame) => {
    const value = frame.windows[position][frame.index];
    return isNothing(value) ? null : value;
  };
}

module.exports = { compileWindow, enterRows, isWindow, mapRows, visitRows };
