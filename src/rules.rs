//! The thresholds that decide what counts.

use crate::options::options;

options! {
    /// The thresholds of one computation. Seconds are seconds of content unless a line says wall clock.
    Rules called "Rules" {
        /// How far playback may be ahead of the clock before a segment is rejected, once for all segments that follow on
        /// each other: seconds.
        tolerance_seconds: f64 = 5.0, NotNegative, walk: true;
        /// The longest stretch that two neighbouring events may prove as watched: seconds.
        max_segment_seconds: f64 = 7200.0, NotNegative, walk: true;
        /// How fast a player that never states its speed can have been: seconds of content per wall-clock second. Up to
        /// 1 it is strict: such a player plays at normal speed.
        max_unstated_speed: f64 = 2.0, NotNegative, walk: true;
        /// A jump ahead counts as a skip if it is longer than this: seconds.
        forward_skip_seconds: f64 = 5.0, NotNegative, walk: true;
        /// A jump back counts as a skip if it is longer than this: seconds.
        backward_skip_seconds: f64 = 2.0, NotNegative, walk: true;
        /// Silence, over all videos of a user, that ends a session if it is longer than this: wall-clock seconds.
        /// None means that session ids are trusted as they are; where the column is missing, 1800.
        session_timeout_seconds: Option<f64> = None, PositiveOrUnset, walk: true;
        /// How much unobserved playback is assumed at most after an event whose stop was never seen: wall-clock
        /// seconds.
        open_segment_cap_seconds: f64 = 300.0, NotNegative, walk: true;
        /// The interval in which the player sends heartbeats: longer silence means that it stopped, so it bounds what is
        /// unobserved. None if it sends none: wall-clock seconds.
        heartbeat_seconds: Option<f64> = None, PositiveOrUnset, walk: true;
        /// The share of the video that must be reached for it to count as completed.
        completion_threshold: f64 = 0.95, Fraction, walk: false;
        /// How long before the end a video counts as completed, at most a fifth of its length, where that is earlier than
        /// `completion_threshold`: finished but for the credits. None leaves it to the threshold: seconds.
        completion_slack_seconds: Option<f64> = None, PositiveOrUnset, walk: false;
        /// Whether unobserved stretches count as watched.
        count_unobserved: bool = false, Switch, walk: false;
        /// Less total watch time than this sets the flag `very_short_watch`, unless it is enough of a short video:
        /// seconds.
        very_short_seconds: f64 = 10.0, NotNegative, walk: false;
        /// More total watch time than this many durations per session, or per completion if there are more, sets the flag
        /// `excessive_watch_time`.
        excessive_ratio: f64 = 1.2, NotNegative, walk: false;
        /// The unique watch percentage that a completion needs to be believed.
        sufficient_watch_percentage: f64 = 75.0, Percentage, walk: false;
        /// How far a position may exceed the duration before the flag `position_exceeds_duration` is set: seconds.
        position_slack_seconds: f64 = 5.0, NotNegative, walk: false;
        /// Whether a video without a known duration gets an estimate from how far anybody watched it.
        estimate_duration: bool = true, Switch, walk: false;
    }
}

impl Rules {
    /// The inactivity that cuts sessions when the session column is missing and no timeout is set: seconds.
    pub const DEFAULT_SESSION_TIMEOUT: f64 = 1800.0;

    /// How fast a player can have been that has not stated its speed: seconds of content per wall-clock second.
    #[must_use]
    pub const fn unstated_limit(&self) -> f64 {
        self.max_unstated_speed.max(1.0)
    }

    /// From which position on a video of `duration` seconds counts as completed: seconds.
    #[must_use]
    pub fn completion_mark(&self, duration: f64) -> f64 {
        let mark = self.completion_threshold * duration;
        self.completion_slack_seconds.map_or(mark, |slack| mark.min(duration - slack.min(duration / 5.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;
    use crate::options::OptionValue;

    #[test]
    fn every_default_is_accepted_and_reads_back() {
        let specs = Rules::specs();
        assert_eq!(specs.len(), 16);
        for spec in specs {
            let mut rules = Rules::default();
            rules.set(spec.name, spec.default).unwrap();
            assert_eq!(rules.get(spec.name), Some(spec.default), "{}", spec.name);
            assert_eq!(rules, Rules::default());
            assert!(!spec.doc.is_empty());
        }
    }

    #[test]
    fn a_bad_value_is_named() {
        let mut rules = Rules::default();
        let error = rules.set("completion_threshold", OptionValue::Number(1.5)).unwrap_err().to_string();
        assert_eq!(error, "Rules.completion_threshold is 1.5, but a number from 0 to 1 is needed.");
        assert!(rules.set("heartbeat_seconds", OptionValue::Number(0.0)).is_err());
        assert!(rules.set("tolerance_seconds", OptionValue::Number(f64::NAN)).is_err());
        assert!(
            rules
                .set("tolerance", OptionValue::Number(1.0))
                .unwrap_err()
                .to_string()
                .contains("tolerance_seconds")
        );
        assert_eq!(rules, Rules::default());
    }
}
