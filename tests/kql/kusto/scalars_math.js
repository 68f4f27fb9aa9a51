// Arithmetic functions, and bin() with its other names.
'use strict';

const { define, defineAliases, defineStrict, defineTyped } = require('./scalars');
const {
  DateTime, EPOCH_DAYS, KustoError, TICKS_PER_DAY, TimeSpan, isInteger, scalarOf,
} = require('./values');

const lowerMultiple = (value, size) => Math.floor(value / size) * size;

/**
 * The largest multiple of `size` that is not above the point in time. Multiples count from 0001-01-01, a Monday, so
 * bins of seven days begin on Mondays. Ticks since then exceed what a number holds exactly, hence the remainder of
 * the distance in days.
 */
function binDateTime(value, size) {
  const days = Math.floor(value.ticks / TICKS_PER_DAY);
  const withinDay = value.ticks - days * TICKS_PER_DAY;
  // (days + EPOCH_DAYS) * TICKS_PER_DAY modulo size, without large intermediate numbers.
  const remainderOfDays = Number((BigInt(days + EPOCH_DAYS) * BigInt(TICKS_PER_DAY)) % BigInt(size));
  return new DateTime(value.ticks - ((remainderOfDays + withinDay) % size));
}

/** bin() and floor(), which is another name of it: both need a size. A size of zero gives null, NaN for reals. */
const makeBin = (types) => (value, size) => {
  if (value === null || size === null) return null;
  const width = scalarOf(size);
  if (width === 0) return types.includes('real') ? NaN : null;
  if (width < 0) throw new KustoError(`bin() needs a size above zero, not ${size}.`);
  if (value instanceof DateTime) return binDateTime(value, width);
  if (value instanceof TimeSpan) return new TimeSpan(lowerMultiple(value.ticks, width));
  return lowerMultiple(scalarOf(value), width) + 0;
};

/** bin() whose multiples count from a fixed point. */
function binAt(value, size, fixed) {
  if (value === null || size === null || fixed === null) return null;
  const result = lowerMultiple(scalarOf(value) - scalarOf(fixed), scalarOf(size)) + scalarOf(fixed);
  if (value instanceof DateTime) return new DateTime(result);
  return value instanceof TimeSpan ? new TimeSpan(result) : result;
}

/**
 * Rounds half away from zero, in doubles: round(2.5) is 3.0 and round(1.005, 2) is 1.0, because 1.005 is a little
 * less than it reads (measured on the Kusto emulator by the authors of duckdb-kql; Microsoft's page gives
 * round(2.15, 1) = 2.2, round(-50.55, -2) = -100 and round(21.5, -1) = 20, which agree). The result is a real.
 */
function round(value, precision = 0) {
  if (!Number.isFinite(value)) return value;
  const scale = 10 ** Math.abs(precision);
  const scaled = precision < 0 ? Math.abs(value) / scale : Math.abs(value) * scale;
  const rounded = precision < 0 ? Math.round(scaled) * scale : Math.round(scaled) / scale;
  return value < 0 ? 0 - rounded : rounded;
}

const abs = (value) => (value instanceof TimeSpan ? new TimeSpan(Math.abs(value.ticks)) : Math.abs(value));

/** A power of integers is an integer, or null beyond what a number holds exactly. */
const makePower = ([base, exponent]) => (a, b) => {
  if (a === null || b === null) return null;
  const result = a ** b;
  return isInteger(base) && isInteger(exponent) && !Number.isSafeInteger(result) ? null : result;
};

define({ bin_at: binAt, sign: (value) => Math.sign(value) || 0 });
defineStrict({
  abs,
  ceiling: (value) => Math.ceil(value) + 0,
  exp: Math.exp,
  exp10: (value) => 10 ** value,
  exp2: (value) => 2 ** value,
  log: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  pi: () => Math.PI,
  round,
  sqrt: Math.sqrt,
});
defineTyped({ bin: makeBin, pow: makePower });
defineAliases({ floor: 'bin' });
