// Tests for null and emptiness, and conversions between types. A conversion that fails gives null, never an error.
'use strict';

const { define, defineAliases, defineTyped } = require('./scalars');
const {
  DateTime, EPOCH_DAYS, TICKS_PER_DAY, TimeSpan, compare, isInterval, isNothing, nullOf, parseDateTime, parseTimeSpan,
  textOf,
} = require('./values');

const INTEGER = /^[+-]?(\d+|0x[\da-f]+)$/i;
const REAL = /^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|0x[\da-f]+)$/i;
const SPECIAL_REALS = { '-inf': -Infinity, '-infinity': -Infinity, inf: Infinity, infinity: Infinity, nan: NaN };

/** Ticks since 0001-01-01, which is what a datetime is as a number. */
const absoluteTicks = (value) => value.ticks + EPOCH_DAYS * TICKS_PER_DAY;

function toLong(value) {
  if (isNothing(value)) return null;
  if (value instanceof DateTime) return absoluteTicks(value);
  if (value instanceof TimeSpan) return value.ticks;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) + 0 : null;
  // "5.7" and "1e3" are no integers: null, not 5 and 1000.
  return typeof value === 'string' && INTEGER.test(value.trim()) ? Number(value.trim()) : null;
}

function toReal(value) {
  if (isNothing(value)) return null;
  if (isInterval(value)) return toLong(value);
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  const text = value.trim().toLowerCase();
  if (Object.prototype.hasOwnProperty.call(SPECIAL_REALS, text)) return SPECIAL_REALS[text];
  return REAL.test(text) ? Number(text) : null;
}

/** An int has 32 bits: a long wraps, a real stops at the bounds, a text beyond them is null. */
function toInt(value, type) {
  const long = toLong(value);
  if (long === null || (long >= -(2 ** 31) && long < 2 ** 31)) return long;
  if (typeof value === 'string') return null;
  return type === 'long' ? long | 0 : long < 0 ? -(2 ** 31) : 2 ** 31 - 1;
}

function toBool(value) {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string') return null;
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  return INTEGER.test(text) ? Number(text) !== 0 : null;
}

function toDateTime(value) {
  if (value instanceof DateTime) return value;
  if (typeof value === 'string') return parseDateTime(value);
  return typeof value === 'number' ? new DateTime(Math.trunc(value) - EPOCH_DAYS * TICKS_PER_DAY) : null;
}

function toTimeSpan(value) {
  if (value instanceof TimeSpan) return value;
  if (typeof value === 'string') return parseTimeSpan(value);
  return typeof value === 'number' ? new TimeSpan(Math.trunc(value)) : null;
}

function parseJson(value) {
  if (typeof value !== 'string') return value;
  if (value.trim() === '') return null;
  try {
    return JSON.parse(value);
  } catch {
    return value; // a text that is no JSON stays a text
  }
}

function typeOfDynamic(value) {
  if (isNothing(value)) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof DateTime) return 'datetime';
  if (value instanceof TimeSpan) return 'timespan';
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'double';
  return { boolean: 'bool', object: 'dictionary', string: 'string' }[typeof value];
}

const isEmpty = (value) => textOf(value) === '';

/** The first argument that is neither null nor an empty text; if there is none, the text or null of the type. */
const makeCoalesce = ([type]) => (...values) => {
  const found = values.find((value) => !isNothing(value) && value !== '');
  return found === undefined ? nullOf(type) : found;
};

const makeExtreme = (sign) => (...values) => values.reduce((best, value) => {
  if (value === null) return best;
  return best === null || compare(value, best) * sign > 0 ? value : best;
}, null);

/** The conversion that a column or `to typeof()` of the type asks for, applied to an element of a dynamic value. */
function fromDynamic(value, type) {
  if (isNothing(value)) return nullOf(type);
  const isNumber = typeof value === 'number';
  switch (type) {
    case 'dynamic': return value;
    case 'string': return textOf(value);
    case 'int': return isNumber ? toInt(value, 'real') : null;
    case 'long': return isNumber ? toLong(value) : null;
    case 'real': return isNumber ? value : null;
    case 'bool': return typeof value === 'boolean' ? value : Number.isInteger(value) ? value !== 0 : null;
    case 'datetime': return isNumber ? null : toDateTime(value);
    case 'timespan': return value instanceof TimeSpan ? value : null;
    default: return typeof value === 'string' ? value : null;
  }
}

define({
  isempty: isEmpty,
  isfinite: (value) => Number.isFinite(value),
  isinf: (value) => value === Infinity || value === -Infinity,
  isnan: (value) => Number.isNaN(value),
  isnotempty: (value) => !isEmpty(value),
  isnotnull: (value) => !isNothing(value),
  isnull: (value) => isNothing(value),
  max_of: makeExtreme(1),
  min_of: makeExtreme(-1),
  not: (value) => (value === null ? null : !value),
  parse_json: parseJson,
  tobool: toBool,
  todatetime: toDateTime,
  todecimal: toReal,
  tolong: toLong,
  toreal: toReal,
  totimespan: toTimeSpan,
});
defineTyped({
  coalesce: makeCoalesce,
  gettype: ([type]) => (value) => (type === 'dynamic' ? typeOfDynamic(value) : type),
  toint: ([type]) => (value) => toInt(value, type),
  tostring: ([type]) => (value) => textOf(value, type),
});
defineAliases({
  notempty: 'isnotempty', notnull: 'isnotnull', parsejson: 'parse_json', toboolean: 'tobool', todouble: 'toreal',
  todynamic: 'parse_json',
});

module.exports = { fromDynamic };
