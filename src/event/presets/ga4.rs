//! Google Analytics 4, enhanced measurement.

use super::preset::{END, HEARTBEAT, IGNORE, PLAY, Preset};

pub(super) static PRESET: Preset = Preset {
    name: "ga4",
    title: "Google Analytics 4 (enhanced measurement)",
    source: "\
        Google Analytics help, Enhanced measurement events \
        (https://support.google.com/analytics/answer/9216061) and Automatically collected events \
        (https://support.google.com/analytics/answer/9234069).",
    notes: "\
        - `currentTime` is the parameter `video_current_time`, `videoId` is `video_url`, `sessionId` is \
        `ga_session_id`, `userId` is `user_pseudo_id`; `video_duration` is for the videos table.\n\
        - `video_progress` comes once each at 10, 25, 50 and 75 percent and serves as a heartbeat. The \
        gaps are long and grow with the video: leave `heartbeat_seconds` unset.\n\
        - Pauses and seeks are not sent. A pause between two milestones does not matter, a jump forward \
        makes a rejected segment, a jump back and what is watched again are not seen.\n\
        - Whoever leaves between two milestones leaves an open segment: what follows the last one is \
        unobserved, up to `open_segment_cap_seconds`. Read `unobservedWatchTime` with the watch time.\n\
        - Only embedded YouTube videos with the JavaScript API enabled are measured. Own tags (Tag \
        Manager's video trigger can report pauses and seeks) need their names added to the mapping.\n\
        - Ignored: what the same stream says about pages, clicks, forms and sessions. Such rows mostly \
        have no `videoId` and are then counted as null keys; better filter them out.",
    names: &[
        ("video_start", PLAY),
        ("video_complete", END),
        ("video_progress", HEARTBEAT),
        ("page_view", IGNORE),
        ("scroll", IGNORE),
        ("click", IGNORE),
        ("view_search_results", IGNORE),
        ("file_download", IGNORE),
        ("form_start", IGNORE),
        ("form_submit", IGNORE),
        ("first_visit", IGNORE),
        ("session_start", IGNORE),
        ("user_engagement", IGNORE),
    ],
};
