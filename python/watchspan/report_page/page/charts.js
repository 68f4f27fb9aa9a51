"use strict";

/** The charts that are drawn: name -> Vega's view. */
const VIEWS = {};
// Level 1: errors only; a chart that waits for its data is none.
const OPTIONS = { mode: "vega", renderer: "svg", ast: true, actions: false, tooltip: false, defaultStyle: false, logLevel: 1 };

/** Draws a chart into its place, as wide as that is. */
async function draw(name) {
  const spec = DATA.charts[name], place = document.getElementById("chart-" + name);
  if (!spec || VIEWS[name]) return;
  const { view } = await vegaEmbed(place, spec, OPTIONS);
  VIEWS[name] = view;
  const svg = place.querySelector("svg");
  if (svg) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", spec.description);
  }
  if (name === "cohorts") return;
  const fit = () => fitted(view, place);
  new ResizeObserver(fit).observe(place.parentElement);
  await fit();
}

/** Makes the chart as wide as its place, with its axes. */
async function fitted(view, place) {
  const room = place.parentElement.clientWidth, svg = place.querySelector("svg");
  if (!room || !svg) return;
  const around = Number(svg.getAttribute("width")) - view.width();
  const width = Math.max(160, Math.min(720, Math.floor(room - around - 2)));
  if (Math.abs(width - view.width()) > 1) await view.width(width).runAsync();
}

/** Puts other rows into a chart of one video, and says what it shows. */
async function redraw(name, tables, description) {
  await draw(name);
  const view = VIEWS[name];
  for (const [table, rows] of Object.entries(tables)) view.data(table, rows);
  view.description(description);
  await view.resize().runAsync();
  const svg = document.querySelector(`#chart-${name} svg`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", description);
}

/** Where Wilson's interval of 95% for a share of so many begins and ends; the page has not room for all of them. */
function wilson(share, of) {
  if (share === null || !of) return [null, null];
  const z = 1.959963984540054, shrunk = 1 + (z * z) / of;
  const middle = (share + (z * z) / (2 * of)) / shrunk;
  const half = (z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))) / shrunk;
  return [Math.min(share, Math.max(0, middle - half)), Math.max(share, Math.min(1, middle + half))];
}

/** The rows of the charts of one video. */
function rowsOf(video, seconds) {
  const retention = curveOf("retention", video), again = curveOf("again", video);
  const step = seconds / retention.length;
  const curve = retention.map((value, i) => ({ startSeconds: i * step, retention: value, again: again[i] }));
  if (curve.length) curve.push({ ...curve[curve.length - 1], startSeconds: seconds });
  const left = curveOf("left", video), reached = curveOf("reached", video);
  const leaving = left.map((share, i) => {
    const [low, high] = wilson(share, DATA.cells.began[video]);
    return { part: Math.round((100 * i) / left.length) + "%", share, low, high };
  });
  const completion = curveOf("probability", video).map((probability, i, all) => {
    const [low, high] = wilson(probability, reached[i] * DATA.cells.mature[video]);
    return { reached: i / all.length, probability, probabilityLow: low, probabilityHigh: high };
  });
  return { curve, leaving, completion, moments: marksOf(video, retention, step), typical: typicalOf(video, curve) };
}

/** The moments of a video that have a place in its curve. */
function marksOf(video, retention, step) {
  return momentsOf(video)
    .filter(({ kind }) => DATA.page.placed.includes(kind))
    .map((moment) => {
      const middle = (moment.startSeconds + moment.endSeconds) / 2;
      return { ...moment, middle, height: retention[Math.min(retention.length - 1, Math.floor(middle / step))] };
    });
}

/** The moments of a video, each as an object. */
function momentsOf(video) {
  const places = DATA.momentsOf.get(video) || [];
  return places.map((place) => Object.fromEntries(DATA.moments.told.map((name) => [name, DATA.moments[name][place]])));
}

/** What is typical of videos as long as this one, along it. */
function typicalOf(video, curve) {
  const found = DATA.moments.typical[DATA.moments.classes[video]];
  if (!found) return [];
  const rows = curve.map(({ startSeconds }, i) => {
    const bucket = Math.min(i, found.median.length - 1);
    return { startSeconds, p25: found.p25[bucket], median: found.median[bucket], p75: found.p75[bucket] };
  });
  return rows.filter(({ median }) => median !== null);
}

/** Draws all charts of one video. */
async function drawVideo(video, seconds, name) {
  const rows = rowsOf(video, seconds);
  const most = rows.leaving.reduce((best, row) => (row.share > best.share ? row : best), rows.leaving[0]);
  await Promise.all([
    redraw("retention", { curve: rows.curve, moments: rows.moments, typical: rows.typical },
      `Share of viewers of ${name} who watched each part: ${shown(rows.curve[0].retention, "share")} at first, ` +
      `${shown(rows.curve[rows.curve.length - 1].retention, "share")} at the end.`),
    redraw("rewatched", { curve: rows.curve }, `How often viewers of ${name} played each part, also again.`),
    redraw("leaving", { leaving: rows.leaving }, `Most viewers left in the part from ${most.part} on: ${shown(most.share, "share")}.`),
    redraw("completion", { completion: rows.completion },
      `Of the viewers of ${name} who began, ${shown(rows.completion[0].probability, "share")} finished.`),
  ]);
  return rows;
}
