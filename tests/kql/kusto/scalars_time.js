// Functions of points in time and durations. Everything is in UTC.
'use strict';

const { define, defineAliases, defineStrict, defineTyped } = require('./scalars');
const {
  DateTime, KustoError, TICKS_OF_UNIT, TICKS_PER_DAY, TICKS_PER_MILLISECOND, TICKS_PER_SECOND, TimeSpan,
  UnsupportedError, isNothing,
} = require('./values');

const MONTHS_OF_UNIT = { month: 1, quarter: 3, year: 12 };
const partsOf = (value) => {
  const date = value.toDate();
  return { day: date.getUTCDate(), month: date.getUTCMonth(), weekday: date.getUTCDay(), year: date.getUTCFullYear() };
};

/** Midnight of a day given by its parts, which may be out of range as Date.UTC allows. */
function dayOf(year, month, day) {
  const date = new Date(Date.UTC(2000, month, day));
  date.setUTCFullYear(year, month, day);
  return DateTime.fromDate(date);
}

// The beginning of the period in which a point in time lies, moved by a number of periods. Weeks begin on Sunday.
const PERIOD_STARTS = {
  day: ({ year, month, day }, offset) => dayOf(year, month, day + offset),
  month: ({ year, month }, offset) => dayOf(year, month + offset, 1),
  week: ({ year, month, day, weekday }, offset) => dayOf(year, month, day - weekday + 7 * offset),
  year: ({ year }, offset) => dayOf(year + offset, 0, 1),
};

for (const [period, start] of Object.entries(PERIOD_STARTS)) {
  defineStrict({
    [`endof${period}`]: (value, offset = 0) => new DateTime(start(partsOf(value), offset + 1).ticks - 1),
    [`startof${period}`]: (value, offset = 0) => start(partsOf(value), offset),
  });
}

function unitTicks(unit) {
  const ticks = { week: 7 * TICKS_PER_DAY, ...TICKS_OF_UNIT }[unit];
  if (!ticks) throw new UnsupportedError(`the unit "${unit}" of a date`);
  return ticks;
}

const monthNumber = (value) => value.toDate().getUTCFullYear() * 12 + value.toDate().getUTCMonth();

/** The number of boundaries of the unit between two points in time: hours of 10:59 and 11:01 differ by one. */
function dateDifference(unitName, later, earlier) {
  const unit = unitName.toLowerCase();
  if (unit in MONTHS_OF_UNIT) {
    const count = (value) => Math.floor(monthNumber(value) / MONTHS_OF_UNIT[unit]);
    return count(later) - count(earlier);
  }
  if (unit === 'week') {
    const start = (value) => PERIOD_STARTS.week(partsOf(value), 0).ticks;
    return Math.round((start(later) - start(earlier)) / unitTicks('week'));
  }
  const ticks = unitTicks(unit);
  return Math.floor(later.ticks / ticks) - Math.floor(earlier.ticks / ticks);
}

/** Moves a point in time by months, to the last day of a month that is too short. */
function addMonths(value, months) {
  const { year, month, day } = partsOf(value);
  const timeOfDay = value.ticks - dayOf(year, month, day).ticks;
  const lastDay = dayOf(year, month + months + 1, 0).toDate().getUTCDate();
  return new DateTime(dayOf(year, month + months, Math.min(day, lastDay)).ticks + timeOfDay);
}

function dateAdd(unitName, amount, value) {
  const unit = unitName.toLowerCase();
  if (unit in MONTHS_OF_UNIT) return addMonths(value, amount * MONTHS_OF_UNIT[unit]);
  return new DateTime(value.ticks + amount * unitTicks(unit));
}

function datePart(partName, value) {
  const date = value.toDate();
  const parts = {
    day: date.getUTCDate(), hour: date.getUTCHours(), millisecond: date.getUTCMilliseconds(),
    minute: date.getUTCMinutes(), month: date.getUTCMonth() + 1, second: date.getUTCSeconds(),
    quarter: Math.floor(date.getUTCMonth() / 3) + 1, year: date.getUTCFullYear(),
  };
  const part = partName.toLowerCase();
  if (!(part in parts)) throw new UnsupportedError(`the part "${partName}" of a date`);
  return parts[part];
}

