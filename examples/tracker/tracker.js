// Tells a server what a viewer does with an HTML5 <video> or <audio>: one JSON object a line, as the preset `html5` of
// watchspan reads them. MIT License, as watchspan.
//
//   import { track } from "./tracker.js";
//   const stop = track(document.querySelector("video"), { url: "/events", userId: "ann", videoId: "lesson-5" });

// What waits for a server that does not answer, and what goes into one request: browsers let a page that is being
// closed send 64 kB.
const MOST_WAITING = 1000;
const MOST_AT_ONCE = 100;
// Dragging the bar of positions is one seek, not one for each step.
const SEEK_SETTLES_MS = 500;

/**
 * Returns a function that ends the viewing: call it before the element gets another video.
 *
 * `url` takes the lines by POST, as text/plain. `userId` and `videoId` are the page's: use ids that stay the same and
 * say no more of a person than they must.
 */
export function track(video, { url, userId, videoId, heartbeatSeconds = 10, batchSeconds = 5 }) {
  const sessionId = crypto.randomUUID(); // browsers have it on https and on localhost
  const listeners = new AbortController();
  let lines = [];
  let started = false; // before the first play and after the close nothing is watched, so nothing is told
  let position = video.currentTime; // where it was when it last said so: what a seek starts from
  let told = 0; // when the last line was made
  let seek = null; // one that has begun and is not told yet
  let settling;

  const now = () => ({
    timestamp: new Date().toISOString(),
    userId,
    videoId,
    sessionId,
    currentTime: video.currentTime,
    playbackRate: video.playbackRate,
    duration: video.duration, // JSON has null for what is not known yet
  });

  function add(type, record) {
    if (!started) return;
    lines.push(JSON.stringify({ type, ...record }) + "\n");
    told = performance.now();
  }

  function tellSeek() {
    clearTimeout(settling);
    if (seek) add("seeking", seek);
    seek = null;
  }

  function tell(type) {
    tellSeek(); // what happened first comes first
    add(type, now());
  }

  function keep(unsent) {
    lines = [...unsent, ...lines].slice(-MOST_WAITING);
  }

  // Lines that arrive twice are counted once, so whatever may not have arrived is sent again.
  function send({ leaving = false } = {}) {
    const batches = [];
    while (lines.length) batches.push(lines.splice(0, MOST_AT_ONCE));
    for (const batch of batches) {
      const body = batch.join("");
      if (leaving) {
        // The page may be gone before a request is under way; the browser delivers a beacon without it.
        if (!navigator.sendBeacon(url, body)) keep(batch);
      } else {
        fetch(url, { method: "POST", body, keepalive: true })
          .then((answer) => answer.ok || keep(batch))
          .catch(() => keep(batch));
      }
    }
  }

  function begin() {
    if (video.paused) return;
    started = true;
    tell("play");
  }

  function close() {
    tell("pagehide");
    started = false;
    send({ leaving: true });
  }

  const on = (target, name, react) => target.addEventListener(name, react, { signal: listeners.signal });

  on(video, "play", begin);
  for (const name of ["pause", "ended", "ratechange"]) on(video, name, () => tell(name));
  on(video, "seeking", () => {
    // The element has moved already: where it came from is known from before.
    seek = { ...now(), seekFrom: seek ? seek.seekFrom : position };
    clearTimeout(settling);
    settling = setTimeout(tellSeek, SEEK_SETTLES_MS);
  });
  on(video, "timeupdate", () => {
    if (video.seeking) return;
    position = video.currentTime;
    const quiet = performance.now() - told >= heartbeatSeconds * 1000;
    if (quiet && !video.paused) tell("timeupdate");
  });
  on(document, "visibilitychange", () => {
    // On a phone this may be the last that is heard of the page.
    if (document.visibilityState !== "hidden") return;
    if (!video.paused) tell("timeupdate");
    send({ leaving: true });
  });
  on(window, "pagehide", close);
  on(window, "pageshow", (event) => event.persisted && begin()); // back to a page that was kept as it was
  const sending = setInterval(send, batchSeconds * 1000);
  begin(); // where it plays already

  return function stop() {
    close();
    clearInterval(sending);
    listeners.abort();
  };
}
