//! Verbs of the xAPI video profile.

use super::preset::{CLOSE, IGNORE, PAUSE, PLAY, Preset, RATE_CHANGE, SEEK};

pub(super) static PRESET: Preset = Preset {
    name: "xapi",
    title: "xAPI video profile",
    source: "\
        xAPI Video Profile 1.0 (https://liveaspankaj.gitbooks.io/xapi-video-profile/) and its \
        machine-readable form at https://w3id.org/xapi/video, which names the two older verbs as exact \
        matches.",
    notes: "\
        - `eventName` is the verb's `id` or its short name. `sessionId` is the context extension \
        `session-id`, `videoId` is `object.id`; the context extension `length` belongs into the videos \
        table.\n\
        - `currentTime` is the result extension `time`; for `seeked` take `time-to`, and put `time-from` \
        into `seekFrom`.\n\
        - `playbackRate`: the context extension `speed` without its `x` (`1.5x` is 1.5).\n\
        - `interacted` is a rate change: it carries the position, and a changed speed is told only this \
        way. Other interactions (volume, size) leave the speed as it was; those without `time` are \
        counted as invalid positions.\n\
        - `completed` is ignored: it says that every part has been seen, wherever the playhead is then. \
        So completion needs the video's duration. `terminated` closes the session and is not an end \
        either.\n\
        - The profile has no heartbeat. If the last statement is `played`, an open segment remains.\n\
        - `initialized` is ignored: nothing plays yet, and it has no position.",
    names: &[
        ("https://w3id.org/xapi/video/verbs/played", PLAY),
        ("played", PLAY),
        ("http://activitystrea.ms/schema/1.0/play", PLAY),
        ("https://w3id.org/xapi/video/verbs/paused", PAUSE),
        ("paused", PAUSE),
        ("http://id.tincanapi.com/verb/paused", PAUSE),
        ("https://w3id.org/xapi/video/verbs/seeked", SEEK),
        ("seeked", SEEK),
        ("http://adlnet.gov/expapi/verbs/terminated", CLOSE),
        ("terminated", CLOSE),
        ("http://adlnet.gov/expapi/verbs/interacted", RATE_CHANGE),
        ("interacted", RATE_CHANGE),
        ("http://adlnet.gov/expapi/verbs/initialized", IGNORE),
        ("initialized", IGNORE),
        ("http://adlnet.gov/expapi/verbs/completed", IGNORE),
        ("completed", IGNORE),
    ],
};
