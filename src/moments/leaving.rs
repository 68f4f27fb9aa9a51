//! Where viewers leave and where they stay: intro, steady, drops, end.

use super::grid::Grid;
use super::moment::{Kind, Moment, Settings};
use super::shares::{Share, exceeded_with, float};
use super::sums::{Sums, end_start, intro_end};

/// How many buckets on each side of one tell how many leave as a rule.
const NEIGHBOURS: usize = 5;
/// How many have to leave at a drop, and how many have to be there.
const MIN_LEAVERS: i64 = 10;
const MIN_THERE: i64 = 30;
/// How long a steady stretch is at least: seconds, and a part of the video.
const STEADY: (f64, f64) = (30.0, 0.1);

/// The intro and the end of a video of `grid`, by what its viewers add up to.
pub(super) fn ends(grid: &Grid, sums: &Sums, settings: Settings) -> [Moment; 2] {
    let (z, duration, viewers) = (exceeded_with(settings.error() / 2.0), grid.duration(), sums.users());
    let moment = |kind, start, end, found| Moment {
        kind,
        start,
        end,
        size: Share::new(found, viewers).wilson(z),
        viewers,
        z: None,
    };
    [
        moment(Kind::Intro, 0.0, intro_end(duration), sums.intros()),
        moment(Kind::End, end_start(duration), duration, sums.ends()),
    ]
}

/// Viewers who got at least to each edge.
fn there(sums: &Sums) -> Vec<i64> {
    let mut there: Vec<_> = sums.exits().to_vec();
    for edge in (1..there.len()).rev() {
        there[edge - 1] += there[edge];
    }
    there
}

/// The stretch after the intro that loses the smallest part of its viewers: of those of a length, the first.
pub(super) fn steady(grid: &Grid, sums: &Sums, settings: Settings) -> Option<Moment> {
    let (edges, there) = (grid.edges(), there(sums));
    let length = STEADY.0.max(STEADY.1 * grid.duration());
    // Edges are numbers with errors in the last digits.
    let tiny = 1e-9 * grid.duration();
    let first = edges.partition_point(|&edge| edge < intro_end(grid.duration()) - tiny);
    let stretches: Vec<_> = (first..edges.len())
        .map(|start| (start, edges.partition_point(|&edge| edge < edges[start] + length - tiny)))
        .filter(|&(start, end)| end < edges.len() && there[start] > 0)
        .collect();
    let lost = |&(start, end): &(usize, usize)| Share::new(there[start] - there[end], there[start]);
    let least = stretches.iter().min_by(|a, b| lost(a).value().total_cmp(&lost(b).value()))?;
    let z = exceeded_with(settings.error() / float(2 * stretches.len() as i128));
    let (start, end) = *least;
    let (size, viewers) = (lost(least).wilson(z), there[start]);
    Some(Moment { kind: Kind::Steady, start: edges[start], end: edges[end], size, viewers, z: None })
}

/// The buckets between intro and end in which more viewers leave than in those beside them, most striking first.
pub(super) fn drops(grid: &Grid, sums: &Sums, settings: Settings) -> Vec<Moment> {
    let (edges, exits, there) = (grid.edges(), sums.exits(), there(sums));
    // Who gets to the end has seen the video, and does not leave it.
    let end = edges[1..].partition_point(|&edge| edge <= end_start(grid.duration()));
    let first = edges.partition_point(|&edge| edge < intro_end(grid.duration()));
    let error = settings.error() / float(grid.len() as i128);
    let (critical, interval) = (exceeded_with(error), exceeded_with(error / 2.0));
    let drop = |bucket: usize| {
        let beside =
            (bucket.saturating_sub(NEIGHBOURS)..end.min(bucket + NEIGHBOURS + 1)).filter(|&b| b != bucket);
        let (left, of) = beside.fold((0, 0), |(left, of), b| (left + exits[b], of + there[b]));
        if exits[bucket] < MIN_LEAVERS || there[bucket] < MIN_THERE || of == 0 {
            return None;
        }
        let (here, beside) = (Share::new(exits[bucket], there[bucket]), Share::new(left, of));
        let z = here.exceeds(beside);
        (z > critical).then(|| Moment {
            kind: Kind::Drop,
            start: edges[bucket],
            end: edges[bucket + 1],
            size: here.difference(beside, interval),
            viewers: there[bucket],
            z: Some(z),
        })
    };
    let mut drops: Vec<_> = (first..end).filter_map(drop).collect();
    drops.sort_by(|a, b| b.z.unwrap_or(0.0).total_cmp(&a.z.unwrap_or(0.0)));
    drops.truncate(settings.max_each);
    drops
}
