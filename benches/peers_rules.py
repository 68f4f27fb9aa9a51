"""What the queries of the other engines have in common: the meaning of names, and the default thresholds.

They are written out here, not asked of watchspan, so that the queries stand on their own.
"""

from __future__ import annotations

# The kinds in the order in which events of the same moment count.
HEARTBEAT, SEEK_START, PAUSE, CLOSE, END, SEEK, RATE_CHANGE, PLAY, RESUME = range(9)
NAMES = {
    HEARTBEAT: ("video_heartbeat", "video_progress", "video_ping", "heartbeat", "progress", "ping"),
    SEEK_START: ("video_seek_start", "seek_start"),
    PAUSE: ("video_pause", "pause"),
    CLOSE: ("video_close", "video_stop", "close", "stop"),
    END: ("video_ended", "video_end", "ended", "end"),
    SEEK: ("video_seek", "video_seeked", "seek", "seeked"),
    RATE_CHANGE: ("video_rate_change", "rate_change"),
    PLAY: ("video_play", "play"),
    RESUME: ("video_resume", "resume"),
}
KINDS = {name: kind for kind, names in NAMES.items() for name in names}

TOLERANCE, LONGEST, CAP, FORWARD, BACKWARD = 5.0, 7200.0, 300.0, 5.0, -2.0
# How fast a player can have been that does not say its speed, and how near positions are the same.
FASTEST, NEAR = 2.0, 1.0
COMPLETE, SUFFICIENT, EXCESSIVE, SLACK, SHORT = 0.95, 75.0, 1.2, 5.0, 10.0
# The least score of each tier but the last.
HIGH, MEDIUM, LOW = 75, 50, 25

# The order of the columns in the table.
COLUMNS = (
    *("userId", "videoId", "videoTitle", "videoDuration", "durationSource", "totalWatchTime"),
    *("totalUniqueSecondsWatched", "maxPositionReached", "watchPercentage", "completionPercentage"),
    *("uniqueWatchPercentage", "sessionCount", "avgWatchTimePerSession", "avgSessionDuration"),
    *("avgPausesPerSession", "totalForwardSkips", "totalBackwardSkips", "completionCount"),
    *("isCompletedAtLeastOnce", "engagementScore", "engagementTier", "firstWatchDate", "lastWatchDate"),
    *("isReplay", "rewatchedSeconds", "totalPlayTime", "unobservedWatchTime", "openSegmentCount"),
    *("rejectedSegmentCount", "eventCount", "watchedIntervals", "replayedIntervals"),
    *("dataQualityFlags", "dataQualityFlag"),
)

# Of the queries in all engines.
LEFT_OUT = """\
* `playbackRate`, `seekFrom`, `sequence` and `videoDuration` are not read: the benchmark's events do not have
  them. So no speed is stated, what was watched before a seek is unknown, and no player says how long a video
  is.
* How far content is ahead of the clock is judged for each segment alone: what earlier ones were ahead is
  forgotten. In the benchmark's events nothing is judged otherwise for that.
* A start that still reports the position before a seek (a stale start) is not recognised.
* A heartbeat of a paused player counts as playing, and a change of speed without a position is dropped: the
  benchmark's events have neither.
* A `seek_start` does not tell the position of a paused player where that is unknown.
* What may have been watched at most (`unobservedWatchTime`) is bounded by the next event on the same video,
  not by that on any video, and so may be more.
* Two different rows for one video are not refused, and no rows are counted by the reason why they were
  dropped.
* Text timestamps, other key types and session timeouts are not provided for.
"""

# The section of pages on all of them.
LEFT_OUT_SECTION = f"""\
## What the queries leave out

All have every column of the table and follow [metrics.md](metrics.md) with the default rules, except for
these, which leave them less to do than watchspan does.

{LEFT_OUT}* The rows come in no particular order; watchspan's are ordered by user and video.
"""
