// The values of KQL's types in JavaScript, and what every part of the evaluator needs to do with them.
//
//   bool -> boolean; int, long, real, decimal -> number; string, guid -> string (a string is never null);
//   datetime -> DateTime; timespan -> TimeSpan; dynamic -> a JSON value, which may hold DateTime and TimeSpan;
//   null -> null.
//
// Numbers hold long values exactly up to 2^53; arithmetic refuses to go beyond. Points in time are counted in ticks
// (100 ns) from 2020, which a number holds exactly for the years 1991 to 2048, and to a whole second for all years
// up to 5673.
'use strict';

const TICKS_PER_SECOND = 1e7;
const TICKS_PER_MILLISECOND = 1e4;
const TICKS_PER_DAY = 864e9;
const EPOCH_MILLISECONDS = Date.UTC(2020, 0, 1);
// Days from 0001-01-01, from which bin() counts, to 2020-01-01.
const EPOCH_DAYS = 737424;

/** An error of the query or of its data, whose message is meant for the reader of a failed test. */
class KustoError extends Error {}

/** What the service may well do but this evaluator does not. */
class UnsupportedError extends KustoError {
  constructor(what) {
    super(`The tests' evaluator does not support ${what}.`);
  }
}

class DateTime {
  constructor(ticks) {
    this.ticks = ticks;
  }

  static fromDate(date) {
    return new DateTime((date.getTime() - EPOCH_MILLISECONDS) * TICKS_PER_MILLISECOND);
  }

  /** The point in time as a JavaScript Date, which drops what is finer than a millisecond. */
  toDate() {
    return new Date(EPOCH_MILLISECONDS + Math.floor(this.ticks / TICKS_PER_MILLISECOND));
  }

  toString() {
    const seconds = Math.floor(this.ticks / TICKS_PER_SECOND);
    const rest = Math.round(this.ticks - seconds * TICKS_PER_SECOND);
    const whole = new Date(EPOCH_MILLISECONDS + seconds * 1000).toISOString().slice(0, 19);
    return `${whole}.${String(rest).padStart(7, '0')}Z`;
  }

  toJSON() {
    return this.toString();
  }
}

class TimeSpan {
  constructor(ticks) {
    this.ticks = ticks;
  }

  toString() {
    let rest = Math.abs(this.ticks);
    const take = (size) => {
      const whole = Math.floor(rest / size);
      rest -= whole * size;
      return whole;
    };
    const two = (value) => String(value).padStart(2, '0');
    const days = take(TICKS_PER_DAY);
    const clock = `${two(take(36e9))}:${two(take(6e8))}:${two(take(1e7))}`;
    const fraction = rest ? `.${String(Math.round(rest)).padStart(7, '0')}` : '';
    return `${this.ticks < 0 ? '-' : ''}${days ? `${days}.` : ''}${clock}${fraction}`;
  }

  toJSON() {
    return this.toString();
  }
}

const isInterval = (value) => value instanceof DateTime || value instanceof TimeSpan;
const isNothing = (value) => value === null || value === undefined;
const isInteger = (type) => type === 'long' || type === 'int';
const isNumeric = (type) => isInteger(type) || type === 'real' || type === 'decimal';

const TYPE_ALIASES = {
  boolean: 'bool', date: 'datetime', double: 'real', float: 'real', int32: 'int', int64: 'long', time: 'timespan',
  uniqueid: 'guid',
};
const canonicalType = (type) => TYPE_ALIASES[type] || type;

/** What a column of the type holds where there is no value: strings have no null. */
const nullOf = (type) => (type === 'string' ? '' : null);

function parseFraction(digits) {
  return digits ? Math.round(Number(`0.${digits}`) * TICKS_PER_SECOND) : 0;
}

const DATETIME = new RegExp(
  '^(\\d{4})-(\\d{1,2})-(\\d{1,2})(?:[T ](\\d{1,2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,9}))?)?)?\\s*(Z|[+-]\\d{2}:?\\d{2})?$',
  'i');

/** The DateTime that a text names, or null if it names none. */
function parseDateTime(text) {
  const match = DATETIME.exec(text.trim());
  if (!match) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction, zone] = match;
  const date = new Date(Date.UTC(2000, +month - 1, +day, +hour, +minute, +second));
  date.setUTCFullYear(+year, +month - 1, +day);
  if (date.getUTCMonth() !== +month - 1 || date.getUTCDate() !== +day || +hour > 23 || +minute > 59 || +second > 59) {
    return null;
  }
  let ticks = DateTime.fromDate(date).ticks + parseFraction(fraction);
  if (zone && zone.toUpperCase() !== 'Z') {
    const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
    ticks -= (zone[0] === '-' ? -1 : 1) * minutes * 6e8;
  }
  return new DateTime(ticks);
}

const TICKS_OF_UNIT = {
  d: 864e9, day: 864e9, days: 864e9,
  h: 36e9, hr: 36e9, hrs: 36e9, hour: 36e9, hours: 36e9,
  m: 6e8, min: 6e8, minute: 6e8, minutes: 6e8,
  s: 1e7, sec: 1e7, second: 1e7, seconds: 1e7,
  ms: 1e4, milli: 1e4, millis: 1e4, millisecond: 1e4, milliseconds: 1e4,
  micro: 10, micros: 10, microsecond: 10, microseconds: 10,
  tick: 1, ticks: 1,
};

