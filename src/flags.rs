//! What may be wrong with an engagement row, or with the data behind it.

/// One reason to look at a row twice. The order of the variants is the order in which rows list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Flag {
    /// The duration is not known.
    MissingDuration,
    /// The duration is an estimate.
    EstimatedDuration,
    /// More watch time than sessions of this length explain.
    ExcessiveWatchTime,
    /// Completed, but too little of the video was watched.
    CompletedWithoutSufficientWatch,
    /// A position lies beyond the known duration.
    PositionExceedsDuration,
    /// Positions that do not fit together as playback.
    ImplausibleSegments,
    /// An end event long before the end.
    EndedBeforeDuration,
    /// Hardly watched.
    VeryShortWatch,
}

impl Flag {
    /// Every flag, in the order in which rows list them.
    pub const ALL: [Self; 8] = [
        Self::MissingDuration,
        Self::EstimatedDuration,
        Self::ExcessiveWatchTime,
        Self::CompletedWithoutSufficientWatch,
        Self::PositionExceedsDuration,
        Self::ImplausibleSegments,
        Self::EndedBeforeDuration,
        Self::VeryShortWatch,
    ];

    /// What `dataQualityFlag` says when no flag applies.
    pub const NONE: &'static str = "ok";

    /// The name that rows show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingDuration => "missing_duration",
            Self::EstimatedDuration => "estimated_duration",
            Self::ExcessiveWatchTime => "excessive_watch_time",
            Self::CompletedWithoutSufficientWatch => "completed_without_sufficient_watch",
            Self::PositionExceedsDuration => "position_exceeds_duration",
            Self::ImplausibleSegments => "implausible_segments",
            Self::EndedBeforeDuration => "ended_before_duration",
            Self::VeryShortWatch => "very_short_watch",
        }
    }

    /// When it applies.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::MissingDuration => "The duration is not known, so percentages and the score are null.",
            Self::EstimatedDuration => {
                "The duration is a guess from how far anybody watched, so percentages and the score are guesses too."
            }
            Self::ExcessiveWatchTime => {
                "`totalWatchTime` > `excessive_ratio` × `videoDuration` × `sessionCount`."
            }
            Self::CompletedWithoutSufficientWatch => {
                "Completed at least once, but `uniqueWatchPercentage` < `sufficient_watch_percentage`."
            }
            Self::PositionExceedsDuration => {
                "A reported position lies more than `position_slack_seconds` beyond the duration from the videos table."
            }
            Self::ImplausibleSegments => {
                "At least one pair of neighbouring positions does not fit together as playback (`rejectedSegmentCount` > 0)."
            }
            Self::EndedBeforeDuration => {
                "An end event fired before `completion_threshold` × `videoDuration`: the duration may be wrong."
            }
            Self::VeryShortWatch => "`totalWatchTime` < `very_short_seconds`.",
        }
    }
}

/// A set of flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlagSet(u8);

impl FlagSet {
    /// Adds the flag if the condition holds.
    pub fn set_if(&mut self, flag: Flag, condition: bool) {
        self.0 |= u8::from(condition) << flag as u8;
    }

    /// The flags, in their order.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // The lowest bit that is set, of which there is none in 0.
            let flag = Flag::ALL.get(rest.trailing_zeros() as usize).copied();
            rest &= rest.wrapping_sub(1);
            flag
        })
    }

    /// The name of the first flag, or `ok`.
    #[must_use]
    pub fn first_name(self) -> &'static str {
        self.iter().next().map_or(Flag::NONE, Flag::name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Flag, FlagSet};

    #[test]
    fn a_set_lists_its_flags_in_order() {
        let mut set = FlagSet::default();
        assert_eq!(set.first_name(), "ok");
        set.set_if(Flag::VeryShortWatch, true);
        set.set_if(Flag::MissingDuration, true);
        set.set_if(Flag::ExcessiveWatchTime, false);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Flag::MissingDuration, Flag::VeryShortWatch]);
        assert_eq!(set.first_name(), "missing_duration");
    }

    #[test]
    fn the_list_is_complete_and_in_order() {
        assert!(Flag::ALL.iter().enumerate().all(|(index, &flag)| flag as usize == index));
    }
}
