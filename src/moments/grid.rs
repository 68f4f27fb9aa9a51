//! A video cut into buckets, and each bucket into a thousand units: positions as whole numbers, so that sums are exact.

use crate::error::Result;
use crate::intervals::{Interval, IntervalSet};
use crate::retention::Buckets;

/// How many units a bucket has.
pub(super) const UNITS: usize = 1000;
/// How often one viewer's plays of a bucket count at most: who loops it all night must not outweigh everybody else.
const MOST_PLAYS: i64 = 100;

/// The buckets of one video.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Where buckets begin, and the last one ends: from 0 to the duration, in seconds.
    edges: Vec<f64>,
}

impl Grid {
    /// The grid of a video of that duration, which is finite and above 0.
    ///
    /// # Errors
    /// If the video would have too many buckets.
    pub fn new(duration: f64, buckets: Buckets) -> Result<Self> {
        Ok(Self { edges: buckets.edges(duration)? })
    }

    /// How many buckets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Whether there is no bucket, which never happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where each bucket begins, and the last one ends, in seconds.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The duration of the video, in seconds.
    #[must_use]
    pub fn duration(&self) -> f64 {
        self.edges[self.len()]
    }

    /// The bucket in which a position lies; past the end it is the number of buckets.
    #[must_use]
    pub fn bucket(&self, seconds: f64) -> usize {
        self.edges[1..].partition_point(|&edge| edge <= seconds)
    }

    /// The unit that is nearest to a position, at most the end.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a bucket, from 0 to 1"
    )]
    fn unit(&self, seconds: f64) -> usize {
        let bucket = self.bucket(seconds);
        let whole = bucket * UNITS;
        let (Some(start), Some(end)) = (self.edges.get(bucket), self.edges.get(bucket + 1)) else {
            return whole;
        };
        whole + ((seconds - start) / (end - start) * UNITS as f64).round() as usize
    }
}

/// What one viewer did in each bucket, in units; its memory serves one viewer after the other.
#[derive(Debug, Default)]
pub(super) struct Viewer {
    /// What was not watched although something later was.
    pub(super) skipped: Vec<i64>,
    /// How often it was played.
    pub(super) plays: Vec<i64>,
}

impl Viewer {
    /// Sees a viewer of a video of `grid` who `watched` so much, and played each of `plays`.
    pub(super) fn see(
        &mut self,
        grid: &Grid,
        watched: &IntervalSet,
        plays: impl IntoIterator<Item = Interval>,
    ) {
        for values in [&mut self.skipped, &mut self.plays] {
            values.clear();
            values.resize(grid.len(), 0);
        }
        let mut end = 0;
        for interval in watched.as_slice() {
            let start = grid.unit(interval.start);
            add(&mut self.skipped, end, start);
            end = grid.unit(interval.end);
        }
        for interval in plays {
            add(&mut self.plays, grid.unit(interval.start), grid.unit(interval.end));
        }
        let most = MOST_PLAYS * whole(UNITS);
        self.plays.iter_mut().for_each(|plays| *plays = most.min(*plays));
    }
}

/// Units as a number to add.
fn whole(units: usize) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

/// Adds to each bucket how many of the units from `start` up to `end` lie in it.
fn add(buckets: &mut [i64], start: usize, end: usize) {
    if start >= end {
        return;
    }
    let (first, last) = (start / UNITS, (end - 1) / UNITS);
    for (bucket, value) in buckets.iter_mut().enumerate().take(last + 1).skip(first) {
        let (from, to) = (start.max(bucket * UNITS), end.min((bucket + 1) * UNITS));
        *value += whole(to - from);
    }
}