/** The TimeSpan that a text names ("1.5h", "1.02:03:04.5", "3" for days), or null if it names none. */
function parseTimeSpan(text) {
  const trimmed = text.trim();
  const unit = /^(-?[\d.]+)\s*([a-z]+)$/i.exec(trimmed);
  if (unit && TICKS_OF_UNIT[unit[2].toLowerCase()]) {
    return new TimeSpan(Math.round(Number(unit[1]) * TICKS_OF_UNIT[unit[2].toLowerCase()]));
  }
  const clock = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?$/.exec(trimmed);
  if (clock) {
    const [, sign, days = '0', hours, minutes, seconds = '0', fraction] = clock;
    const ticks = days * TICKS_PER_DAY + hours * 36e9 + minutes * 6e8 + seconds * 1e7 + parseFraction(fraction);
    return new TimeSpan(sign ? -ticks : ticks);
  }
  return /^-?\d+$/.test(trimmed) ? new TimeSpan(Number(trimmed) * TICKS_PER_DAY) : null;
}

/** A number that stands for the value in comparisons, sums and the like. */
const scalarOf = (value) => (isInterval(value) ? value.ticks : typeof value === 'boolean' ? Number(value) : value);

/** -1, 0 or 1 for two values that are not null; NaN compares like nothing else. */
function compare(left, right) {
  const a = scalarOf(left);
  const b = scalarOf(right);
  if (typeof a !== typeof b) {
    throw new KustoError(
      `Values of different types are compared: ${JSON.stringify(left)} and ${JSON.stringify(right)}. ` +
      'Convert the dynamic one with tolong(), todouble(), tostring() or the like.');
  }
  if (typeof a === 'object') {
    throw new KustoError(`Arrays and property bags have no order: ${JSON.stringify(left)}.`);
  }
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : NaN;
}

/** A text that is the same for equal values and differs between unequal ones; null counts as a value. */
function keyOf(value) {
  if (isNothing(value)) return 'null';
  if (value instanceof DateTime) return `d${value.ticks}`;
  if (value instanceof TimeSpan) return `t${value.ticks}`;
  if (typeof value === 'number') return `n${value}`;
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'boolean') return `b${value}`;
  return `o${JSON.stringify(value)}`;
}

const keyOfAll = (values) => values.map(keyOf).join('\u0001');

/** A real number as Kusto writes it: "1.0", "0.25", "1E+15", "NaN". */
function realText(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const [digits, exponent] = value.toExponential().split('e');
  if (value !== 0 && (exponent >= 15 || exponent < -5)) {
    return `${digits}E${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** What tostring() gives for a value of the type. A bool reads "True", but "true" inside a dynamic value. */
function textOf(value, type) {
  if (isNothing(value)) return '';
  if (typeof value === 'string') return value;
  if (isInterval(value)) return value.toString();
  if (typeof value === 'boolean') return type === 'bool' ? (value ? 'True' : 'False') : String(value);
  if (typeof value === 'number') return type === 'real' || type === 'decimal' ? realText(value) : String(value);
  return JSON.stringify(value);
}

/** The value as rows hand it to the outside: JSON, with the numbers that JSON lacks as texts. */
function toJson(value) {
  if (isNothing(value)) return null;
  if (isInterval(value)) return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return realText(value);
  return value;
}

/** The value that a row given as JSON means in a column of the type. */
function fromJson(value, column) {
  if (isNothing(value)) return nullOf(column.type);
  const misfit = () => new KustoError(
    `The value ${JSON.stringify(value)} does not fit the column ${column.name} of type ${column.type}.`);
  switch (column.type) {
    case 'string':
    case 'guid':
      if (typeof value !== 'string') throw misfit();
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw misfit();
      return value;
    case 'int':
    case 'long':
      if (!Number.isSafeInteger(value)) throw misfit();
      return value;
    case 'real':
    case 'decimal':
      if (typeof value === 'number') return value;
      if (['NaN', 'Infinity', '-Infinity'].includes(value)) return Number(value);
      throw misfit();
    case 'datetime':
    case 'timespan': {
      const parsed = typeof value !== 'string' ? null
        : column.type === 'datetime' ? parseDateTime(value) : parseTimeSpan(value);
      if (parsed === null) throw misfit();
      return parsed;
    }
    case 'dynamic':
      return value;
    default:
      throw new UnsupportedError(`the type ${column.type} (column ${column.name})`);
  }
}

module.exports = {
  DateTime, EPOCH_DAYS, EPOCH_MILLISECONDS, KustoError, TICKS_OF_UNIT, TICKS_PER_DAY, TICKS_PER_MILLISECOND,
  TICKS_PER_SECOND, TimeSpan, UnsupportedError, canonicalType, compare, fromJson, isInteger, isInterval, isNothing, isNumeric, keyOf,
  keyOfAll, nullOf, parseDateTime, parseTimeSpan, realText, scalarOf, textOf, toJson,
};
