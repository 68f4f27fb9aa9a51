//! Segment's video specification.

use super::preset::{CLOSE, END, HEARTBEAT, IGNORE, PAUSE, PLAY, Preset, RESUME, SEEK, SEEK_START};

pub(super) static PRESET: Preset = Preset {
    name: "segment",
    title: "Segment video spec",
    source: "\
        Segment Video Spec (https://www.twilio.com/docs/segment/connections/spec/video; RudderStack's \
        video events carry the same names).",
    notes: "\
        - `currentTime` is `position`, `sessionId` is `session_id`. `videoId` is `asset_id` in content \
        events and `content_asset_id` in playback events; in `Video Playback Started` it is a list, of \
        which you must choose the one that plays.\n\
        - `position` in playback events includes the adverts seen so far, in content events it does not. \
        With adverts, subtract them from the playback events first, or their positions disagree.\n\
        - `Video Content Playing` is the heartbeat, by convention every 10 seconds: set \
        `heartbeat_seconds` to 11.\n\
        - `Video Playback Seek Started` holds the position before the jump, `Video Playback Seek \
        Completed` the destination. `seekFrom` is not needed.\n\
        - Both `Video Playback Started` and `Video Content Started` are starts. If an advert runs \
        between them, map the first to `ignore`, or it counts as an open segment.\n\
        - `Video Content Completed` is the end. A tracker that sends it for every part between adverts \
        adds end positions inside the video. `Video Playback Completed` comes after it and only closes.\n\
        - Ignored: adverts, buffering, quality. The spec has no event for the playback speed; add a \
        `playbackRate` column if viewers can change it.",
    names: &[
        ("Video Playback Started", PLAY),
        ("Video Content Started", PLAY),
        ("Video Playback Resumed", RESUME),
        ("Video Playback Paused", PAUSE),
        ("Video Content Completed", END),
        ("Video Playback Seek Completed", SEEK),
        ("Video Playback Seek Started", SEEK_START),
        ("Video Content Playing", HEARTBEAT),
        ("Video Playback Completed", CLOSE),
        ("Video Playback Exited", CLOSE),
        ("Video Playback Interrupted", CLOSE),
        ("Video Playback Buffer Started", IGNORE),
        ("Video Playback Buffer Completed", IGNORE),
        ("Video Ad Started", IGNORE),
        ("Video Ad Playing", IGNORE),
        ("Video Ad Completed", IGNORE),
        ("Video Quality Updated", IGNORE),
    ],
};
