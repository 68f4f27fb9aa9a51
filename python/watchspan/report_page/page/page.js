"use strict";

/** Puts text and elements into the element of that id. */
function put(id, ...parts) {
  document.getElementById(id).replaceChildren(...parts);
}

/** The first thing to know: which video loses its viewers, where, and how sure that is. */
function tellInShort() {
  const { quality, fewest } = DATA.page;
  let flagged = "";
  const worst = DATA.cells.leaving.map((_, place) => place).filter((place) => worstOf(place));
  worst.sort((one, other) => worstOf(other).left - worstOf(one).left || one - other);
  if (worst.length) {
    const found = worstOf(worst[0]);
    put("first", linkTo(worst[0]), ` loses most viewers: between ${found.span.replace("–", " and ")}, ${shown(found.left, "count")} of its ` +
      `${shown(found.of, "count")} leave for good. That is ${withInterval(found.share, found.low, found.high)}.`);
    flagged = `; of that video's rows ${shown(1 - DATA.cells.values.flaggedShare[worst[0]], "share")} do`;
    const columns = [{ title: "Video", kind: "text" }, { title: "Most leave at" }, { title: "Lost there" }, { title: "Viewers lost" }, { title: "Viewers" }];
    put("leaving-list", table("Videos that lose most viewers in one place", columns, worst.slice(0, 5).map((place) => {
      const { span, share, low, high, left, of } = worstOf(place);
      return [linkTo(place), span, withEnds(share, low, high), shown(left, "count"), shown(of, "count")];
    })));
  } else {
    put("first", `No video has viewers enough to say where they leave: that takes ${fewest.viewers}, and ${fewest.leavers} who leave in one place.`);
  }
  const kept = quality.read === null ? "how many events were dropped is not carried by these rows" :
    quality.read ? `${shown(quality.kept / quality.read, "share")} of ${shown(quality.read, "count")} events count` : "there were no events";
  const clean = quality.rows ? `${shown(quality.clean / quality.rows, "share")} of ${shown(quality.rows, "count")} rows carry no flag` : "there are no rows";
  put("trust", make("strong", {}, "How far to trust it: "), `${kept}; ${clean}${flagged}. `, make("a", { href: "#quality" }, "What is wrong with the others"), ".");
}

/** What was dropped, and which flags rows carry. */
function tellQuality() {
  const { quality } = DATA.page, number = { title: "Events" };
  const share = (count, of) => (of ? shown(count / of, "share") : "–");
  if (quality.drops) {
    put("kept", quality.kept === quality.read ? `All ${shown(quality.read, "count")} events count.` :
      `Of ${shown(quality.read, "count")} events ${shown(quality.kept, "count")} count; the others were dropped.`);
    const rows = quality.drops.filter(({ count }) => count);
    if (rows.length) {
      put("drops", table("Events that were dropped", [{ title: "Reason", kind: "text" }, number, { title: "Share" }, { title: "When", kind: "text" }],
        rows.map(({ name, count, doc }) => [make("code", {}, name), shown(count, "count"), share(count, quality.read), marked(doc)])));
    }
  } else {
    put("kept", "How many events were dropped is not carried by these rows: CSV, JSON lines and data frames lose it. Parquet and Arrow files keep it.");
  }
  put("clean", filled(DATA.page.words.sentences.clean, { clean: shown(quality.clean, "count"), rows: shown(quality.rows, "count") }));
  const flags = quality.flags.filter(({ count }) => count);
  if (!flags.length) return;
  put("flags", table("Rows with a flag", [{ title: "Flag", kind: "text" }, { title: "Rows" }, { title: "Share" }, { title: "When", kind: "text" }, { title: "For example", kind: "text" }],
    flags.map(({ name, count, doc, examples }) =>
      [make("code", {}, name), shown(count, "count"), share(count, quality.rows), marked(doc), examples.map(visible).join("; ")])));
}

/** What all rows come to. */
function tellOverview() {
  const { overview, words } = DATA.page;
  figures("figures", words.overview.map(([name, title, kind]) => [title, shown(overview[name], kind)]));
  const more = overview.videos - overview.shown;
  if (more) {
    put("hidden", filled(words.sentences.hidden, {
      shown: shown(overview.shown, "count"), more: shown(more, "count"), hours: shown(overview.hiddenHours, "number"),
    }));
  }
}

/** A sentence of the page's words with the values that belong into it. */
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A moment in words. */
function inWords(moment) {
  const { kind } = moment;
  const size = range(moment, kind === "spike" ? "plays" : "share", kind === "dip" ? -1 : 1);
  return filled(DATA.page.words.moments[kind], { span: span(moment), size });
}

function span({ startSeconds, endSeconds }) {
  return `${clock(startSeconds)}–${clock(endSeconds)}`;
}

function range({ size, sizeLow, sizeHigh }, kind, sign = 1) {
  const as = (value) => (kind === "plays" ? value.toFixed(2) : shown(value, "share"));
  const ends = [sign * sizeLow, sign * sizeHigh].sort((one, other) => one - other).map(as);
  return `${as(sign * size)} (${ends.join(" to ")})`;
}

