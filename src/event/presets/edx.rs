//! Video events in the tracking logs of Open edX.

use super::preset::{END, IGNORE, PAUSE, PLAY, Preset, RATE_CHANGE, SEEK};

pub(super) static PRESET: Preset = Preset {
    name: "edx",
    title: "Open edX tracking logs",
    source: "\
        EdX Research Guide, Video Interaction Events and Pre-Roll Video Interaction Events \
        (https://edx.readthedocs.io/projects/devdata/en/latest/), and the sources of edx-platform, \
        event-routing-backends and the edX mobile apps.",
    notes: "\
        - `eventName` is `event_type`, or for the mobile apps `name`; both sets of names are known. \
        `userId` is `context.user_id`, `videoId` is `id` inside `event`, `timestamp` is `time`, not \
        `context.received_at`.\n\
        - `currentTime` is `currentTime` or `current_time` inside `event`; for `seek_video` take \
        `new_time`, and put `old_time` into `seekFrom` (in logs before 25 June 2014 the two are equal: \
        leave `seekFrom` out).\n\
        - `playbackRate` is `new_speed` of `speed_change_video`.\n\
        - `session` is one browser session over many videos and is empty for the mobile apps: leave the \
        `sessionId` column out, or set `session_timeout_seconds`.\n\
        - There is no heartbeat and no closing event. If the last event is `play_video`, an open segment \
        remains.\n\
        - `stop_video` is the end. Browsers log `pause_video` right before it, so a finished play has \
        one pause more.\n\
        - `complete_video` is ignored: it marks the video as done for the course, not a position. \
        Ignored too: loading, transcripts, captions, menus, downloads, and the pre-roll \
        (`edx.video.bumper.*`), which is another video.",
    names: &[
        ("play_video", PLAY),
        ("edx.video.played", PLAY),
        ("pause_video", PAUSE),
        ("edx.video.paused", PAUSE),
        ("stop_video", END),
        ("edx.video.stopped", END),
        ("seek_video", SEEK),
        ("edx.video.position.changed", SEEK),
        ("edx.video.seeked", SEEK),
        ("speed_change_video", RATE_CHANGE),
        ("edx.bi.video.speed.changed", RATE_CHANGE),
        ("load_video", IGNORE),
        ("edx.video.loaded", IGNORE),
        ("complete_video", IGNORE),
        ("edx.video.completed", IGNORE),
        ("show_transcript", IGNORE),
        ("edx.video.transcript.shown", IGNORE),
        ("hide_transcript", IGNORE),
        ("edx.video.transcript.hidden", IGNORE),
        ("edx.video.closed_captions.shown", IGNORE),
        ("edx.video.closed_captions.hidden", IGNORE),
        ("video_show_cc_menu", IGNORE),
        ("edx.video.language_menu.shown", IGNORE),
        ("video_hide_cc_menu", IGNORE),
        ("edx.video.language_menu.hidden", IGNORE),
        ("auto_advance_change_video", IGNORE),
        ("skip_video", IGNORE),
        ("do_not_show_again_video", IGNORE),
        ("edx.video.bumper.loaded", IGNORE),
        ("edx.video.bumper.played", IGNORE),
        ("edx.video.bumper.stopped", IGNORE),
        ("edx.video.bumper.skipped", IGNORE),
        ("edx.video.bumper.dismissed", IGNORE),
        ("edx.video.bumper.transcript.shown", IGNORE),
        ("edx.video.bumper.transcript.hidden", IGNORE),
        ("edx.video.bumper.transcript.menu.shown", IGNORE),
        ("edx.video.bumper.transcript.menu.hidden", IGNORE),
        ("edx.bi.video.screen.fullscreen.toggled", IGNORE),
        ("edx.bi.video.transcript.language.selected", IGNORE),
        ("edx.bi.video.download.requested", IGNORE),
        ("edx.bi.video.section.bulkdownload.requested", IGNORE),
        ("edx.bi.video.subsection.bulkdownload.requested", IGNORE),
        ("edx.bi.video.downloaded", IGNORE),
    ],
};
