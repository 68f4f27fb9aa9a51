//! The sums by hand and against plain loops; what is told from them is tested where rows are, in Python.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "numbers of a few thousands"
)]

use proptest::prelude::*;

use super::grid::{UNITS, Viewer};
use super::sums::{Signal, WIDTHS};
use super::*;
use crate::intervals::{Interval, IntervalSet};
use crate::retention::Buckets;

const BUCKETS: usize = 30;

fn intervals(pairs: &[(u32, u32)]) -> Vec<Interval> {
    pairs.iter().map(|&(start, end)| Interval { start: start.into(), end: end.into() }).collect()
}

/// The grid of a video of 300 s, in buckets of 10 s.
fn grid() -> Grid {
    Grid::new(300.0, Buckets::Count(BUCKETS)).unwrap()
}

/// The sums over viewers who played these stretches, in seconds.
fn sums(viewers: &[Vec<(u32, u32)>]) -> Sums {
    let grid = grid();
    let mut summing = Summing::new(&grid);
    for plays in viewers {
        summing.add(&IntervalSet::union(intervals(plays)), Some(intervals(plays)));
    }
    summing.finish()
}

#[test]
fn one_viewer_by_hand() {
    let found = sums(&[vec![(0, 25), (20, 30), (45, 60)]]);
    assert_eq!((found.users(), found.intros(), found.ends()), (1, 1, 0));
    // They leave where bucket 6 begins.
    assert_eq!(found.exits().iter().position(|&exits| exits == 1), Some(6));
    let skipped = found.signal(Signal::Skipped);
    assert_eq!(skipped.totals[..6], [0, 0, 0, 1000, 500, 0]);
    let plays = found.signal(Signal::Plays);
    assert_eq!(plays.totals[..7], [1000, 1000, 1500, 0, 500, 1000, 0]);
    // By one bucket: 500 - 1000 where bucket 4 begins, and -500 where bucket 5 does.
    assert_eq!([4, 5].map(|edge| skipped.square(0, edge)), [250_000, 250_000]);
    assert_eq!(skipped.product(0, 4), 250_000);
    // By two: (500 + 0) - (0 + 1000) at 4, (1000 + 500) - 0 at 3.
    assert_eq!([3, 4].map(|edge| skipped.square(1, edge)), [2_250_000, 250_000]);
}

#[test]
fn positions_past_the_end_are_the_end() {
    let found = sums(&[vec![(0, 10), (290, 400)], vec![(310, 400)], vec![]]);
    assert_eq!((found.users(), found.ends(), found.exits()[BUCKETS], found.exits()[0]), (3, 2, 2, 1));
    assert_eq!(found.signal(Signal::Plays).totals[BUCKETS - 1], 1000);
    assert_eq!(found.signal(Signal::Skipped).totals[BUCKETS - 1], 1000);
}

#[test]
fn a_loop_counts_a_hundred_times_at_most() {
    assert_eq!(sums(&[vec![(0, 10); 500]]).signal(Signal::Plays).totals[0], 100_000);
}

#[test]
fn sums_of_another_length_are_none() {
    let numbers = sums(&[vec![(0, 10)]]).numbers().to_vec();
    assert!(Sums::of(BUCKETS, numbers.clone()).is_some() && Sums::of(BUCKETS + 1, numbers).is_none());
}

prop_compose! {
    fn viewers()(raw in prop::collection::vec(prop::collection::vec((0u32..310, 1u32..90), 0..5), 0..8)) -> Vec<Vec<(u32, u32)>> {
        raw.into_iter().map(|plays| plays.into_iter().map(|(start, length)| (start, start + length)).collect()).collect()
    }
}

proptest! {
    #[test]
    fn watched_skipped_and_left_are_all(plays in viewers()) {
        for plays in plays {
            let (watched, mut viewer) = (IntervalSet::union(intervals(&plays)), Viewer::default());
            viewer.see(&grid(), &watched, watched.as_slice().iter().copied());
            let reach = watched.last_end().unwrap_or(0.0);
            for (bucket, edges) in grid().edges().windows(2).enumerate() {
                let share = |seconds: f64| (seconds / (edges[1] - edges[0]) * 1000.0).round() as i64;
                let seen = share(watched.measure_within(edges[0], edges[1]));
                let left = share((edges[1] - reach.max(edges[0])).max(0.0));
                prop_assert_eq!(viewer.plays[bucket], seen);
                prop_assert_eq!(seen + viewer.skipped[bucket] + left, UNITS as i64);
            }
        }
    }

    #[test]
    fn parts_add_up_in_any_order(mut viewers in viewers(), cut in 0usize..8) {
        let whole = sums(&viewers);
        viewers.reverse();
        let cut = cut.min(viewers.len());
        let mut parts = sums(&viewers[..cut]);
        parts.merge(&sums(&viewers[cut..]));
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn steps_equal_plain_loops(viewers in viewers()) {
        let found = sums(&viewers);
        for signal in [Signal::Skipped, Signal::Plays] {
            let each: Vec<Vec<i64>> = viewers.iter().map(|plays| {
                let mut viewer = Viewer::default();
                viewer.see(&grid(), &IntervalSet::union(intervals(plays)), intervals(plays));
                if signal == Signal::Skipped { viewer.skipped } else { viewer.plays }
            }).collect();
            for (number, width) in WIDTHS.into_iter().enumerate() {
                let step = |values: &[i64], edge: usize| {
                    values[edge..edge + width].iter().sum::<i64>() - values[edge - width..edge].iter().sum::<i64>()
                };
                for edge in width..=BUCKETS - width {
                    let square = each.iter().map(|values| step(values, edge).pow(2)).sum::<i64>();
                    prop_assert_eq!(found.signal(signal).square(number, edge), square);
                }
                for edge in width..=BUCKETS - 2 * width {
                    let product = each.iter().map(|values| step(values, edge) * step(values, edge + width)).sum::<i64>();
                    prop_assert_eq!(found.signal(signal).product(number, edge), product);
                }
            }
        }
    }
}