/** A point in time in a pattern such as "yyyy-MM-dd HH:mm:ss.fff". */
function formatDateTime(value, pattern) {
  if (value === null) return '';
  const date = value.toDate();
  const pad = (number, length) => String(number).padStart(length, '0');
  const hour12 = date.getUTCHours() % 12 || 12;
  const fraction = pad(Math.round(value.ticks - Math.floor(value.ticks / TICKS_PER_SECOND) * TICKS_PER_SECOND), 7);
  const fields = {
    H: date.getUTCHours(), HH: pad(date.getUTCHours(), 2), M: date.getUTCMonth() + 1, MM: pad(date.getUTCMonth() + 1, 2),
    d: date.getUTCDate(), dd: pad(date.getUTCDate(), 2), h: hour12, hh: pad(hour12, 2), m: date.getUTCMinutes(),
    mm: pad(date.getUTCMinutes(), 2), s: date.getUTCSeconds(), ss: pad(date.getUTCSeconds(), 2),
    tt: date.getUTCHours() < 12 ? 'AM' : 'PM', yy: pad(date.getUTCFullYear() % 100, 2), yyyy: pad(date.getUTCFullYear(), 4),
  };
  return pattern.replace(/y+|M+|d+|H+|h+|m+|s+|f+|tt/g, (field) => {
    if (field[0] === 'f' && field.length <= 7) return fraction.slice(0, field.length);
    if (!(field in fields)) throw new KustoError(`format_datetime() has no field "${field}".`);
    return fields[field];
  });
}

const unixTime = (ticksPerUnit) => (value) =>
  new DateTime(DateTime.fromDate(new Date(0)).ticks + Math.trunc(value * ticksPerUnit));

function makeDateTime(year, month, day, hour = 0, minute = 0, second = 0) {
  return new DateTime(dayOf(year, month - 1, day).ticks + hour * 36e9 + minute * 6e8 + Math.round(second * 1e7));
}

/** A duration of days, hours, minutes and seconds; without days the first argument is hours. */
function makeTimeSpan(...parts) {
  const [days, hours, minutes, seconds] = parts.length === 4 ? parts : [0, ...parts, 0];
  return new TimeSpan(days * TICKS_PER_DAY + hours * 36e9 + minutes * 6e8 + Math.round(seconds * 1e7));
}

// The clock stands still during one execution.
const clock = (compute) => () => ({
  ofFrame: ([argument]) => (frame) => compute(frame.run.now, argument ? argument(frame) : new TimeSpan(0)),
});
const shifted = (sign) => (now, span) => (isNothing(span) ? null : new DateTime(now.ticks + sign * span.ticks));

define({ format_datetime: formatDateTime });
defineStrict({
  datetime_add: dateAdd,
  datetime_diff: dateDifference,
  datetime_part: datePart,
  dayofmonth: (value) => value.toDate().getUTCDate(),
  dayofweek: (value) => new TimeSpan(value.toDate().getUTCDay() * TICKS_PER_DAY),
  getmonth: (value) => value.toDate().getUTCMonth() + 1,
  getyear: (value) => value.toDate().getUTCFullYear(),
  hourofday: (value) => value.toDate().getUTCHours(),
  make_datetime: makeDateTime,
  make_timespan: makeTimeSpan,
  unixtime_microseconds_todatetime: unixTime(10),
  unixtime_milliseconds_todatetime: unixTime(TICKS_PER_MILLISECOND),
  unixtime_seconds_todatetime: unixTime(TICKS_PER_SECOND),
});
defineTyped({ ago: clock(shifted(-1)), now: clock(shifted(1)) });
defineAliases({ monthofyear: 'getmonth' });
