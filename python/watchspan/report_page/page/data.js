"use strict";

/** The data of the page: blocks of JSON, and the curves, which are packed. */
const DATA = {};

/** The block of that name. */
function block(name) {
  return JSON.parse(document.getElementById("data-" + name).textContent);
}

/** Reads the blocks, and unpacks the curves. */
async function readData() {
  for (const name of ["cells", "page", "charts"]) DATA[name] = block(name);
  DATA.curves = seriesOf(await unpacked(block("curves")), DATA.cells.layout);
  DATA.moments = JSON.parse(new TextDecoder().decode(await unpacked(block("moments"))));
  DATA.momentsOf = grouped(DATA.moments.video);
}

/** The bytes that a block has packed. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** The series by name: thousandths of all videos, one after the other. */
function seriesOf(buffer, layout) {
  const view = new DataView(buffer);
  const values = new Int16Array(buffer.byteLength / 2);
  // Sums wrap around as the differences did.
  for (let i = 0, sum = 0; i < values.length; i++) values[i] = sum += view.getInt16(2 * i, true);
  const series = {};
  let start = 0;
  for (const [name, size] of layout.series) {
    series[name] = { size, values: values.subarray(start, (start += size * layout.videos)) };
  }
  return series;
}

/** Number of a video -> the places of its moments. */
function grouped(videos) {
  const found = new Map();
  videos.forEach((video, place) => {
    if (!found.has(video)) found.set(video, []);
    found.get(video).push(place);
  });
  return found;
}

/** The values of a series of one video; null where nobody knows. */
function curveOf(name, video) {
  const { size, values } = DATA.curves[name];
  return Array.from(values.subarray(video * size, (video + 1) * size), (value) => (value < 0 ? null : value / 1000));
}

const wholes = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A position in a video as people write it. */
function clock(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** A value as text, by the kind of its column. */
function shown(value, kind) {
  if (value === null || value === undefined) return "–";
  switch (kind) {
    case "share": return percents.format(value);
    case "number": return tenths.format(value);
    case "count": return wholes.format(value);
    case "clock": return clock(value);
    case "day": return new Date(value * 1000).toISOString().slice(0, 10);
    default: return visible(String(value));
  }
}

/** Text without what reverses or hides the text beside it. */
function visible(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, "\ufffd");
}

/** What a video is called. */
function nameOf(place) {
  const values = DATA.cells.values;
  return visible(values.videoTitle[place] ?? values.videoId[place]);
}

/** A share with its interval, in a cell of a table. */
function withEnds(share, low, high) {
  const whole = (value) => Math.round(100 * value);
  return `${whole(share)}% (${whole(low)}–${whole(high)}%)`;
}

/** A share with its interval. */
function withInterval(share, low, high) {
  return `${shown(share, "share")} (${shown(low, "share")} to ${shown(high, "share")})`;
}
