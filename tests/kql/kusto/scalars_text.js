// Functions of texts. A text is never null: null counts as the empty text.
'use strict';

const crypto = require('node:crypto');
const { define, defineAliases, defineTyped } = require('./scalars');
const { UnsupportedError, isNothing, textOf } = require('./values');
const { xxhash64 } = require('./xxhash64');

const characters = (value) => [...textOf(value)];

/** A part by its start and length in characters; a negative start counts from the end. */
function substring(source, start, length = Infinity) {
  if (start === null || length === null) return '';
  const text = characters(source);
  const from = start < 0 ? text.length + start : start;
  return from < 0 ? '' : text.slice(from, from + Math.max(0, length)).join('');
}

function split(source, delimiter, index) {
  const parts = textOf(source).split(delimiter);
  if (isNothing(index)) return parts;
  const at = index < 0 ? parts.length + index : index;
  return at in parts ? [parts[at]] : [];
}

/** The trim family removes one match of the pattern at each end. */
const makeTrim = (makePattern) => (pattern, source) => textOf(source).replace(new RegExp(makePattern(pattern), 'gu'), '');

function countOf(source, search, kind = 'normal') {
  const text = textOf(source);
  if (kind === 'regex') return (text.match(new RegExp(search, 'gu')) || []).length;
  if (search === '') return 0;
  let count = 0;
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + 1)) count++; // matches may overlap
  return count;
}

const extract = (pattern, group, source) => {
  const match = new RegExp(pattern, 'u').exec(textOf(source));
  return (match && match[group]) || '';
};

const makeExtract = (types) => (types.length > 3 ? (pattern, group, source, _type) => {
  throw new UnsupportedError('extract() with a type (convert its result)');
} : extract);

/** Replaces matches of a pattern; \1 in the replacement stands for its first group. */
function replaceRegex(source, pattern, replacement) {
  const prepared = textOf(replacement).replace(/\$/g, '$$$$').replace(/\\0/g, '$$&').replace(/\\(\d)/g, '$$$1');
  return textOf(source).replace(new RegExp(pattern, 'gu'), prepared);
}

function indexOf(source, search, start = 0) {
  return textOf(source).indexOf(textOf(search), start);
}

function joinArray(array, delimiter) {
  if (!Array.isArray(array)) return textOf(array);
  return array.map((element) => textOf(element)).join(textOf(delimiter));
}

const makeConcatenation = (types) => (...values) => values.map((value, index) => textOf(value, types[index])).join('');

const makeDelimitedConcatenation = (types) => (delimiter, ...values) =>
  values.map((value, index) => textOf(value, types[index + 1])).join(textOf(delimiter));

/** hash() is xxHash64 of the text as UTF-8 (Microsoft's example: hash("World", 100) = 51). */
const makeHash = ([type]) => (value, modulus) => {
  if (type !== 'string') {
    throw new UnsupportedError(`hash() of ${type} (take tostring() of the value)`);
  }
  const hash = BigInt.asIntN(64, xxhash64(Buffer.from(value, 'utf8')));
  if (isNothing(modulus)) {
    throw new UnsupportedError('hash() without a modulus, which gives numbers beyond 2^53');
  }
  const size = BigInt(modulus);
  return Number(((hash % size) + size) % size);
};

const makeDigest = (algorithm) => ([type]) => (value) => {
  const text = textOf(value, type);
  return text === '' ? '' : crypto.createHash(algorithm).update(text, 'utf8').digest('hex');
};

define({
  countof: countOf,
  indexof: indexOf,
  replace_regex: replaceRegex,
  replace_string: (source, search, replacement) => textOf(source).split(search).join(replacement),
  reverse: (source) => characters(source).reverse().join(''),
  split,
  strcat_array: joinArray,
  strcmp: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  strlen: (source) => characters(source).length,
  strrep: (source, times, delimiter = '') => Array(times).fill(textOf(source)).join(delimiter),
  substring,
  tolower: (source) => textOf(source).toLowerCase(),
  toupper: (source) => textOf(source).toUpperCase(),
  trim: makeTrim((pattern) => `^(?:${pattern})|(?:${pattern})$`),
  trim_end: makeTrim((pattern) => `(?:${pattern})$`),
  trim_start: makeTrim((pattern) => `^(?:${pattern})`),
});
defineTyped({
  extract: makeExtract,
  hash: makeHash,
  hash_md5: makeDigest('md5'),
  hash_sha1: makeDigest('sha1'),
  hash_sha256: makeDigest('sha256'),
  strcat: makeConcatenation,
  strcat_delim: makeDelimitedConcatenation,
});
defineAliases({ hash_xxhash64: 'hash' });
