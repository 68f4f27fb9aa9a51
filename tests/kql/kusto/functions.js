// Statements and functions of the query itself: let, and calls of what it defines.
'use strict';

const { compileExpression, compileTable, isTabular } = require('./compiler');
const { nameOf, unwrap } = require('./lower');
const { Scope, newId, remember } = require('./scope');
const { KustoError, UnsupportedError, canonicalType } = require('./values');

/** A plan whose rows are computed once, however often it is read. */
const remembered = (scope, plan) => ({ ...plan, rows: remember(scope, plan.rows) });

/** Puts the name that a let statement defines into the scope. */
function compileLet(statement, scope) {
  const name = nameOf(statement.Name);
  const value = unwrap(statement.Expression);
  if (value.kind === 'FunctionDeclaration') {
    scope.bind(name, { kind: 'function', declaration: value, name, scope: new Scope(scope) });
  } else if (isTabular(value)) {
    scope.bind(name, { kind: 'table', plan: remembered(scope, compileTable(value, scope)) });
  } else {
    scope.bind(name, { kind: 'scalar', read: remember(scope, compileExpression(value, scope)) });
  }
}

/** The expression that follows the let statements of a query or function, or null; the lets go into the scope. */
function compileStatements(statements, scope) {
  let result = null;
  for (const statement of statements) {
    if (statement.kind === 'LetStatement') compileLet(statement, scope);
    else if (statement.kind === 'ExpressionStatement') result = statement.Expression;
    else throw new UnsupportedError(`the statement ${statement.kind}`);
  }
  return result;
}

/** A plan that reads its rows from a variable of the frame. */
const planOfVariable = (id, plan) => ({ ...plan, ingestion: false, rows: (frame) => frame.variables[id] });

/** The argument's plan, reduced to the columns that the parameter declares unless it takes any: T:(*). */
function adaptToSchema(plan, schema) {
  const declared = schema.Columns;
  if (!declared.length || declared.some((each) => each.kind === 'StarExpression')) return plan;
  const columns = declared.map((each) => ({ name: nameOf(each.Name), type: canonicalType(each.Type.Type) }));
  const positions = columns.map((column) => plan.columns.findIndex((each) => each.name === column.name));
  return { ...plan, columns, rows: (frame) => plan.rows(frame).map((row) => positions.map((at) => row[at])) };
}

/** Binds one parameter in the body's scope and gives what fills its variable at a call. */
function bindParameter(parameter, argument, callScope, bodyScope, definitionScope) {
  const { Name, Type } = parameter.NameAndType;
  const id = newId();
  if (Type.kind === 'SchemaTypeExpression') {
    const given = argument.plan || compileTable(argument, callScope.withoutRows());
    const plan = adaptToSchema(given, Type);
    bodyScope.bind(nameOf(Name), { kind: 'table', plan: planOfVariable(id, plan) });
    return { id, value: plan.rows };
  }
  bodyScope.bind(nameOf(Name), { kind: 'scalar', read: (frame) => frame.variables[id] });
  if (argument) return { id, value: compileExpression(argument, callScope) };
  if (parameter.DefaultValue) return { id, value: compileExpression(parameter.DefaultValue.Value, definitionScope) };
  throw new KustoError(`The function has no value for the parameter ${nameOf(Name)}.`);
}

/** Compiles a call up to the body's result: the scope of the body, its last expression, and its frame maker. */
function prepareCall(node, binding, args, callScope) {
  const { declaration, scope } = binding;
  // The body as bound for this call, if the binder made one; a function without parameters has only one meaning.
  const body = node.calledBody ? node.calledBody() : declaration.Body;
  const bodyScope = new Scope(scope, { isQuery: true, repeated: true });
  const named = new Map(args.filter((each) => each.kind === 'SimpleNamedExpression').map(
    (each) => [nameOf(each.Name), each.Expression]));
  const positional = args.filter((each) => each.kind !== 'SimpleNamedExpression');
  const parameters = declaration.Parameters.Parameters.map((parameter, index) => {
    const argument = named.get(nameOf(parameter.NameAndType.Name)) || positional[index];
    return bindParameter(parameter, argument, callScope, bodyScope, scope);
  });
  atCall(node, () => compileStatements(body.Statements || [], bodyScope));
  const enter = (frame) => {
    const variables = {};
    for (const { id, value } of parameters) variables[id] = value(frame);
    return frame.withVariables(variables);
  };
  return { body: body.Expression, bodyScope, enter };
}

/** Errors in the body of a function are reported where it is called, for the body has offsets of its own. */
function atCall(node, compile) {
  try {
    return compile();
  } catch (error) {
    error.start = node.start;
    throw error;
  }
}

/** The closure of a call of a scalar function. */
function compileCall(node, binding, args, scope) {
  const { body, bodyScope, enter } = prepareCall(node, binding, args, scope);
  const result = atCall(node, () => compileExpression(body, bodyScope));
  return (frame) => result(enter(frame));
}

/** The plan of a call of a tabular function. */
function compileTableCall(node, binding, args, scope) {
  const { body, bodyScope, enter } = prepareCall(node, binding, args, scope);
  const plan = atCall(node, () => compileTable(body, bodyScope));
  return { ...plan, label: null, rows: (frame) => plan.rows(enter(frame)) };
}

module.exports = { compileCall, compileStatements, compileTableCall, planOfVariable, remembered };
