//! The engagement score: weighted features of a row, and the tier it falls into.

use crate::scoring::Scoring;

/// What a score is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Features {
    /// Share of the video watched at least once, if the duration is known.
    pub coverage: f64,
    /// 1 if completed and watched enough for that to be believed.
    pub completion: f64,
    /// Furthest position as a share of the duration.
    pub reach: f64,
    /// Rewatched seconds as a share of the duration.
    pub rewatch: f64,
    /// Minutes of watch time.
    pub watch_minutes: f64,
    /// How often it was completed.
    pub completions: f64,
    /// Sessions.
    pub sessions: f64,
    /// Skips, forward and backward.
    pub skips: f64,
}

/// How engaged a viewer was, by score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// From `Scoring.high`.
    High,
    /// From `Scoring.medium`.
    Medium,
    /// From `Scoring.low`.
    Low,
    /// Below that.
    Minimal,
}

impl Tier {
    /// The name that rows show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "High",
            Self::Medium => "Medium",
            Self::Low => "Low",
            Self::Minimal => "Minimal",
        }
    }
}

/// The sum of products of which none, nor the sum, is more than the largest number: absurd weights give no infinities,
/// and no difference of two.
#[cold]
fn bounded_sum(weighted: &[(f64, f64); 8]) -> f64 {
    let most = f64::MAX / 8.0;
    weighted.iter().map(|(weight, feature)| (weight * feature).clamp(-most, most)).sum()
}

/// Rounds to two decimals, halves up.
#[must_use]
pub fn round2(x: f64) -> f64 {
    floor(100.0 * x + 0.5) / 100.0
}

/// The same as the standard library's, which calls a function of the system where the processor may lack an instruction.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "checked before")]
fn floor(x: f64) -> f64 {
    /// From here on all numbers are whole.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if x.abs() < WHOLE {
        let whole = x as i64 as f64;
        if whole > x { whole - 1.0 } else { whole }
    } else {
        x
    }
}

impl Scoring {
    /// The rounded score of these features.
    #[must_use]
    pub fn score(&self, features: &Features) -> f64 {
        let weighted = [
            (self.coverage, features.coverage.clamp(0.0, 1.0)),
            (self.completion, features.completion.clamp(0.0, 1.0)),
            (self.reach, features.reach.clamp(0.0, 1.0)),
            (self.rewatch, features.rewatch.clamp(0.0, 1.0)),
            (self.watch_minutes, features.watch_minutes),
            (self.completions, features.completions),
            (self.sessions, features.sessions),
            (self.skips, features.skips),
        ];
        let sum = weighted.into_iter().fold(0.0, |sum, (weight, feature)| sum + weight * feature);
        let sum = if sum.is_finite() { sum } else { bounded_sum(&weighted) };
        let low = self.minimum.map_or(sum, |minimum| sum.max(minimum));
        round2(self.maximum.map_or(low, |maximum| low.min(maximum))).clamp(-f64::MAX, f64::MAX)
    }

    /// The tier of a rounded score.
    #[must_use]
    pub fn tier(&self, score: f64) -> Tier {
        if score >= self.high {
            Tier::High
        } else if score >= self.medium {
            Tier::Medium
        } else if score >= self.low {
            Tier::Low
        } else {
            Tier::Minimal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn floor_is_floor(x in proptest::prelude::any::<f64>(), y in -1e6f64..1e6) {
            for x in [x, y, y.round(), f64::from_bits(y.to_bits() ^ 1), x % 1e17] {
                // Nothing that is rounded is -0.
                proptest::prop_assert!(floor(x).to_bits() == x.floor().to_bits() || x == 0.0 || x.is_nan(), "{x}");
            }
        }
    }

    #[test]
    fn halves_round_up() {
        assert_eq!(round2(0.125), 0.13);
        assert_eq!(round2(-0.125), -0.12);
        assert_eq!(round2(43.333_333), 43.33);
    }

    #[test]
    fn weights_clamp_and_tiers() {
        let scoring = Scoring::default();
        let all =
            Features { coverage: 1.0, completion: 1.0, reach: 1.0, rewatch: 3.0, ..Features::default() };
        assert_eq!(scoring.score(&all), 100.0);
        assert_eq!(
            scoring.score(&Features {
                coverage: 0.4,
                reach: 0.4,
                rewatch: 10.0 / 300.0,
                ..Features::default()
            }),
            28.33
        );
        for (score, tier) in
            [(75.0, "High"), (74.99, "Medium"), (50.0, "Medium"), (25.0, "Low"), (24.99, "Minimal")]
        {
            assert_eq!(scoring.tier(score).name(), tier, "{score}");
        }
    }

    #[test]
    fn the_additive_preset_has_no_clamp() {
        let features = Features { watch_minutes: 2.0, skips: 10.0, sessions: 1.0, ..Features::default() };
        assert_eq!(Scoring::additive().score(&features), -13.0);
    }
}
