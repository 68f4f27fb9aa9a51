//! What a moment is, and how moments are told from chance.

use crate::error::{Error, Result};
use crate::retention::Buckets;

/// The fewest buckets of a video among which moments can be told.
const MIN_BUCKETS: usize = 20;
/// The most buckets that a video may have: more make moments no clearer, but each takes memory.
pub const MAX_BUCKETS: usize = 10_000;

/// What viewers do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// They pass over it.
    Dip,
    /// They leave.
    Drop,
    /// They got to the end.
    End,
    /// They got through the beginning.
    Intro,
    /// They watch it again.
    Spike,
    /// They stay.
    Steady,
}

impl Kind {
    /// Every kind, in the order of the names.
    pub const ALL: [Self; 6] = [Self::Dip, Self::Drop, Self::End, Self::Intro, Self::Spike, Self::Steady];

    /// The name that rows show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dip => "dip",
            Self::Drop => "drop",
            Self::End => "end",
            Self::Intro => "intro",
            Self::Spike => "spike",
            Self::Steady => "steady",
        }
    }
}

/// A stretch of a video at which many viewers do the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// What they do.
    pub kind: Kind,
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// How many do so: the share, and the ends of the interval for it.
    pub size: [f64; 3],
    /// The viewers of whom it is a share.
    pub viewers: i64,
    /// By how many standard errors it differs from what is beside it; none where nothing is compared, or all do the same.
    pub z: Option<f64>,
}

/// What counts as a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How a video is cut.
    pub buckets: Buckets,
    /// How certain all that is said of one video is.
    pub confidence: f64,
    /// Videos with fewer viewers have only an intro and an end.
    pub min_viewers: i64,
    /// The least share that a spike or dip has.
    pub min_share: f64,
    /// The most spikes, dips and drops of a video.
    pub max_each: usize,
}

impl Settings {
    /// These settings, if all are accepted.
    ///
    /// # Errors
    /// If one is not.
    pub fn checked(self) -> Result<Self> {
        let refused = |option: &str, value: String, accepted: String| {
            Err(Error::Option { option: option.to_owned(), value, accepted })
        };
        match self {
            Self { buckets: Buckets::Count(count), .. } if !(MIN_BUCKETS..=MAX_BUCKETS).contains(&count) => {
                let accepted = format!("a whole number from {MIN_BUCKETS} to {MAX_BUCKETS}");
                refused("buckets", count.to_string(), accepted)
            }
            Self { confidence, .. } if !(confidence > 0.5 && confidence < 1.0) => {
                refused("confidence", confidence.to_string(), "a number between 0.5 and 1".to_owned())
            }
            Self { min_share, .. } if !(0.0..=1.0).contains(&min_share) => {
                refused("min_share", min_share.to_string(), "a number from 0 to 1".to_owned())
            }
            settings => Ok(settings),
        }
    }

    /// Whether a video of that duration has no more than [`MAX_BUCKETS`].
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    pub fn fit(self, duration: f64) -> bool {
        match self.buckets {
            Buckets::Count(_) => true,
            Buckets::Seconds(seconds) => duration / seconds <= MAX_BUCKETS as f64,
        }
    }

    /// How likely all that is said of one video may be wrong.
    #[must_use]
    pub fn error(self) -> f64 {
        1.0 - self.confidence
    }
}
