// Checks and runs whole queries; what is known of a query's text is kept.
'use strict';

const { analyse, columnsOfSchema, declareTables, positionOf } = require('./parser');
const { compileTable } = require('./compiler');
const { compileStatements } = require('./functions');
const { lint } = require('./lints');
const { lower } = require('./lower');
const alwaysDeclared = require('./schemas');
const { Frame, Run, Scope } = require('./scope');
const { planOfTable } = require('./tables');
const { DateTime, KustoError, UnsupportedError, fromJson, parseDateTime, toJson } = require('./values');

require('./literals');
require('./expressions');
require('./operators');
require('./summarize');
require('./joins');
require('./expand');
require('./scan');

const MOST_KEPT_QUERIES = 500;
// A column by this name, last in a schema, is what ingestion_time() gives; queries do not see it.
const INGESTION_COLUMN = '$ingestion_time';

const kept = new Map();

function keep(key, compute) {
  if (!kept.has(key)) {
    if (kept.size >= MOST_KEPT_QUERIES) kept.delete(kept.keys().next().value);
    kept.set(key, compute());
  }
  return kept.get(key);
}

const visibleSchema = (schema) => schema.replace(/,?\s*\$ingestion_time\s*:\s*\w+\s*/, '');

/** The plan of a query, or the error that compiling it raised. */
function compileQuery(tree, schemas) {
  const scope = new Scope(null, { isQuery: true });
  for (const [name, schema] of Object.entries(schemas)) {
    scope.bind(name, { kind: 'table', plan: planOfTable(name, columnsOfSchema(visibleSchema(schema))) });
  }
  const queryScope = new Scope(scope, { isQuery: true });
  try {
    const expression = compileStatements(tree.Statements, queryScope);
    if (!expression) throw new KustoError('The query has no tabular statement to return: it ends with let.');
    return { plan: compileTable(expression, queryScope) };
  } catch (error) {
    if (error instanceof KustoError) return { error };
    throw error;
  }
}

/** Everything that follows from a query's text and the tables' schemas. */
function prepare(query, extraSchemas) {
  const schemas = { ...alwaysDeclared, ...extraSchemas };
  return keep(JSON.stringify([query, extraSchemas]), () => {
    const visible = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, visibleSchema(schema)]));
    const analysis = analyse(query, declareTables(visible));
    const tree = lower(analysis.syntax);
    const hasErrors = analysis.diagnostics.some((each) => each.severity === 'error');
    const compiled = hasErrors || !analysis.isQuery || !analysis.hasResult ? {} : compileQuery(tree, schemas);
    return { analysis, compiled, hasErrors, schemas, tree };
  });
}

const sentence = ({ code, line, column, message }) =>
  `Line ${line}, column ${column}: ${message.replace(/[.\s]*$/, '')}. [${code}]`;

/** Reports of a query: {diagnostics: [{severity, code, line, column, text}], columns: [[name, type], ...] | null}. */
function check(query, schemas, azureMonitor) {
  const { analysis, compiled, tree } = prepare(query, schemas);
  const located = lint(analysis, tree, query, azureMonitor).map((each) => ({ ...each, ...positionOf(query, each.start) }));
  const findings = [...analysis.diagnostics.filter((each) => ['error', 'warning'].includes(each.severity)), ...located];
  const { error, plan } = compiled;
  if (error && !(error instanceof UnsupportedError)) {
    findings.push({ code: 'REFUSED', message: error.message, severity: 'error', ...positionOf(query, error.start || 0) });
  }
  const columns = plan ? plan.columns : tree.Statements ? resultColumns(tree) : null;
  return {
    columns: columns && columns.map(({ name, type }) => [name, type]),
    diagnostics: findings.map((each) => ({
      code: each.code, column: each.column, line: each.line, severity: each.severity, text: sentence(each),
    })),
  };
}

/** The binder's columns of the last statement, for queries that are checked but not run. */
function resultColumns(tree) {
  const last = tree.Statements[tree.Statements.length - 1];
  return last && last.Expression && last.kind === 'ExpressionStatement' ? last.Expression.columns || null : null;
}

/** The rows given for a table, in the forms that the evaluator computes with. */
function loadTable(name, schema, rows) {
  const columns = columnsOfSchema(schema);
  const position = columns.findIndex((column) => column.name === INGESTION_COLUMN);
  if (position >= 0 && position !== columns.length - 1) throw new KustoError(`${INGESTION_COLUMN} must be the last column.`);
  return rows.map((row) => {
    if (row.length !== columns.length) {
      throw new KustoError(`A row of the table ${name} has ${row.length} values for ${columns.length} columns.`);
    }
    return row.map((value, index) => fromJson(value, columns[index]));
  });
}

function currentTime(now) {
  if (now === undefined || now === null) return DateTime.fromDate(new Date());
  const parsed = parseDateTime(now);
  if (!parsed) throw new KustoError(`The current time "${now}" is no datetime.`);
  return parsed;
}

/** Runs a query on tables {name: [schema, rows]}; gives {columns, rows} or throws a KustoError. */
function run(query, tables, now) {
  const given = Object.fromEntries(Object.entries(tables).map(([name, [schema]]) => [name, schema]));
  const { analysis, compiled, hasErrors } = prepare(query, given);
  if (hasErrors) {
    const errors = analysis.diagnostics.filter((each) => each.severity === 'error');
    throw new KustoError(errors.map(sentence).join('\n'));
  }
  if (!analysis.isQuery) throw new KustoError('A management command is no query.');
  if (!analysis.hasResult) throw new KustoError('The query has no tabular statement to return: it ends with let.');
  if (compiled.error) {
    const { error } = compiled;
    throw new KustoError(sentence({ code: 'REFUSED', message: error.message, ...positionOf(query, error.start || 0) }));
  }
  const loaded = Object.fromEntries(
    Object.entries(tables).map(([name, [schema, rows]]) => [name, loadTable(name, schema, rows)]));
  const { plan } = compiled;
  const rows = plan.rows(new Frame(new Run(loaded, currentTime(now)), {}));
  return {
    columns: plan.columns.map(({ name, type }) => [name, type]),
    rows: rows.map((row) => plan.columns.map((_, index) => toJson(row[index]))),
  };
}

module.exports = { check, run };
