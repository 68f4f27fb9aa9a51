// What the service refuses, or what is never meant, although the official parser accepts it.
'use strict';

const { argumentsOf, nameOf, unwrap } = require('./lower');

// Azure Monitor's documentation of log queries, section on differences from Azure Data Explorer.
const NOT_IN_AZURE_MONITOR = new Set([
  'cluster', 'cursor_after', 'cursor_before_or_at', 'cursor_current', 'current_cursor', 'current_principal', 'database',
  'extent_id', 'extent_tags', 'python', 'sql_request',
]);
const STATEMENTS_NOT_IN_AZURE_MONITOR = {
  AliasStatement: 'an alias statement',
  QueryParametersStatement: 'declare query_parameters',
};

/** Calls `visit` for each node of a lowered tree. */
function walk(node, visit) {
  if (Array.isArray(node)) {
    node.forEach((each) => walk(each, visit));
  } else if (node && typeof node === 'object') {
    if (node.kind) visit(node);
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'columns' && typeof value === 'object') walk(value, visit);
    }
  }
}

/** isnotnull(text) and isnull(text): a string is never null. */
function lintNullTest(node) {
  const name = node.kind === 'FunctionCallExpression' ? nameOf(node.Name) : null;
  if (!['isnotnull', 'isnull', 'notnull'].includes(name)) return null;
  const [argument] = argumentsOf(node);
  if (!argument || argument.type !== 'string') return null;
  return `${name}() of a string is always ${name === 'isnull' ? 'false'
    : 'true'}, because a string is never null: use isnotempty() or isempty().`;
}

/** A datetime compared with a text. */
function lintDateComparison(node) {
  if (node.kind !== 'BinaryExpression' || !['==', '!=', '<>', '<', '<=', '>', '>='].includes(node.Operator)) return null;
  const sides = [node.Left, node.Right].map(unwrap);
  const isText = (side) => side.literal === 'string';
  const other = sides.find((side) => !isText(side));
  if (!sides.some(isText) || !other || other.type !== 'datetime') return null;
  return 'A datetime is compared with a text: write datetime(...) instead of the text.';
}

/** What Azure Monitor lacks. */
function lintAzureMonitor(node) {
  const statement = STATEMENTS_NOT_IN_AZURE_MONITOR[node.kind];
  if (statement) return `Azure Monitor does not have ${statement}.`;
  const name = node.kind === 'FunctionCallExpression' ? nameOf(node.Name) : null;
  return NOT_IN_AZURE_MONITOR.has(name) ? `Azure Monitor does not have ${name}().` : null;
}

/** The findings on a query as [{code, severity, start, message}]. */
function lint(analysis, tree, text, azureMonitor) {
  const findings = [];
  const report = (code, severity, start, message) => findings.push({ code, severity, start, message });
  if (!analysis.isQuery) {
    report('COMMAND', 'error', 0, 'A management command is no query, and Azure Monitor has none.');
    return findings;
  }
  if (!analysis.hasResult) report('NORESULT', 'error', 0, 'The query has no tabular statement to return: it ends with let.');
  const blank = /\n[ \t\r]*\n/.exec(text.trimEnd());
  if (blank) {
    report('BLANKLINE', 'error', blank.index + 1, 'A blank line ends the query: editors run only the part at the cursor.');
  }
  walk(tree, (node) => {
    const nullTest = lintNullTest(node);
    if (nullTest) report('NULLTEST', 'error', node.start, nullTest);
    const comparison = lintDateComparison(node);
    if (comparison) report('DATETEXT', 'error', node.start, comparison);
    const refusal = azureMonitor && lintAzureMonitor(node);
    if (refusal) report('AZUREMONITOR', 'error', node.start, refusal);
  });
  return findings;
}

module.exports = { lint };
