// The official KQL parser and binder (its JavaScript build), wrapped: declare tables, analyse a query.
'use strict';

require('@kusto/language-service-next/bridge.js');
require('@kusto/language-service-next/Kusto.Language.Bridge.js');
const { canonicalType } = require('./values');

const { Symbols } = Kusto.Language;
const listOf = (collection) => (collection ? Bridge.toArray(collection) : []);

/** The parser's view of a database with the given tables (name to schema text). */
function declareTables(schemas) {
  const tables = new (System.Collections.Generic.List$1(Symbols.Symbol).ctor)();
  for (const [name, schema] of Object.entries(schemas)) {
    tables.add(new Symbols.TableSymbol.$ctor7(name, schema, null));
  }
  const database = new Symbols.DatabaseSymbol.$ctor3('db', null, tables, false);
  return Kusto.Language.GlobalState.Default.WithDatabase(database);
}

/** The columns that a schema text "(a:long, b:string)" declares. */
function columnsOfSchema(schema) {
  return schema.trim().replace(/^\(|\)$/g, '').split(',').filter((part) => part.trim()).map((part) => {
    const [name, type] = part.split(':').map((text) => text.trim());
    return { name, type: canonicalType(type) };
  });
}

/** Line and column, counted from one, of an offset in a text. */
function positionOf(text, offset) {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: lines[lines.length - 1].length + 1 };
}

/** What the official tool says about a query: its tree, diagnostics, output columns and whether it is a query. */
function analyse(text, globals) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
  const diagnostics = listOf(code.GetDiagnostics()).map((diagnostic) => ({
    code: diagnostic.Code,
    severity: diagnostic.Severity.toLowerCase(),
    message: diagnostic.Message,
    ...positionOf(text, diagnostic.Start),
  }));
  const blocks = listOf(Kusto.Language.Editor.CodeScript.From$1(text, globals).Blocks);
  return {
    blocks: blocks.filter((block) => block.Text.trim()).length,
    diagnostics,
    hasResult: Boolean(code.ResultType),
    isQuery: code.Kind === 'Query',
    syntax: code.Syntax,
  };
}

module.exports = { analyse, columnsOfSchema, declareTables, positionOf };