/** Shows one video. */
async function showVideo(place) {
  const { columns, values, curve, seconds, isGuessed } = DATA.cells, words = DATA.page.words.sentences;
  put("video-title", make("bdi", {}, nameOf(place)));
  const viewers = values.viewers[place];
  const told = [viewers === 1 ? "1 viewer" : `${shown(viewers, "count")} viewers`];
  if (viewers < DATA.page.fewest.forMoments) told.push(words.few);
  if (isGuessed[place]) told.push(words.guessed);
  if (curve[place] < 0) told.push(words.noCurves);
  put("video-about", told.join("; ") + ".");
  figures("video-figures", columns.filter(({ kind }) => kind !== "text").map(({ name, title, kind, doc }) =>
    [title, shown(values[name][place], kind), doc]));
  document.getElementById("video-charts").hidden = curve[place] < 0;
  put("video-moments");
  if (curve[place] < 0) return;
  const worst = worstOf(place);
  const inOrder = momentsOf(curve[place]).sort((one, other) => one.startSeconds - other.startSeconds);
  const lines = inOrder.map(inWords);
  if (worst) {
    lines.unshift(`${worst.span}: most leave for good; ${shown(worst.left, "count")} of ${shown(worst.of, "count")}, ${withInterval(worst.share, worst.low, worst.high)}.`);
  }
  put("video-moments", ...lines.map((line) => make("li", {}, line)));
  const rows = await drawVideo(curve[place], seconds[place], nameOf(place));
  put("mature-key", DATA.cells.mature[curve[place]] ? "" : words.nobodyMature);
  put("typical-key", rows.typical.length ? "(grey: the middle half of videos as long, and their median)" : "");
}

/** The video that the address asks for, else the first that loses viewers, else the first. */
function placeAsked() {
  const ids = DATA.cells.values.videoId;
  if (location.hash.startsWith("#video=")) {
    let asked = location.hash.slice(7);
    try { asked = decodeURIComponent(asked); } catch { /* not ours: it is nobody's id */ }
    const found = ids.indexOf(asked);
    if (found >= 0) return { place: found, isAsked: true };
  }
  const first = document.querySelector("#first a");
  return { place: first ? ids.indexOf(decodeURIComponent(first.hash.slice(7))) : ids.length ? 0 : -1, isAsked: false };
}

/** Shows the video that the address asks for. */
async function follow() {
  const { place, isAsked } = placeAsked();
  if (place < 0) {
    put("video-about", DATA.page.words.sentences.noVideo);
    document.getElementById("video-charts").hidden = true;
    return;
  }
  await showVideo(place);
  if (isAsked) document.getElementById("video-title").focus();
}

/** Who comes back, who is of which kind, who watched most, and what it all means. */
function tellUsers() {
  const { cohorts, segments, users, definitions, version, words } = DATA.page;
  const figure = document.getElementById("cohorts-figure");
  figure.hidden = !DATA.charts.cohorts;
  if (!cohorts) put("cohorts-about", "Who comes back is told by sessions, which this page was made without.");
  else if (!cohorts.length) put("cohorts-about", words.sentences.noSessions);
  else tellCohorts(cohorts);
  put("segments-table", table(words.sentences.kinds, [{ title: "Kind", kind: "text" }, { title: "Viewers" }, { title: "When", kind: "text" }],
    segments.map(({ name, doc, users: count }) => [name, shown(count, "count"), marked(doc)])));
  if (users) tellMost(users);
  put("definitions-list", ...definitions.map(({ title, doc, rows }) => make("details", {}, make("summary", {}, title), make("p", {}, ...marked(doc)),
    table(title, [{ title: "Figure", kind: "text" }, { title: "What it is", kind: "text" }, { title: "Unit", kind: "text" }],
      rows.map(([name, what, unit]) => [make("code", {}, name), marked(what), unit])))));
  put("version", version);
}

function tellCohorts(cohorts) {
  put("cohorts-about", DATA.page.words.sentences.cohorts);
  const columns = [{ title: "Week", kind: "text" }, { title: "Weeks after" }, { title: "Viewers" }, { title: "Came back" }, { title: "Share" }];
  put("cohorts-table", make("details", {}, make("summary", {}, "As a table"), table("Who came back", columns, cohorts.map((row) =>
    [row.cohort, shown(row.period, "count"), shown(row.cohortUsers, "count"), shown(row.activeUsers, "count"), shown(row.share, "share") + (row.isPartial ? " so far" : "")]))));
}

/** What an experiment changed, if the page is about one. */
function tellExperiment() {
  const { experiment } = DATA.page;
  for (const id of ["experiment", "experiment-link"]) document.getElementById(id).hidden = !experiment;
  if (!experiment) return;
  const { notes, columns, rows } = experiment;
  put("experiment-notes", ...notes.map(([name, text]) => make("li", {}, make("strong", {}, name + ": "), text)));
  const heads = columns.map((title, place) => ({ title: title || "verdict", kind: place < 2 || !title ? "text" : "number" }));
  put("experiment-table", table("Each group beside the control", heads, rows));
}

function tellMost({ columns, values }) {
  const rows = values.userId.map((_, place) => columns.map(({ name, kind }) => shown(values[name][place], kind)));
  put("users", table("Viewers who watched most", columns, rows));
}

/** All of the page. */
async function start() {
  await readData();
  for (const [name, title] of Object.entries(DATA.page.words.charts)) put("title-" + name, title);
  tellInShort();
  tellQuality();
  tellOverview();
  tellUsers();
  tellExperiment();
  videosTable();
  await Promise.all(["tiers", "scores", "cohorts", "comparison"].map(draw));
  await follow();
  window.addEventListener("hashchange", follow);
  document.documentElement.dataset.ready = "yes";
}

start();
