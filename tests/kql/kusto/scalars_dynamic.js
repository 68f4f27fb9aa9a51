// Functions of dynamic values: arrays and property bags.
'use strict';

const { define, defineAliases, defineTyped } = require('./scalars');
const {
  DateTime, TimeSpan, UnsupportedError, compare, isInterval, isNothing, keyOf, scalarOf, textOf,
} = require('./values');

const isBag = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isInterval(value);

/** A function that is null unless its first argument is an array. */
const ofArray = (compute) => (array, ...rest) => (Array.isArray(array) ? compute(array, ...rest) : null);

/** The values without those that came before, in their order. */
function distinctValues(values) {
  const seen = new Set();
  return values.filter((value) => {
    const key = keyOf(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const KINDS_IN_ORDER = ['number', 'string', 'object', 'boolean'];

/** Order of array elements: within one kind by value; arrays of mixed kinds are refused, their order is not documented. */
function compareElements(a, b) {
  if (typeof a !== typeof b || !KINDS_IN_ORDER.includes(typeof a)) {
    throw new UnsupportedError(`sorting elements of different kinds, such as ${JSON.stringify([a, b])}`);
  }
  return compare(a, b);
}

/** array_sort_asc and array_sort_desc put nulls last unless told otherwise. */
const makeSort = (sign) => (types) => {
  if (types[1] === 'dynamic') {
    throw new UnsupportedError('sorting several arrays at once');
  }
  return ofArray((array, nullsLast = true) => {
    const nulls = array.filter(isNothing);
    const values = array.filter((value) => !isNothing(value)).sort((a, b) => sign * compareElements(a, b));
    return nullsLast === false ? [...nulls, ...values] : [...values, ...nulls];
  });
};

/** From start to end, both included; negative positions count from the end. */
function arraySlice(array, start, end) {
  const position = (index) => (index < 0 ? Math.max(0, array.length + index) : index);
  if (end < -array.length) return [];
  return array.slice(position(start), position(end) + 1);
}

function arrayIndexOf(array, wanted) {
  const key = keyOf(wanted);
  return array.findIndex((element) => keyOf(element) === key);
}

function arraySum(array) {
  if (array.some((element) => typeof element !== 'number' && !isNothing(element))) return null;
  return array.reduce((sum, element) => sum + (element || 0), 0);
}

const makeShift = (sign) => ofArray((array, count, fill = null) =>
  array.map((_, index) => (index + sign * count in array ? array[index + sign * count] : fill)));

const arrayIf = ofArray((conditions, yes, no) => {
  const pick = (source, index) => (Array.isArray(source) ? source[index] ?? null : source);
  return conditions.map((condition, index) => (isNothing(condition) ? null : pick(condition ? yes : no, index)));
});

function packBag(...pairs) {
  const bag = {};
  for (let i = 0; i + 1 < pairs.length; i += 2) bag[textOf(pairs[i])] = pairs[i + 1];
  return bag;
}

/** The bags' properties; of several values of one key, that of the leftmost bag. */
function mergeBags(...bags) {
  return Object.assign({}, ...bags.filter(isBag).reverse());
}

function removeKeys(bag, keys) {
  return isBag(bag) ? Object.fromEntries(Object.entries(bag).filter(([key]) => !keys.includes(key))) : null;
}

const keySet = (array) => new Set(array.map(keyOf));

const setOperation = (compute) => (...arrays) => (arrays.every(Array.isArray) ? distinctValues(compute(arrays)) : null);

const intersection = ([first, ...rest]) => {
  const others = rest.map(keySet);
  return first.filter((value) => others.every((keys) => keys.has(keyOf(value))));
};

const difference = ([first, ...rest]) => {
  const others = rest.map(keySet);
  return first.filter((value) => !others.some((keys) => keys.has(keyOf(value))));
};

function zip(...arrays) {
  const length = Math.max(...arrays.map((array) => (Array.isArray(array) ? array.length : 1)));
  const element = (array, index) => (Array.isArray(array) ? array[index] ?? null : array);
  return Array.from({ length }, (_, index) => arrays.map((array) => element(array, index)));
}

const LONGEST_RANGE = 1048576;

/** The numbers or points in time from start to end by steps, as an array. */
function range(start, end, step = 1) {
  if (start === null || end === null || step === null) return null;
  const [first, last, width] = [start, end, step].map(scalarOf);
  const make = start instanceof DateTime ? (value) => new DateTime(value)
    : start instanceof TimeSpan ? (value) => new TimeSpan(value) : (value) => value;
  const values = [];
  for (let i = 0; values.length < LONGEST_RANGE; i++) {
    const value = first + i * width;
    if (width === 0 || (width > 0 ? value > last : value < last)) break;
    values.push(make(value));
  }
  return values;
}

define({
  array_concat: (...arrays) => arrays.filter((array) => array !== null).flat(1),
  array_iff: arrayIf,
  array_index_of: ofArray(arrayIndexOf),
  array_length: ofArray((array) => array.length),
  array_reverse: ofArray((array) => [...array].reverse()),
  array_shift_left: makeShift(1),
  array_shift_right: makeShift(-1),
  array_slice: ofArray(arraySlice),
  array_sum: ofArray(arraySum),
  bag_has_key: (bag, key) => (isBag(bag) ? Object.prototype.hasOwnProperty.call(bag, key) : null),
  bag_keys: (bag) => (isBag(bag) ? Object.keys(bag) : null),
  bag_merge: mergeBags,
  bag_pack: packBag,
  bag_remove_keys: removeKeys,
  pack_array: (...values) => values,
  range,
  repeat: (value, times) => Array(times).fill(value),
  set_difference: setOperation(difference),
  set_has_element: ofArray((array, wanted) => arrayIndexOf(array, wanted) >= 0),
  set_intersect: setOperation(intersection),
  set_union: setOperation((arrays) => arrays.flat(1)),
  zip,
});
defineTyped({ array_sort_asc: makeSort(1), array_sort_desc: makeSort(-1) });
defineAliases({ array_iif: 'array_iff', pack: 'bag_pack', pack_dictionary: 'bag_pack' });

module.exports = { distinctValues, isBag };
