// Answers requests, one JSON document a line: {"task": "check" | "run", "query": ..., "tables": ...}.
// Each gets one line back: {"result": ...} or {"error": message}.
'use strict';

const readline = require('node:readline');
const { check, run } = require('./engine');
const { KustoError } = require('./values');

function answer(line) {
  try {
    const { task, query, tables, azureMonitor, now } = JSON.parse(line);
    return { result: task === 'check' ? check(query, tables, azureMonitor) : run(query, tables, now) };
  } catch (error) {
    // A fault of the evaluator itself shows where it happened.
    const isExpected = error instanceof KustoError;
    return { error: isExpected ? error.message : `The tests' evaluator failed: ${error.stack}` };
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  process.stdout.write(`${JSON.stringify(answer(line))}\n`);
});
