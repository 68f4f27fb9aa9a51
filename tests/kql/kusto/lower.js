// Turns the official parser's syntax tree into plain objects, with what the binder found out about each node.
//
// A node has `kind` (the syntax class, such as "BinaryExpression"), its parts under the names the parser gives them,
// `start` (offset in the query), and from the binder either `columns` (a table: name and type of each) or `type`
// (a scalar). A token is its text; a list is an array. A literal has `literal`, the kind of literal ("long", ...).
'use strict';

const { canonicalType } = require('./values');

const classNames = new Map();

/** The class of a syntax node without its namespace and type parameters. */
function classOf(node) {
  const constructor = node.constructor;
  let name = classNames.get(constructor);
  if (!name) {
    name = Bridge.getTypeName(node).replace('Kusto.Language.Syntax.', '').replace(/`.*/, '');
    classNames.set(constructor, name);
  }
  return name;
}

function typeName(symbol) {
  if (!symbol || typeof symbol.Name !== 'string') return 'unknown';
  return symbol.Name.startsWith('dynamic') ? 'dynamic' : canonicalType(symbol.Name);
}

function columnsOf(symbol) {
  return Bridge.toArray(symbol.Columns).map((column) => ({ name: column.Name, type: typeName(column.Type) }));
}

function addResultType(node, lowered) {
  const symbol = node.ResultType;
  if (!symbol) return;
  if (symbol.Columns) {
    lowered.columns = columnsOf(symbol);
  } else {
    lowered.type = typeName(symbol);
  }
}

let literalKinds;

/** "long" for a node of kind LongLiteralExpression, and so on. */
function literalKind(node) {
  if (!literalKinds) {
    literalKinds = new Map();
    for (const [name, value] of Object.entries(Kusto.Language.Syntax.SyntaxKind)) {
      const match = /^(\w+)LiteralExpression$/.exec(name);
      if (match) literalKinds.set(value, canonicalType(match[1].toLowerCase()));
    }
  }
  return literalKinds.get(node.Kind);
}

function lowerList(list) {
  const items = [];
  for (let i = 0; i < list.ChildCount; i++) {
    const child = list.GetChild(i);
    if (child) items.push(lower(classOf(child) === 'SeparatedElement' ? child.GetChild(0) : child));
  }
  return items;
}

/** The plain form of a syntax node. */
function lower(node) {
  if (!node) return null;
  const kind = classOf(node);
  if (kind.startsWith('SyntaxToken')) return node.Text;
  if (kind === 'SyntaxList') return lowerList(node);
  const lowered = { kind, start: node.TextStart };
  for (let i = 0; i < node.ChildCount; i++) {
    const child = node.GetChild(i);
    if (child) lowered[child.NameInParent] = lower(child);
  }
  addResultType(node, lowered);
  if (kind === 'LiteralExpression') {
    lowered.literal = literalKind(node);
    lowered.value = node.LiteralValue;
  }
  if (kind === 'FunctionCallExpression' && node.GetCalledFunctionBody()) {
    // The body as the binder sees it for this very call: the parameters have the types of the arguments.
    lowered.calledBody = () => lower(node.GetCalledFunctionBody());
  }
  return lowered;
}

/** The identifier a name node stands for, or null if the node is no name. */
function nameOf(node) {
  if (node === null || node === undefined) return null;
  if (typeof node === 'string') return node.replace(/^\[(["'])([\s\S]*)\1\]$/, '$2');
  if (node.kind === 'BracketedName') return node.Name ? literalName(node.Name) : null;
  return node.Name !== undefined && node.Name !== null ? nameOf(node.Name) : null;
}

function literalName(node) {
  return node.kind === 'LiteralExpression' ? node.value : nameOf(node);
}

/** The expression without the parentheses around it. */
function unwrap(node) {
  let inner = node;
  while (inner && inner.kind === 'ParenthesizedExpression') inner = inner.Expression;
  return inner;
}

/** The arguments of a function call. */
const argumentsOf = (call) => (call.ArgumentList && call.ArgumentList.Expressions) || [];

/** The value of an operator's parameter such as kind=inner, as a text, or null if it is not given. */
function parameterOf(operator, name) {
  const parameter = (operator.Parameters || []).find((each) => nameOf(each.Name) === name);
  if (!parameter) return null;
  const value = parameter.Expression;
  if (value.kind === 'LiteralExpression') return value.literal === 'string' ? value.value : value.Token;
  return nameOf(value);
}

module.exports = { argumentsOf, lower, nameOf, parameterOf, unwrap };
