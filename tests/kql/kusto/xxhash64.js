// xxHash64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) of a buffer, with seed zero.
'use strict';

const MASK = (1n << 64n) - 1n;
const PRIME_1 = 0x9e3779b185ebca87n;
const PRIME_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME_3 = 0x165667b19e3779f9n;
const PRIME_4 = 0x85ebca77c2b2ae63n;
const PRIME_5 = 0x27d4eb2f165667c5n;

const wrap = (value) => value & MASK;
const rotate = (value, bits) => wrap((value << bits) | (value >> (64n - bits)));
const round = (accumulator, lane) => wrap(rotate(wrap(accumulator + lane * PRIME_2), 31n) * PRIME_1);
const merge = (hash, accumulator) => wrap((hash ^ round(0n, accumulator)) * PRIME_1 + PRIME_4);

/** The part of the hash made of whole stripes of 32 bytes, and the offset behind them. */
function hashStripes(buffer) {
  if (buffer.length < 32) return { hash: PRIME_5, offset: 0 };
  const lanes = [wrap(PRIME_1 + PRIME_2), PRIME_2, 0n, wrap(0n - PRIME_1)];
  let offset = 0;
  for (; offset + 32 <= buffer.length; offset += 32) {
    for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i], buffer.readBigUInt64LE(offset + 8 * i));
  }
  let hash = wrap([1n, 7n, 12n, 18n].reduce((sum, bits, i) => sum + rotate(lanes[i], bits), 0n));
  for (const lane of lanes) hash = merge(hash, lane);
  return { hash, offset };
}

function finish(hash) {
  let mixed = wrap((hash ^ (hash >> 33n)) * PRIME_2);
  mixed = wrap((mixed ^ (mixed >> 29n)) * PRIME_3);
  return mixed ^ (mixed >> 32n);
}

/** The hash as an unsigned BigInt. */
function xxhash64(buffer) {
  let { hash, offset } = hashStripes(buffer);
  hash = wrap(hash + BigInt(buffer.length));
  for (; offset + 8 <= buffer.length; offset += 8) {
    hash = wrap(rotate(hash ^ round(0n, buffer.readBigUInt64LE(offset)), 27n) * PRIME_1 + PRIME_4);
  }
  if (offset + 4 <= buffer.length) {
    hash = wrap(rotate(hash ^ wrap(BigInt(buffer.readUInt32LE(offset)) * PRIME_1), 23n) * PRIME_2 + PRIME_3);
    offset += 4;
  }
  for (; offset < buffer.length; offset++) {
    hash = wrap(rotate(hash ^ wrap(BigInt(buffer[offset]) * PRIME_5), 11n) * PRIME_1);
  }
  return finish(hash);
}

module.exports = { xxhash64 };
