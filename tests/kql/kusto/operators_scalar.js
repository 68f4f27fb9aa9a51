// Operators between scalars: logic, comparison, text matching, arithmetic, between, in and has_any.
'use strict';

const { compileExpression, compileTable, isTabular } = require('./compiler');
const { unwrap } = require('./lower');
const { remember } = require('./scope');
const {
  DateTime, KustoError, TimeSpan, UnsupportedError, compare, isInteger, isInterval, keyOf, scalarOf, textOf,
} = require('./values');

// Logic has three values: null stands for "unknown", and only true passes a filter.
function compileAnd(left, right) {
  return (frame) => {
    const a = left(frame);
    if (a === false) return false;
    const b = right(frame);
    return b === false ? false : a === null || b === null ? null : true;
  };
}

function compileOr(left, right) {
  return (frame) => {
    const a = left(frame);
    if (a === true) return true;
    const b = right(frame);
    return b === true ? true : a === null || b === null ? null : false;
  };
}

/** Whether two values are equal: null if both are null, false if only one is (Kusto's "null values" page). */
function equals(a, b) {
  if (a === null || b === null) return a === null && b === null ? null : false;
  if (typeof a === 'object' && !isInterval(a)) return keyOf(a) === keyOf(b);
  return compare(a, b) === 0;
}

const negated = (value) => (value === null ? null : !value);

const isWordCharacter = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/**
 * Whether `term` occurs in `text` bounded by something other than letters and digits. An end of the term that is
 * itself no letter or digit needs no boundary.
 */
function hasTerm(text, term) {
  const [first, last] = [term[0], term[term.length - 1]];
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) {
    const startsInside = isWordCharacter(first) && isWordCharacter(text[at - 1]);
    const endsInside = isWordCharacter(last) && isWordCharacter(text[at + term.length]);
    if (!startsInside && !endsInside) return true;
  }
  return false;
}

const TEXT_TESTS = {
  contains: (text, part) => text.includes(part),
  endswith: (text, part) => text.endsWith(part),
  has: hasTerm,
  startswith: (text, part) => text.startsWith(part),
};

/** The test behind "!startswith_cs" and the like, or null if the operator is none of these. */
function textTest(operator) {
  const [, negation, name, caseSensitive] = /^(!?)([a-z]+)(_cs)?$/.exec(operator) || [];
  const test = Object.prototype.hasOwnProperty.call(TEXT_TESTS, name) && TEXT_TESTS[name];
  if (!test) return null;
  const prepare = caseSensitive ? textOf : (value) => textOf(value).toLowerCase();
  return (a, b) => test(prepare(a), prepare(b)) !== Boolean(negation);
}

const ordering = (accept) => (a, b) => (a === null || b === null ? null : accept(compare(a, b)));
const equalsIgnoringCase = (a, b) => textOf(a).toLowerCase() === textOf(b).toLowerCase();

const COMPARISONS = {
  '!=': (a, b) => negated(equals(a, b)),
  '!~': (a, b) => !equalsIgnoringCase(a, b),
  '<': ordering((order) => order < 0),
  '<=': ordering((order) => order <= 0),
  '<>': (a, b) => negated(equals(a, b)),
  '==': equals,
  '=~': equalsIgnoringCase,
  '>': ordering((order) => order > 0),
  '>=': ordering((order) => order >= 0),
  'matches regex': (text, pattern) => new RegExp(pattern, 'u').test(textOf(text)),
};

/** Gives a result computed in plain numbers the form of its type. */
function resultMaker(type) {
  if (type === 'datetime') return (number) => new DateTime(number);
  if (type === 'timespan') return (number) => new TimeSpan(Math.trunc(number));
  if (!isInteger(type)) return (number) => number;
  return (number) => {
    if (!Number.isSafeInteger(number)) {
      throw new UnsupportedError(`integers beyond 2^53, such as the result ${number}`);
    }
    return number + 0; // no negative zero among integers
  };
}

// Integers divide towards zero, and dividing them by zero gives null; a remainder is never negative.
const divideIntegers = (a, b) => (b === 0 ? null : Math.trunc(a / b));

