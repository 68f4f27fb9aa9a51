// What names mean where an expression stands (Scope, at compilation) and what they hold (Frame, at execution).
'use strict';

let lastId = 0;
const newId = () => `#${++lastId}`;

/** Names and row columns that an expression sees. A binding is {kind: 'scalar' | 'table' | 'function', ...}. */
class Scope {
  constructor(parent = null, properties = {}) {
    this.parent = parent;
    this.bindings = new Map();
    // Set where expressions are computed for rows: the columns of those rows and their positions.
    this.columns = null;
    this.positions = null;
    this.ingestionPosition = null;
    this.serialised = false;
    // Set where window functions may stand: the functions found, in an order in which they can be computed.
    this.windows = null;
    // Set where aggregates may stand.
    this.aggregates = false;
    // Set within scan: the positions of the steps' states.
    this.steps = null;
    // Whether values may differ between executions within one run (function bodies, subqueries).
    this.repeated = parent ? parent.repeated : false;
    Object.assign(this, properties);
  }

  bind(name, binding) {
    this.bindings.set(name, binding);
  }

  lookup(name) {
    for (let scope = this; scope; scope = scope.parent) {
      if (scope.bindings.has(name)) return scope.bindings.get(name);
    }
    return null;
  }

  /** The scope of expressions that are computed for each row of a plan. */
  forRows(plan, properties = {}) {
    return new Scope(this, {
      columns: plan.columns,
      ingestionPosition: plan.ingestion ? plan.columns.length : null,
      positions: new Map(plan.columns.map((column, index) => [column.name, index])),
      serialised: plan.serialised,
      ...properties,
    });
  }

  /** The nearest scope outside of rows: what subqueries within an expression see. */
  withoutRows() {
    return this.columns ? this.parent.withoutRows() : this;
  }
}

/** What one execution of a query shares: its tables, its clock, and what was computed once. */
class Run {
  constructor(tables, now) {
    this.tables = tables;
    this.now = now;
    this.memory = {};
  }
}

/** The row that expressions are computed for, and the variables they see. Operators move one frame along the rows. */
class Frame {
  constructor(run, variables) {
    this.run = run;
    // Variables of function calls and subqueries, by id; inner ones inherit from outer ones.
    this.variables = variables;
    this.rows = null;
    this.row = null;
    this.index = 0;
    this.windows = null;
    this.group = null;
    this.states = null;
  }

  /** A frame for other rows that sees the same variables. */
  sibling(rows = null) {
    const frame = new Frame(this.run, this.variables);
    frame.rows = rows;
    return frame;
  }

  /** A frame that sees further variables. */
  withVariables(variables) {
    return new Frame(this.run, Object.assign(Object.create(this.variables), variables));
  }
}

/** Computes once per run, or once per call or subquery, what does not depend on rows. */
function remember(scope, compute) {
  const id = newId();
  const memoryOf = scope.repeated ? (frame) => frame.variables : (frame) => frame.run.memory;
  return (frame) => {
    const memory = memoryOf(frame);
    if (!(id in memory)) memory[id] = compute(frame.sibling());
    return memory[id];
  };
}

module.exports = { Frame, Run, Scope, newId, remember };
