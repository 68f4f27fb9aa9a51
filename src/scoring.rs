//! The weights and tiers that turn an engagement row into a score.

use crate::error::Result;
use crate::options::{Accepts, OptionValue, options};

options! {
    /// Weights of the score's features, the clamp, and the scores from which tiers begin.
    Scoring called "Scoring" {
        /// Weight of the share of the video that was watched at least once (0 to 1).
        coverage: f64 = 60.0, Finite, walk: false;
        /// Weight of having completed the video and watched enough of it for that to be believed (0 or 1).
        completion: f64 = 20.0, Finite, walk: false;
        /// Weight of the furthest position as a share of the duration (0 to 1).
        reach: f64 = 10.0, Finite, walk: false;
        /// Weight of the rewatched seconds as a share of the duration (0 to 1).
        rewatch: f64 = 10.0, Finite, walk: false;
        /// Weight of each minute of watch time.
        watch_minutes: f64 = 0.0, Finite, walk: false;
        /// Weight of each completion.
        completions: f64 = 0.0, Finite, walk: false;
        /// Weight of each session.
        sessions: f64 = 0.0, Finite, walk: false;
        /// Weight of each skip, forward or backward.
        skips: f64 = 0.0, Finite, walk: false;
        /// The least score; None lets it fall without end.
        minimum: Option<f64> = Some(0.0), FiniteOrUnset, walk: false;
        /// The greatest score; None lets it grow without end.
        maximum: Option<f64> = Some(100.0), FiniteOrUnset, walk: false;
        /// The score from which the tier is High.
        high: f64 = 75.0, Finite, walk: false;
        /// The score from which the tier is Medium.
        medium: f64 = 50.0, Finite, walk: false;
        /// The score from which the tier is Low; below it is Minimal.
        low: f64 = 25.0, Finite, walk: false;
    }
}

impl Scoring {
    /// The preset that adds up what happened, without a duration: minutes, completions, sessions, less skips.
    #[must_use]
    pub fn additive() -> Self {
        Self {
            coverage: 0.0,
            completion: 0.0,
            reach: 0.0,
            rewatch: 0.0,
            watch_minutes: 1.0,
            completions: 50.0,
            sessions: 5.0,
            skips: -2.0,
            minimum: None,
            maximum: None,
            high: 100.0,
            medium: 50.0,
            low: 10.0,
        }
    }

    /// Whether the score cannot be had without a duration.
    #[must_use]
    pub fn needs_duration(&self) -> bool {
        [self.coverage, self.completion, self.reach, self.rewatch].iter().any(|&weight| weight != 0.0)
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// If the minimum exceeds the maximum, or the tiers are not in descending order.
    pub fn check(&self) -> Result<()> {
        if let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum) {
            Self::at_most("minimum", minimum, maximum, "maximum")?;
        }
        Self::at_most("medium", self.medium, self.high, "high")?;
        Self::at_most("low", self.low, self.medium, "medium")
    }

    fn at_most(option: &str, value: f64, limit: f64, limit_name: &str) -> Result<()> {
        if value <= limit {
            return Accepts::Finite.check(option, OptionValue::Number(value));
        }
        Err(crate::error::Error::Option {
            option: format!("Scoring.{option}"),
            value: value.to_string(),
            accepted: format!("a number not above Scoring.{limit_name} ({limit})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Scoring;

    #[test]
    fn the_presets_are_valid() {
        Scoring::default().check().unwrap();
        Scoring::additive().check().unwrap();
        assert!(Scoring::default().needs_duration());
        assert!(!Scoring::additive().needs_duration());
    }

    #[test]
    fn contradictions_are_named() {
        let error = Scoring { medium: 80.0, ..Scoring::default() }.check().unwrap_err().to_string();
        assert_eq!(error, "Scoring.medium is 80, but a number not above Scoring.high (75) is needed.");
        assert!(Scoring { minimum: Some(101.0), ..Scoring::default() }.check().is_err());
    }
}
