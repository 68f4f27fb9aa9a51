// Compilation of lowered syntax into closures: what a node means is registered by the module that knows it.
//
// A scalar expression becomes `(frame) => value`. A tabular expression becomes a plan:
//   columns     name and type of each, in order; a row is an array in this order;
//   serialised  whether the rows have a definite order, as window functions require;
//   ingestion   whether rows carry the ingestion time behind their last column (tables and what keeps their rows);
//   rows        `(frame) => array of rows`.
// What has no registration is refused when the query is compiled, before any row is looked at.
'use strict';

const { unwrap } = require('./lower');
const { KustoError, UnsupportedError } = require('./values');

const expressionKinds = new Map();
const tableKinds = new Map();
const operatorKinds = new Map();

/** A name that is no table: `union isfuzzy=true` leaves such a table out. */
class MissingTableError extends KustoError {}

/** The closure that computes a scalar expression. */
function compileExpression(node, scope) {
  const compile = expressionKinds.get(node.kind);
  if (!compile) throw new UnsupportedError(`the expression ${node.kind}`);
  return locating(node, () => compile(node, scope));
}

/** The plan of a tabular expression; `input` is the plan that an expression without a source starts from. */
function compileTable(wrapped, scope, input = null) {
  const node = unwrap(wrapped);
  if (tableKinds.has(node.kind)) return tableKinds.get(node.kind)(node, scope, input);
  if (input) return compileOperator(node, input, scope);
  throw new UnsupportedError(`the tabular expression ${node.kind}`);
}

/** The plan of an operator applied to the rows of the plan `input`. */
function compileOperator(node, input, scope) {
  const compile = operatorKinds.get(node.kind);
  if (!compile) throw new UnsupportedError(`the operator ${node.kind}`);
  return locating(node, () => compile(node, input, scope));
}

/**
 * The output columns that the official binder found for a node. After a scan without with_match_id it believes in a
 * column that is not there: the plan's phantoms, which are left out.
 */
function boundColumns(node, ...inputs) {
  if (!node.columns) throw new KustoError(`The binder gave no columns for ${node.kind}.`);
  const phantoms = inputs.flatMap((input) => input.phantoms || []);
  const columns = node.columns.filter((column) => !phantoms.includes(column.name));
  const unknown = columns.find((column) => column.type === 'unknown' || column.type === 'error');
  if (unknown) throw new KustoError(`The type of the column ${unknown.name} is not known; declare the table it is from.`);
  return columns;
}

/** A plan; see the head of this module. `label` is the name that `union withsource=` shows for a plain table. */
function makePlan({ columns, rows, serialised = false, ingestion = false, phantoms = [], label = null }) {
  return { columns, ingestion, label, phantoms, rows, serialised };
}

/** The phantoms of the input that the binder still believes in after the node. */
const remainingPhantoms = (node, input) => (input.phantoms || []).filter(
  (name) => node.columns && node.columns.some((column) => column.name === name));

/** Whether a node stands for a table, as far as the binder could tell. */
const isTabular = (node) => Boolean(unwrap(node).columns);

/** Notes where in the query an error arose, unless that is known already. */
function locating(node, compile) {
  try {
    return compile();
  } catch (error) {
    if (error instanceof KustoError && error.start === undefined) error.start = node.start;
    throw error;
  }
}

module.exports = {
  MissingTableError, boundColumns, compileExpression, compileOperator, compileTable, expressionKinds, isTabular,
  locating, makePlan, operatorKinds, remainingPhantoms, tableKinds,
};
