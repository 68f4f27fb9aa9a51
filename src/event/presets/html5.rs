//! Events of a plain `<video>` or `<audio>` element.

use super::preset::{END, HEARTBEAT, IGNORE, PAUSE, PLAY, Preset, RATE_CHANGE, SEEK};

pub(super) static PRESET: Preset = Preset {
    name: "html5",
    title: "HTML5 media element (`<video>`, `<audio>`)",
    source: "\
        HTML Living Standard, section Media elements \
        (https://html.spec.whatwg.org/multipage/media.html), as listed by MDN for HTMLMediaElement and \
        HTMLVideoElement (https://developer.mozilla.org/en-US/docs/Web/API/HTMLMediaElement#events).",
    notes: "\
        - `currentTime` is `video.currentTime` and `playbackRate` is `video.playbackRate`, both read in \
        the event handler. The element knows no session: create a `sessionId` per page view.\n\
        - `seeking` and `seeked` are both a seek: the element has already moved when `seeking` fires, so \
        either one carries the destination. If you thin out `timeupdate`, log `seeking` only: a slow \
        pair looks like two seeks.\n\
        - `seekFrom`: put the last `currentTime` seen before the jump into the first event of a seek \
        only. Without it, what played since the last `timeupdate` counts as unobserved.\n\
        - `timeupdate` is the heartbeat, about four a second. Keeping one every 5 or 10 seconds is \
        enough; then set `heartbeat_seconds` a little above that interval.\n\
        - `playing` is a heartbeat, not a start: it follows every `play`, stall and seek, and a second \
        start would look like a missed stop. If you log `playing` but not `play`, map it to `play`.\n\
        - Ignored: loading, buffering (`waiting`, `stalled`: the position just stands still), volume, \
        size and full screen. The element's `progress` is about downloading, unlike the default \
        vocabulary's.\n\
        - Browsers fire `pause` right before `ended`, so a finished play has one pause more; playing \
        again after the end starts with a seek to 0, which is a backward skip. A looping video sends no \
        `ended`.\n\
        - There is no closing event. Send one on `pagehide` under a name of your own and map it to \
        `close`, otherwise the last stretch stays open.",
    names: &[
        ("play", PLAY),
        ("pause", PAUSE),
        ("ended", END),
        ("seeking", SEEK),
        ("seeked", SEEK),
        ("timeupdate", HEARTBEAT),
        ("playing", HEARTBEAT),
        ("ratechange", RATE_CHANGE),
        ("abort", IGNORE),
        ("canplay", IGNORE),
        ("canplaythrough", IGNORE),
        ("durationchange", IGNORE),
        ("emptied", IGNORE),
        ("encrypted", IGNORE),
        ("error", IGNORE),
        ("loadeddata", IGNORE),
        ("loadedmetadata", IGNORE),
        ("loadstart", IGNORE),
        ("progress", IGNORE),
        ("resize", IGNORE),
        ("stalled", IGNORE),
        ("suspend", IGNORE),
        ("volumechange", IGNORE),
        ("waiting", IGNORE),
        ("waitingforkey", IGNORE),
        ("enterpictureinpicture", IGNORE),
        ("leavepictureinpicture", IGNORE),
        ("fullscreenchange", IGNORE),
        ("fullscreenerror", IGNORE),
    ],
};
