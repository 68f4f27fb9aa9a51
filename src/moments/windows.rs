//! Spikes and dips: windows that stand out from both sides.

use super::grid::{Grid, UNITS};
use super::moment::{Kind, Moment, Settings};
use super::shares::{exceeded_with, float};
use super::sums::{Signal, SignalSums, Sums, WIDTHS};

/// How many viewers at least do what a spike or dip is.
const MIN_VIEWERS: i128 = 10;

/// A window that stands out.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: usize,
    width: usize,
    /// By how much of a viewer's play, on average.
    size: f64,
    /// By how much it may be off.
    margin: f64,
    z: f64,
}

impl Window {
    fn end(&self) -> usize {
        self.start + self.width
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end() && other.start < self.end()
    }

    /// Whether it, or what is beside it, touches the other.
    fn touches(&self, other: &Self) -> bool {
        self.start - self.width <= other.end() && other.start <= self.end() + self.width
    }

    /// By how much it stands out for certain.
    fn certain(&self) -> f64 {
        self.size - self.margin
    }
}

/// The windows of all widths, by where they begin: those with as much on both sides.
fn windows(buckets: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = move |width: usize| width..(buckets + 1).saturating_sub(2 * width);
    WIDTHS
        .into_iter()
        .enumerate()
        .flat_map(move |(number, width)| starts(width).map(move |start| (number, start)))
}

/// By how much a window exceeds something: the sum over viewers, in units, and how much they vary in it.
#[derive(Debug, Clone, Copy)]
struct Excess {
    sum: i128,
    squares: i128,
    users: i64,
}

impl Excess {
    /// The standard error of the sum.
    fn error(self) -> f64 {
        let users = i128::from(self.users);
        (float(users * self.squares - self.sum * self.sum) / float(users - 1)).sqrt()
    }

    /// By how many standard errors it is above 0: infinitely many where all viewers do the same.
    fn z(self) -> f64 {
        if self.sum == 0 { 0.0 } else { float(self.sum) / self.error() }
    }
}

/// How the windows of one signal are compared with what is beside them.
struct Comparison<'a> {
    users: i64,
    sums: SignalSums<'a>,
    /// Sums of totals before each edge.
    before: Vec<i128>,
    critical: f64,
    min_share: f64,
}

impl<'a> Comparison<'a> {
    fn new(sums: &'a Sums, signal: Signal, settings: Settings) -> Self {
        let sums_of = sums.signal(signal);
        let mut before = vec![0];
        before.extend(sums_of.totals.iter().scan(0, |sum, &total| {
            *sum += i128::from(total);
            Some(*sum)
        }));
        // Two kinds of windows, each compared at two sides.
        let compared = 4 * windows(sums_of.totals.len()).count();
        let critical = exceeded_with(settings.error() / float(compared as i128));
        Self { users: sums.users(), sums: sums_of, before, critical, min_share: settings.min_share }
    }

    /// The sum of steps at an edge.
    fn step(&self, width: usize, edge: usize) -> i128 {
        self.before[edge + width] - 2 * self.before[edge] + self.before[edge - width]
    }

    /// The windows that stand out on both sides, the most certain first, none of which overlap; only those that `counts`.
    fn found(&self, counts: impl Fn(&Window) -> bool) -> Vec<Window> {
        let all = windows(self.sums.totals.len());
        let mut standing: Vec<_> =
            all.filter_map(|(number, start)| self.judged(number, start)).filter(counts).collect();
        standing.sort_by(|a, b| {
            b.certain().total_cmp(&a.certain()).then((a.start, a.width).cmp(&(b.start, b.width)))
        });
        let mut found: Vec<Window> = Vec::new();
        for window in standing {
            if !found.iter().any(|other| window.overlaps(other)) {
                found.push(window);
            }
        }
        found
    }

    /// The window of the width of that number at `start`, if it stands out.
    fn judged(&self, number: usize, start: usize) -> Option<Window> {
        let (width, users) = (WIDTHS[number], self.users);
        let (before, after) = (self.step(width, start), -self.step(width, start + width));
        let [left, right] = [start, start + width].map(|edge| i128::from(self.sums.square(number, edge)));
        // Twice by how much it exceeds the mean of its sides.
        let sum = before + after;
        let units = (2 * width * UNITS) as i128;
        if sum < MIN_VIEWERS * units {
            return None;
        }
        let z = [(before, left), (after, right)].map(|(sum, squares)| Excess { sum, squares, users }.z());
        let z = z[0].min(z[1]);
        let squares = left + right - 2 * i128::from(self.sums.product(number, start));
        let of = float(units * i128::from(users));
        let excess = Excess { sum, squares, users };
        let (size, margin) = (float(sum) / of, self.critical * excess.error() / of);
        let window = Window { start, width, size, margin, z };
        (z > self.critical && size >= self.min_share).then_some(window)
    }
}

/// The spikes and dips of a video of `grid`, by what its viewers add up to.
pub(super) fn spikes_and_dips(grid: &Grid, sums: &Sums, settings: Settings) -> Vec<Moment> {
    let dips = Comparison::new(sums, Signal::Skipped, settings).found(|_| true);
    let mut spikes = Vec::new();
    if sums.has_plays() {
        let is_apart = |window: &Window| !dips.iter().any(|dip| window.touches(dip));
        spikes = Comparison::new(sums, Signal::Plays, settings).found(is_apart);
    }
    let moment = |kind, window: &Window| {
        let Window { size, margin, .. } = *window;
        let edges = grid.edges();
        let size = match kind {
            Kind::Dip => [-size, (-size - margin).max(-1.0), -size + margin],
            _ => [size, size - margin, size + margin],
        };
        let z = window.z.is_finite().then_some(window.z);
        Moment { kind, start: edges[window.start], end: edges[window.end()], size, viewers: sums.users(), z }
    };
    let most = settings.max_each;
    let dips = dips.iter().take(most).map(|window| moment(Kind::Dip, window));
    dips.chain(spikes.iter().take(most).map(|window| moment(Kind::Spike, window))).collect()
}
