// join and lookup.
'use strict';

const { compileTable, makePlan, operatorKinds } = require('./compiler');
const { nameOf, parameterOf, unwrap } = require('./lower');
const { KustoError, UnsupportedError, keyOfAll, nullOf } = require('./values');

/** The pairs of columns that must be equal, as positions: [[left, right], ...]. */
function keyPositions(conditions, left, right) {
  const position = (plan, name) => {
    const found = plan.columns.findIndex((column) => column.name === name);
    if (found < 0) throw new KustoError(`The join has no column ${name} on one of its sides.`);
    if (plan.columns[found].type === 'dynamic') throw new KustoError(`Rows cannot be joined on the dynamic column ${name}.`);
    return found;
  };
  return conditions.flatMap(function pairsOf(condition) {
    const node = unwrap(condition);
    if (node.kind === 'NameReference') return [[position(left, nameOf(node)), position(right, nameOf(node))]];
    if (node.kind !== 'BinaryExpression') throw new UnsupportedError(`a join on ${node.kind}`);
    if (node.Operator === 'and') return [...pairsOf(node.Left), ...pairsOf(node.Right)];
    if (node.Operator !== '==') throw new KustoError(`Rows are joined on equality only, not ${node.Operator}.`);
    const sides = [unwrap(node.Left), unwrap(node.Right)];
    if (nameOf(sides[0].Expression) === '$right') sides.reverse();
    return [[position(left, nameOf(sides[0].Selector)), position(right, nameOf(sides[1].Selector))]];
  });
}

// The key of a row. A null key is equal to a null key (measured on the Kusto emulator by the authors of duckdb-kql).
const keyFunctions = (pairs) => [0, 1].map((side) => (row) => keyOfAll(pairs.map((pair) => row[pair[side]])));

/** The right side's columns under names that the left side does not have yet: k1, k2 and so on. */
function joinedColumns(left, right) {
  const names = new Set(left.map((column) => column.name));
  return [...left, ...right.map((column) => {
    let name = column.name;
    for (let number = 1; names.has(name); number++) name = `${column.name}${number}`;
    names.add(name);
    return { name, type: column.type };
  })];
}

/** The first row of each key. The service keeps any of them; let tests not depend on which. */
function firstOfEachKey(rows, keyOf) {
  const found = new Map();
  for (const row of rows) if (!found.has(keyOf(row))) found.set(keyOf(row), row);
  return [...found.values()];
}

function indexRows(rows, keyOf) {
  const index = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (!index.has(key)) index.set(key, []);
    index.get(key).push(row);
  }
  return index;
}

/** Rows of one side by whether the other side has their key: semi and anti joins. */
function filterByKey(rows, keyOf, others, otherKeyOf, wanted) {
  const keys = new Set(others.map(otherKeyOf));
  return rows.filter((row) => keys.has(keyOf(row)) === wanted);
}

const ONE_SIDED = {
  anti: { side: 'left', wanted: false }, leftanti: { side: 'left', wanted: false },
  leftantisemi: { side: 'left', wanted: false }, leftsemi: { side: 'left', wanted: true },
  rightanti: { side: 'right', wanted: false }, rightantisemi: { side: 'right', wanted: false },
  rightsemi: { side: 'right', wanted: true },
};
const TWO_SIDED = new Set(['inner', 'innerunique', 'leftouter', 'rightouter', 'fullouter']);

function compileOneSided({ side, wanted }, left, right, [leftKey, rightKey]) {
  const isLeft = side === 'left';
  const [kept, other] = isLeft ? [left, right] : [right, left];
  const [keptKey, otherKey] = isLeft ? [leftKey, rightKey] : [rightKey, leftKey];
  return makePlan({
    columns: kept.columns,
    phantoms: kept.phantoms,
    rows: (frame) => filterByKey(kept.rows(frame), keptKey, other.rows(frame), otherKey, wanted),
  });
}

/** Pairs of rows, with the rows that find no partner where the kind asks for them. */
function compileTwoSided(kind, left, right, [leftKey, rightKey], rightPositions) {
  const columns = joinedColumns(left.columns, rightPositions.map((position) => right.columns[position]));
  const emptyLeft = left.columns.map((column) => nullOf(column.type));
  const emptyRight = right.columns.map((column) => nullOf(column.type));
  const pair = (leftRow, rightRow) => [
    ...leftRow.slice(0, left.columns.length), ...rightPositions.map((position) => rightRow[position])];
  const rows = (frame) => {
    const rightRows = right.rows(frame);
    const index = indexRows(rightRows, rightKey);
    const leftRows = kind === 'innerunique' ? firstOfEachKey(left.rows(frame), leftKey) : left.rows(frame);
    const joined = [];
    for (const leftRow of leftRows) {
      const partners = index.get(leftKey(leftRow));
      if (partners) joined.push(...partners.map((rightRow) => pair(leftRow, rightRow)));
      else if (kind === 'leftouter' || kind === 'fullouter') joined.push(pair(leftRow, emptyRight));
    }
    if (kind === 'rightouter' || kind === 'fullouter') {
      const alone = filterByKey(rightRows, rightKey, leftRows, leftKey, false);
      joined.push(...alone.map((rightRow) => pair(emptyLeft, rightRow)));
    }
    return joined;
  };
  return makePlan({ columns, phantoms: [...left.phantoms, ...right.phantoms], rows });
}

/** The binder must agree with the columns, unless a scan made it believe in one that is not there. */
function checkColumns(node, plan) {
  if (plan.phantoms.length) return plan;
  const [ours, theirs] = [plan.columns, node.columns].map((columns) => columns.map((column) => column.name).join());
  if (ours !== theirs) throw new KustoError(`join: the columns ${ours} are not those of the binder, ${theirs}.`);
  return plan;
}

function compileJoin(node, left, scope) {
  const right = compileTable(node.Expression, scope);
  const kind = parameterOf(node, 'kind') || 'innerunique';
  if (!node.ConditionClause || !node.ConditionClause.Expressions) throw new UnsupportedError('join without "on"');
  const pairs = keyPositions(node.ConditionClause.Expressions, left, right);
  const keys = keyFunctions(pairs);
  if (ONE_SIDED[kind]) return checkColumns(node, compileOneSided(ONE_SIDED[kind], left, right, keys));
  if (!TWO_SIDED.has(kind)) throw new UnsupportedError(`join kind=${kind}`);
  return checkColumns(node, compileTwoSided(kind, left, right, keys, [...right.columns.keys()]));
}

/** lookup: each left row stays (kind=leftouter, the default), and the right side's keys are left out. */
function compileLookup(node, left, scope) {
  const right = compileTable(node.Expression, scope);
  const kind = parameterOf(node, 'kind') || 'leftouter';
  if (!['leftouter', 'inner'].includes(kind)) throw new KustoError(`lookup has no kind=${kind}.`);
  const pairs = keyPositions(node.LookupClause.Expressions, left, right);
  const keyColumns = new Set(pairs.map((pair) => pair[1]));
  const others = [...right.columns.keys()].filter((position) => !keyColumns.has(position));
  return checkColumns(node, compileTwoSided(kind, left, right, keyFunctions(pairs), others));
}

operatorKinds.set('JoinOperator', compileJoin);
operatorKinds.set('LookupOperator', compileLookup);
