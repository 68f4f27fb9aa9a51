//! Key moments of a video: where many viewers pass over something, watch it again, leave or stay, told from chance.
//!
//! [`Summing`] takes in a video's viewers, one by one; [`moments`] judges what they add up to. Nothing else is needed of
//! them, so parts of a video's viewers can be summed up elsewhere, and [`Sums`] merged.

mod grid;
mod leaving;
mod moment;
mod shares;
mod sums;
mod windows;

#[cfg(test)]
mod tests;

pub use grid::Grid;
pub use moment::{Kind, MAX_BUCKETS, Moment, Settings};
pub use sums::{Summing, Sums};

/// A video shorter than this, in seconds, has only an intro and an end.
const MIN_DURATION: f64 = 60.0;

/// The moments of a video of `grid` whose viewers add up to `sums`, ordered by name of kind and start; none without
/// viewers.
#[must_use]
pub fn moments(grid: &Grid, sums: &Sums, settings: Settings) -> Vec<Moment> {
    if sums.users() == 0 {
        return Vec::new();
    }
    let mut found: Vec<_> = leaving::ends(grid, sums, settings).into();
    if sums.users() >= settings.min_viewers.max(2) && grid.duration() >= MIN_DURATION {
        found.extend(leaving::steady(grid, sums, settings));
        found.extend(leaving::drops(grid, sums, settings));
        found.extend(windows::spikes_and_dips(grid, sums, settings));
    }
    found.sort_by(|a, b| a.kind.cmp(&b.kind).then(a.start.total_cmp(&b.start)));
    found
}
