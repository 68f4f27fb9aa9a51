// The registry of scalar functions, and how a call of one is compiled.
'use strict';

const { compileExpression } = require('./compiler');
const { nameOf } = require('./lower');
const { KustoError, UnsupportedError } = require('./values');

const makers = new Map();

/** Registers functions of values: `{name: (...values) => value}`. */
function define(functions) {
  for (const [name, implementation] of Object.entries(functions)) makers.set(name, () => implementation);
}

/** Registers functions that are null as soon as one argument is. */
function defineStrict(functions) {
  for (const [name, implementation] of Object.entries(functions)) {
    makers.set(name, () => (...values) => (values.includes(null) ? null : implementation(...values)));
  }
}

/** Registers functions that depend on the types of their arguments: `{name: (types, node) => implementation}`. */
function defineTyped(functions) {
  for (const [name, maker] of Object.entries(functions)) makers.set(name, maker);
}

/** Registers other names of functions: `{alias: name}`. */
function defineAliases(aliases) {
  for (const [alias, name] of Object.entries(aliases)) makers.set(alias, makers.get(name));
}

/** The closure of a call of a built-in scalar function. */
function compileScalarFunction(name, args, scope, node) {
  const maker = makers.get(name);
  if (!maker) throw new UnsupportedError(`the function ${name}()`);
  if (args.some((each) => each.kind === 'SimpleNamedExpression')) {
    throw new KustoError(`The function ${name}() takes no argument by the name ${nameOf(args[0].Name)}.`);
  }
  const implementation = maker(args.map((each) => each.type || 'unknown'), node, args);
  if (implementation.ofFrame) return implementation.ofFrame(args.map((each) => compileExpression(each, scope)));
  const [a, b, c, ...more] = args.map((each) => compileExpression(each, scope));
  switch (args.length) {
    case 0: return () => implementation();
    case 1: return (frame) => implementation(a(frame));
    case 2: return (frame) => implementation(a(frame), b(frame));
    case 3: return (frame) => implementation(a(frame), b(frame), c(frame));
    default:
      return (frame) => implementation(a(frame), b(frame), c(frame), ...more.map((each) => each(frame)));
  }
}

module.exports = { compileScalarFunction, define, defineAliases, defineStrict, defineTyped };

require('./scalars_conversion');
require('./scalars_math');
require('./scalars_text');
require('./scalars_time');
require('./scalars_dynamic');
