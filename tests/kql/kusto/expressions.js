// Scalar expressions other than literals: names, access to dynamic values, operators, function calls.
'use strict';

const { aggregates } = require('./aggregates');
const { compileExpression, compileTable, expressionKinds } = require('./compiler');
const { compileCall: compileUserFunction } = require('./functions');
const { argumentsOf, nameOf, unwrap } = require('./lower');
const { compileBinary, compileBetween, compileMembership } = require('./operators_scalar');
const { compileScalarFunction } = require('./scalars');
const { remember } = require('./scope');
const { KustoError, TimeSpan, UnsupportedError, isNothing } = require('./values');
const { compileWindow, isWindow } = require('./windows');

function compileName(node, scope) {
  const name = nameOf(node);
  if (scope.positions && scope.positions.has(name)) {
    const position = scope.positions.get(name);
    return (frame) => frame.row[position];
  }
  const binding = scope.lookup(name);
  if (binding && binding.kind === 'scalar') return binding.read;
  if (binding && binding.kind === 'function') return compileUserFunction(node, binding, [], scope);
  if (binding && binding.kind === 'refused') throw new KustoError(binding.reason);
  throw new KustoError(`The name ${name} is not known here.`);
}

/** The member of a dynamic value: a key of a property bag or an index of an array, counted from the end if negative. */
function memberOf(value, selector) {
  if (isNothing(value) || typeof value !== 'object') return null;
  if (Array.isArray(value)) {
    if (typeof selector !== 'number') return null;
    const found = value[selector < 0 ? value.length + selector : selector];
    return found === undefined ? null : found;
  }
  return Object.prototype.hasOwnProperty.call(value, selector) ? value[selector] : null;
}

function compileStateAccess(node, scope, step) {
  const position = step.positions.get(nameOf(node.Selector));
  const { index, initial } = step;
  return (frame) => (frame.states[index] || initial)[position];
}

function compilePath(node, scope) {
  const source = unwrap(node.Expression);
  const step = scope.steps && source.kind === 'NameReference' && scope.steps.get(nameOf(source));
  if (step) return compileStateAccess(node, scope, step);
  const value = compileExpression(node.Expression, scope);
  if (node.Selector.kind === 'NameReference') {
    const key = nameOf(node.Selector);
    return (frame) => memberOf(value(frame), key);
  }
  const selector = compileExpression(unwrapBrackets(node.Selector), scope);
  return (frame) => memberOf(value(frame), selector(frame));
}

const unwrapBrackets = (node) => (node.kind === 'BracketedExpression' ? node.Expression : node);

function compileElement(node, scope) {
  const value = compileExpression(node.Expression, scope);
  const selector = compileExpression(unwrapBrackets(node.Selector), scope);
  return (frame) => memberOf(value(frame), selector(frame));
}

function compileUnary(node, scope) {
  const operand = compileExpression(node.Expression, scope);
  if (node.Operator === '+') return operand;
  if (node.Operator !== '-') throw new UnsupportedError(`the operator ${node.Operator}`);
  return (frame) => {
    const value = operand(frame);
    if (value === null) return null;
    // Subtracted from zero, because an integer has no negative zero.
    return value instanceof TimeSpan ? new TimeSpan(0 - value.ticks) : node.type === 'real' ? -value : 0 - value;
  };
}

/** The first value of the first row of a table. */
function compileToScalar(argument, scope) {
  const outer = scope.withoutRows();
  const plan = compileTable(argument, outer);
  return remember(outer, (frame) => {
    const rows = plan.rows(frame);
    return rows.length ? rows[0][0] : null;
  });
}

function compileColumnIfExists([nameNode, fallback], scope) {
  const literal = unwrap(nameNode);
  if (literal.literal !== 'string') throw new KustoError('column_ifexists() needs the column name as a literal.');
  if (scope.positions && scope.positions.has(literal.value)) {
    const position = scope.positions.get(literal.value);
    return (frame) => frame.row[position];
  }
  return compileExpression(fallback, scope);
}

function compileIngestionTime(scope) {
  if (scope.ingestionPosition === null) {
    throw new KustoError(
      'ingestion_time() must be applied to the table itself: after an operator that makes new rows it is null. ' +
      'Put it into a column first.');
  }
  const position = scope.ingestionPosition;
  return (frame) => (frame.row[position] === undefined ? null : frame.row[position]);
}

function compileIf([condition, yes, no], scope) {
  const [test, then, otherwise] = [condition, yes, no].map((each) => compileExpression(each, scope));
  return (frame) => (test(frame) === true ? then(frame) : otherwise(frame));
}

function compileCase(args, scope) {
  const parts = args.map((each) => compileExpression(each, scope));
  const last = parts.length - 1;
  return (frame) => {
    for (let i = 0; i < last; i += 2) {
      if (parts[i](frame) === true) return parts[i + 1](frame);
    }
    return parts[last](frame);
  };
}

const SPECIAL_FORMS = {
  case: compileCase,
  column_ifexists: compileColumnIfExists,
  columnifexists: compileColumnIfExists,
  iff: compileIf,
  iif: compileIf,
  ingestion_time: (args, scope) => compileIngestionTime(scope),
  toscalar: ([argument], scope) => compileToScalar(argument, scope),
};

function compileFunctionCall(node, scope) {
  const name = nameOf(node.Name);
  const args = argumentsOf(node);
  const binding = scope.lookup(name);
  if (binding && binding.kind === 'function') return compileUserFunction(node, binding, args, scope);
  if (isWindow(name)) return compileWindow(node, name, args, scope);
  if (aggregates.has(name)) {
    if (!scope.aggregates) throw new KustoError(`The aggregate ${name}() stands outside of summarize.`);
    return aggregates.get(name)(args, scope, node);
  }
  if (Object.prototype.hasOwnProperty.call(SPECIAL_FORMS, name)) return SPECIAL_FORMS[name](args, scope);
  return compileScalarFunction(name, args, scope, node);
}

expressionKinds.set('NameReference', compileName);
expressionKinds.set('ParenthesizedExpression', (node, scope) => compileExpression(node.Expression, scope));
expressionKinds.set('SimpleNamedExpression', (node, scope) => compileExpression(node.Expression, scope));
expressionKinds.set('PathExpression', compilePath);
expressionKinds.set('ElementExpression', compileElement);
expressionKinds.set('PrefixUnaryExpression', compileUnary);
expressionKinds.set('BinaryExpression', compileBinary);
expressionKinds.set('BetweenExpression', compileBetween);
for (const kind of ['InExpression', 'HasAnyExpression', 'HasAllExpression']) {
  expressionKinds.set(kind, compileMembership);
}
expressionKinds.set('ToScalarExpression', (node, scope) => compileToScalar(node.Expression, scope));
expressionKinds.set('FunctionCallExpression', compileFunctionCall);
