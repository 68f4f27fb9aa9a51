// scan: a small state machine that runs along the rows (Microsoft's page "scan operator", section "Scan logic").
//
// Each step has a state: the last matched rows of the steps up to it. For each row the steps are tried from the last
// to the first. A row matches a step if its condition holds with the state of the step before, which then moves on
// (is "promoted"), or else with the step's own state; the first step also matches without any state.
'use strict';

const { compileExpression, makePlan, operatorKinds } = require('./compiler');
const { nameOf, parameterOf } = require('./lower');
const { KustoError, UnsupportedError, canonicalType, nullOf } = require('./values');

/** The declared columns with their defaults. */
function declaredColumns(node, scope) {
  const declarations = node.DeclareClause ? node.DeclareClause.Declarations : [];
  return declarations.map(({ NameAndType, DefaultValue }) => {
    const type = canonicalType(NameAndType.Type.Type);
    const initial = DefaultValue ? compileExpression(DefaultValue.Value, scope)(null) : nullOf(type);
    return { initial, name: nameOf(NameAndType.Name), type };
  });
}

/** The scope of conditions and assignments: columns of the row, and "step.column" for the state. */
function scanScope(node, input, declared, scope) {
  const columns = [...input.columns, ...declared];
  const positions = new Map(columns.map((column, index) => [column.name, index]));
  const initial = columns.map((column) => (column.initial === undefined ? nullOf(column.type) : column.initial));
  const steps = new Map(node.Steps.map((step, index) => [nameOf(step.Name), { index, initial, positions }]));
  const rowScope = scope.forRows(input, { steps });
  for (const { name } of declared) {
    if (input.columns.some((column) => column.name === name)) {
      throw new UnsupportedError(`scan declaring ${name}, which the rows have already`);
    }
    // What a declared column is without a step, before its assignment or after, is not documented.
    rowScope.bind(name, { kind: 'refused', reason: `scan: write the step before the declared column, as in step.${name}.` });
  }
  return rowScope;
}

function compileSteps(node, positions, rowScope) {
  return node.Steps.map((step) => ({
    assignments: (step.ComputationClause ? step.ComputationClause.Assignments : []).map((each) => ({
      position: positions.get(nameOf(each.Name)),
      value: compileExpression(each.Expression, rowScope),
    })),
    condition: compileExpression(step.Condition, rowScope),
    output: step.ScanStepOutput ? step.ScanStepOutput.OutputKind : 'all',
  }));
}

/** One run of the state machine. */
class Machine {
  constructor(steps, defaults, frame) {
    this.steps = steps;
    this.defaults = defaults;
    this.frame = frame;
    // Per step: null, or the match's number and the last rows of the steps up to it.
    this.states = steps.map(() => null);
    // Per step: the last row of a series of matches, for output=last.
    this.pending = steps.map(() => null);
    this.matches = 0;
    this.output = [];
  }

  take(row) {
    this.frame.row = row;
    for (let index = this.steps.length - 1; index >= 0; index--) this.tryStep(index);
  }

  tryStep(index) {
    const before = index > 0 ? this.states[index - 1] : null;
    if (before && this.holds(index, before)) {
      this.flush(index);
      this.flush(index - 1);
      this.states[index] = { match: before.match, rows: [...before.rows] };
      this.states[index - 1] = null;
      this.match(index);
    } else if ((this.states[index] || index === 0) && this.holds(index, this.states[index])) {
      if (!this.states[index]) this.states[index] = { match: this.matches++, rows: [] };
      this.match(index);
    }
  }

  holds(index, state) {
    this.frame.states = state ? state.rows : [];
    return this.steps[index].condition(this.frame) === true;
  }

  /** Computes the assignments with the state as it was, and then keeps the row in it. */
  match(index) {
    const { assignments, output } = this.steps[index];
    const state = this.states[index];
    const extended = [...this.frame.row, ...this.defaults];
    this.frame.states = state.rows;
    for (const { position, value } of assignments) extended[position] = value(this.frame);
    state.rows[index] = extended;
    const result = { match: state.match, row: extended };
    if (output === 'all') this.output.push(result);
    else if (output === 'last') this.pending[index] = result;
  }

  flush(index) {
    if (this.pending[index]) this.output.push(this.pending[index]);
    this.pending[index] = null;
  }

  finish() {
    this.steps.forEach((_, index) => this.flush(index));
    return this.output;
  }
}

function compileScan(node, input, scope) {
  if (!input.serialised) {
    throw new KustoError('scan needs rows in a definite order: put sort or serialize before it.');
  }
  if (node.OrderByClause || node.PartitionByClause) throw new UnsupportedError('scan with order by or partition by');
  const declared = declaredColumns(node, scope);
  const rowScope = scanScope(node, input, declared, scope);
  const columns = [...input.columns, ...declared.map(({ name, type }) => ({ name, type }))];
  const positions = new Map(columns.map((column, index) => [column.name, index]));
  const steps = compileSteps(node, positions, rowScope);
  const defaults = declared.map((column) => column.initial);
  const matchColumn = parameterOf(node, 'with_match_id');
  return makePlan({
    columns: matchColumn ? [...columns, { name: matchColumn, type: 'long' }] : columns,
    phantoms: [...input.phantoms, ...(matchColumn ? [] : ['match_id'])],
    // The documentation does not say that the output has an order, so window functions need serialize after it.
    serialised: false,
    rows: (frame) => {
      const machine = new Machine(steps, defaults, frame.sibling());
      for (const row of input.rows(frame)) machine.take(row.slice(0, input.columns.length));
      return machine.finish().map(({ match, row }) => (matchColumn ? [...row, match] : row));
    },
  });
}

operatorKinds.set('ScanOperator', compileScan);
