// Literals: 1, 2.5, "text", datetime(2026-01-01), 3h, dynamic([1, {"a": null}]), and forms such as long(null).
'use strict';

const { expressionKinds } = require('./compiler');
const { UnsupportedError, parseDateTime, parseTimeSpan } = require('./values');

/** What stands between the parentheses of "long(5)", or the whole text if there are none. */
function innerText(token) {
  const match = /^\w+\s*\(([\s\S]*)\)$/.exec(token);
  return (match ? match[1] : token).trim().replace(/^(["'])([\s\S]*)\1$/, '$2');
}

function parseReal(text) {
  if (/^nan$/i.test(text)) return NaN;
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function parseInteger(text) {
  const value = /^-0x/i.test(text) ? -Number(text.slice(1)) : Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new UnsupportedError(`integers beyond 2^53, such as ${text}`);
  }
  return value;
}

const PARSERS = {
  bool: (text) => /^(true|1)$/i.test(text),
  datetime: parseDateTime,
  decimal: parseReal,
  guid: (text) => text.toLowerCase(),
  int: parseInteger,
  long: parseInteger,
  real: parseReal,
  timespan: parseTimeSpan,
};

/** The value of a literal node. */
function literalValue(node) {
  if (node.literal === 'string') return node.value;
  const text = innerText(node.Token);
  if (node.literal === 'null' || text === 'null') return null;
  const parse = PARSERS[node.literal];
  const value = parse ? parse(text) : null;
  if (value === null) throw new UnsupportedError(`the literal ${node.Token}`);
  return value;
}

/** The value between the parentheses of dynamic(...). */
function jsonValue(node) {
  switch (node.kind) {
    case 'LiteralExpression':
      return literalValue(node);
    case 'PrefixUnaryExpression':
      return node.Operator === '-' ? -jsonValue(node.Expression) : jsonValue(node.Expression);
    case 'JsonArrayExpression':
      return node.Values.map(jsonValue);
    case 'JsonObjectExpression':
      return Object.fromEntries(node.Pairs.map((pair) => [innerText(pair.Name), jsonValue(pair.Value)]));
    default:
      throw new UnsupportedError(`a dynamic literal with ${node.kind}`);
  }
}

const constant = (value) => () => value;

expressionKinds.set('LiteralExpression', (node) => constant(literalValue(node)));
expressionKinds.set('DynamicExpression', (node) => constant(jsonValue(node.Expression)));

module.exports = { literalValue };