function remainderOfIntegers(a, b) {
  if (b === 0) return null;
  const remainder = a % b;
  return remainder < 0 ? remainder + Math.abs(b) : remainder;
}

function arithmeticOf(operator, integers) {
  switch (operator) {
    case '+': return (a, b) => a + b;
    case '-': return (a, b) => a - b;
    case '*': return (a, b) => a * b;
    case '/': return integers ? divideIntegers : (a, b) => a / b;
    case '%': return integers ? remainderOfIntegers : (a, b) => a % b;
    default: return null;
  }
}

function compileArithmetic(node, left, right) {
  const types = [node.Left.type, node.Right.type, node.type];
  if (types.some((type) => !type || type === 'unknown' || type === 'dynamic')) {
    throw new KustoError(`The types of ${node.Operator} are not known (${types.slice(0, 2).join(', ')}); convert the operands.`);
  }
  const integers = isInteger(node.Left.type) && isInteger(node.Right.type);
  const calculate = arithmeticOf(node.Operator, integers);
  if (!calculate) throw new UnsupportedError(`the operator ${node.Operator}`);
  const make = resultMaker(node.type);
  return (frame) => {
    const a = left(frame);
    const b = right(frame);
    if (a === null || b === null) return null;
    const result = calculate(scalarOf(a), scalarOf(b));
    return result === null ? null : make(result);
  };
}

/** The closure of a binary expression. */
function compileBinary(node, scope) {
  const left = compileExpression(node.Left, scope);
  const right = compileExpression(node.Right, scope);
  const operator = node.Operator;
  if (operator === 'and') return compileAnd(left, right);
  if (operator === 'or') return compileOr(left, right);
  const test = textTest(operator) || COMPARISONS[operator];
  if (test) return (frame) => test(left(frame), right(frame));
  return compileArithmetic(node, left, right);
}

/** x between (a .. b): both ends belong to it; after a datetime the end may be a distance from the beginning. */
function compileBetween(node, scope) {
  const [value, first, second] = [node.Left, node.Right.First, node.Right.Second]
    .map((each) => compileExpression(each, scope));
  const isNegated = node.Operator.startsWith('!');
  return (frame) => {
    const [x, from, until] = [value(frame), first(frame), second(frame)];
    if (x === null || from === null || until === null) return null;
    const end = from instanceof DateTime && until instanceof TimeSpan ? new DateTime(from.ticks + until.ticks) : until;
    return (compare(x, from) >= 0 && compare(x, end) <= 0) !== isNegated;
  };
}

/** The values on the right of `in`: listed, held by a dynamic array, or the first column of a table. */
function compileCandidates(node, scope) {
  const parts = (node.Right.Expressions || [node.Right]).map((each) => {
    const inner = unwrap(each);
    if (isTabular(inner)) {
      const outer = scope.withoutRows();
      const plan = compileTable(inner, outer);
      return remember(outer, (frame) => plan.rows(frame).map((row) => row[0]));
    }
    const value = compileExpression(inner, scope);
    return (frame) => {
      const single = value(frame);
      return Array.isArray(single) ? single : [single];
    };
  });
  return (frame) => parts.flatMap((part) => part(frame));
}

/** in, !in, in~, !in~, has_any and has_all. */
function compileMembership(node, scope) {
  const value = compileExpression(node.Left, scope);
  const candidates = compileCandidates(node, scope);
  const [, negation, name, tilde] = /^(!?)(in|has_any|has_all)(~?)$/.exec(node.Operator) || [];
  const lower = (each) => textOf(each).toLowerCase();
  const has = (text) => (term) => hasTerm(lower(text), lower(term));
  switch (name) {
    case 'has_any': return (frame) => candidates(frame).some(has(value(frame)));
    case 'has_all': return (frame) => candidates(frame).every(has(value(frame)));
    case 'in': {
      const same = tilde ? equalsIgnoringCase : equals;
      return (frame) => {
        const wanted = value(frame);
        return candidates(frame).some((each) => same(wanted, each) === true) !== Boolean(negation);
      };
    }
    default: throw new UnsupportedError(`the operator ${node.Operator}`);
  }
}

module.exports = { compileBetween, compileBinary, compileMembership, equals };
