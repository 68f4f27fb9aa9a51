//! Snowplow media tracking, both generations.

use super::preset::{END, HEARTBEAT, IGNORE, PAUSE, PLAY, Preset, RATE_CHANGE, SEEK, SEEK_START};

pub(super) static PRESET: Preset = Preset {
    name: "snowplow",
    title: "Snowplow media tracking (v1 and v2)",
    source: "\
        Snowplow documentation, Media playback events \
        (https://docs.snowplow.io/docs/events/ootb-data/media-events/), and the plugins \
        browser-plugin-media, browser-plugin-media-tracking and browser-plugin-youtube-tracking of the \
        JavaScript tracker, versions 3 and 4 (https://github.com/snowplow/snowplow-javascript-tracker).",
    notes: "\
        - `eventName`: for version 2 the schema's name (`play_event`, `ping_event`) or the short one \
        (`play`, `ping`), for version 1 the `type` of `media_player_event`. The two can be mixed.\n\
        - `currentTime` and `playbackRate` are those of the `media_player` entity. `sessionId` is \
        `mediaSessionId` of the `session` entity, for version 1 `domain_sessionid` with the page view. \
        `timestamp` is `derived_tstamp`.\n\
        - Pings come every 30 seconds unless configured otherwise: set `heartbeat_seconds` a little \
        above. Leave out pings whose `media_player.paused` is true: one sent before the first play would \
        look like a start.\n\
        - The HTML5 plugins send the end of a seek but not its start, so what played since the last \
        event before it is unobserved, unless `seekFrom` is filled in. A `seek_start_event` must hold \
        the position before the jump.\n\
        - Version 1 knows percent milestones instead of pings: a seek between two of them shows as a \
        rejected segment if `seeked` (YouTube: `seek`) is not tracked.\n\
        - Ignored: readiness, buffering, volume, screen, quality, errors, and all adverts. While a \
        linear advert runs, pings repeat the content's position, which does no harm.\n\
        - Nothing tells that the player was closed; the last stretch stays open unless `pause` or `end` \
        comes.",
    names: &[
        ("play", PLAY),
        ("play_event", PLAY),
        ("pause", PAUSE),
        ("pause_event", PAUSE),
        ("ended", END),
        ("end", END),
        ("end_event", END),
        ("seeking", SEEK),
        ("seeked", SEEK),
        ("seek", SEEK),
        ("seek_end", SEEK),
        ("seek_end_event", SEEK),
        ("seek_start", SEEK_START),
        ("seek_start_event", SEEK_START),
        ("timeupdate", HEARTBEAT),
        ("playing", HEARTBEAT),
        ("percentprogress", HEARTBEAT),
        ("ping", HEARTBEAT),
        ("ping_event", HEARTBEAT),
        ("percent_progress", HEARTBEAT),
        ("percent_progress_event", HEARTBEAT),
        ("ratechange", RATE_CHANGE),
        ("playbackratechange", RATE_CHANGE),
        ("playback_rate_change", RATE_CHANGE),
        ("playback_rate_change_event", RATE_CHANGE),
        ("ready", IGNORE),
        ("volume_change", IGNORE),
        ("fullscreen_change", IGNORE),
        ("picture_in_picture_change", IGNORE),
        ("buffer_start", IGNORE),
        ("buffer_end", IGNORE),
        ("quality_change", IGNORE),
        ("error", IGNORE),
        ("ad_break_start", IGNORE),
        ("ad_break_end", IGNORE),
        ("ad_start", IGNORE),
        ("ad_quartile", IGNORE),
        ("ad_complete", IGNORE),
        ("ad_skip", IGNORE),
        ("ad_click", IGNORE),
        ("ad_pause", IGNORE),
        ("ad_resume", IGNORE),
        ("ad_first_quartile", IGNORE),
        ("ad_midpoint", IGNORE),
        ("ad_third_quartile", IGNORE),
        ("ready_event", IGNORE),
        ("volume_change_event", IGNORE),
        ("fullscreen_change_event", IGNORE),
        ("picture_in_picture_change_event", IGNORE),
        ("buffer_start_event", IGNORE),
        ("buffer_end_event", IGNORE),
        ("quality_change_event", IGNORE),
        ("error_event", IGNORE),
        ("ad_break_start_event", IGNORE),
        ("ad_break_end_event", IGNORE),
        ("ad_start_event", IGNORE),
        ("ad_quartile_event", IGNORE),
        ("ad_complete_event", IGNORE),
        ("ad_skip_event", IGNORE),
        ("ad_click_event", IGNORE),
        ("ad_pause_event", IGNORE),
        ("ad_resume_event", IGNORE),
        ("abort", IGNORE),
        ("canplay", IGNORE),
        ("canplaythrough", IGNORE),
        ("durationchange", IGNORE),
        ("emptied", IGNORE),
        ("loadeddata", IGNORE),
        ("loadedmetadata", IGNORE),
        ("loadstart", IGNORE),
        ("progress", IGNORE),
        ("resize", IGNORE),
        ("stalled", IGNORE),
        ("suspend", IGNORE),
        ("volumechange", IGNORE),
        ("waiting", IGNORE),
        ("enterpictureinpicture", IGNORE),
        ("leavepictureinpicture", IGNORE),
        ("fullscreenchange", IGNORE),
        ("change", IGNORE),
        ("apichange", IGNORE),
        ("buffering", IGNORE),
        ("cued", IGNORE),
        ("playbackqualitychange", IGNORE),
        ("unstarted", IGNORE),
    ],
};
