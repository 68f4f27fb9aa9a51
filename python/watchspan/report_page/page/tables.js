"use strict";

/** An element with attributes and what is in it; text stays text. */
function make(tag, attributes, ...parts) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...parts);
  return element;
}

/** Text in which what stands between backticks is code. */
function marked(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

/** A small table: columns of `title` and `kind`, rows of text or elements, the first cell of each its heading. */
function table(caption, columns, rows) {
  const head = columns.map(({ title, kind }) => make("th", { scope: "col", class: kind === "text" ? "text" : "number" }, title));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, i) => {
    const parts = Array.isArray(cell) ? cell : [cell];
    if (i === 0) return make("th", { scope: "row" }, ...parts);
    return make("td", { class: columns[i].kind === "text" ? "text" : "number" }, ...parts);
  })));
  return make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
}

/** A list of figures, each with what it is. */
function figures(place, entries) {
  const list = document.getElementById(place);
  list.replaceChildren(...entries.map(([name, value, doc]) =>
    make("div", doc ? { title: doc.replaceAll("`", "") } : {}, make("dt", {}, name), make("dd", {}, value))));
}

/** A link to a video of the page. */
function linkTo(place) {
  return make("a", { href: "#video=" + encodeURIComponent(DATA.cells.values.videoId[place]), dir: "auto" }, nameOf(place));
}

/** Where a video loses most of its viewers: from and to, as text; nothing if there are too few to say. */
function worstOf(place) {
  const found = DATA.cells.leaving[place], seconds = DATA.cells.seconds[place];
  if (!found) return null;
  const [part, left, of, share, low, high] = found;
  const size = DATA.curves.left.size;
  const from = (part * seconds) / size, to = ((part + 1) * seconds) / size;
  return { from, left, of, share, low, high, span: `${clock(from)}–${clock(to)}` };
}

/** The columns of the table of videos, as DataTables takes them; each says how its cells become text. */
function videoColumns() {
  const { columns, values } = DATA.cells;
  const column = ({ name, title, doc, kind }) => ({
    title, ariaTitle: title, type: kind === "text" ? "string" : "num", className: kind === "text" ? "text" : "number",
    searchable: kind === "text", orderSequence: kind === "text" ? ["asc", "desc"] : ["desc", "asc"],
    data: (place, type) => {
      if (name === "videoTitle") {
        if (type === "display") return linkTo(place);
        return type === "filter" ? `${nameOf(place)} ${values.videoId[place]}` : nameOf(place).toLowerCase();
      }
      const value = values[name][place];
      return type === "display" ? document.createTextNode(shown(value, kind)) : value === null ? -1 : value;
    },
  });
  const worst = (title, text, number) => ({
    title, ariaTitle: title, type: "num", className: "number", searchable: false, orderSequence: ["desc", "asc"],
    data: (place, type) => {
      const found = worstOf(place);
      if (type === "display") return document.createTextNode(found ? text(found) : "–");
      return found ? number(found) : -1;
    },
  });
  const shownColumns = columns.filter(({ isShown }) => isShown).map(column);
  // Where viewers leave comes first: the last columns may be out of sight.
  shownColumns.splice(2, 0,
    worst("Most leave at", ({ span }) => span, ({ from }) => from),
    worst("Lost there", ({ share, low, high }) => withEnds(share, low, high), ({ share }) => share));
  return shownColumns;
}

/** The table of videos, with search, order and pages. */
function videosTable() {
  const count = DATA.cells.values.videoId.length, columns = videoColumns();
  const hours = columns.findIndex(({ title }) => title === "Watch hours");
  DATA.table = new DataTable("#videos-table", {
    data: Array.from({ length: count }, (_, place) => place),
    columns, order: [[hours, "desc"]], pageLength: 25, lengthMenu: [10, 25, 100], autoWidth: false, deferRender: true,
    language: { emptyTable: "No video was watched.", search: "Search titles and ids:" },
  });
  document.getElementById("download").addEventListener("click", () => download(csv()));
}

/** All columns of all videos as CSV. */
function csv() {
  const { columns, values, leaving } = DATA.cells;
  const head = [...columns.map(({ name }) => name), "mostLeaveAtSeconds", "lostThere", "lostThereLow", "lostThereHigh"];
  const lines = leaving.map((_, place) => {
    const worst = worstOf(place);
    const told = columns.map(({ name, kind }) => (kind === "day" ? new Date(values[name][place] * 1000).toISOString() : values[name][place]));
    return [...told, ...(worst ? [worst.from, worst.share, worst.low, worst.high] : ["", "", "", ""])];
  });
  return [head, ...lines].map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

/** A value as a cell of CSV; what a spreadsheet would compute has a quote before it. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(value) ? "'" + value : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hands a text over as a file. */
function download(text) {
  const address = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
  make("a", { href: address, download: "videos.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
