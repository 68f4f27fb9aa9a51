//! The sums over a video's viewers that its moments are told from: whole numbers, so that sums of parts add up to the
//! whole to the last digit, in any order.

use super::grid::{Grid, Viewer};
use crate::intervals::{Interval, IntervalSet};

/// How many buckets the windows have that are compared with what is beside them.
pub(super) const WIDTHS: [usize; 5] = [1, 2, 3, 5, 8];
/// How much of a video is its intro, in seconds.
const INTRO: f64 = 30.0;
/// Which part of a video has to be reached to have got to its end.
const END: f64 = 0.95;

/// Where the intro of a video of that duration ends, in seconds.
pub(super) fn intro_end(duration: f64) -> f64 {
    INTRO.min(duration)
}

/// Where the end of a video of that duration begins, in seconds.
pub(super) fn end_start(duration: f64) -> f64 {
    END * duration
}

/// What a window may stand out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// What was passed over.
    Skipped,
    /// How often it was played.
    Plays,
}

// Where the single numbers are, in front of all others, and how many they are.
const USERS: usize = 0;
const UNTOLD: usize = 1;
const INTROS: usize = 2;
const ENDS: usize = 3;
const SINGLE: usize = 4;

/// The sums over the viewers of one video.
///
/// With S(p) what a viewer did in a window of some width that begins at bucket p, the *step* D(p) is S(p) - S(p - width):
/// by how much a window differs from the one before it. It differs from the one after it by -D(p + width), so sums of
/// D(p)² and D(p) D(p + width) tell how much viewers vary in both, and in their mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    buckets: usize,
    /// The single numbers; how many left in each bucket, and after the last; then of each signal the sum in each bucket,
    /// and for each width, at each edge, those of D(p)² and those of D(p) D(p + width).
    numbers: Vec<i64>,
}

/// The sums of one signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignalSums<'a> {
    buckets: usize,
    /// The sum in each bucket, in units.
    pub(super) totals: &'a [i64],
    squares: &'a [i64],
    products: &'a [i64],
}

impl SignalSums<'_> {
    /// The sum of D(edge)² for the width of that number.
    pub(super) fn square(&self, width: usize, edge: usize) -> i64 {
        self.squares[width * (self.buckets + 1) + edge]
    }

    /// The sum of D(edge) D(edge + width) for the width of that number.
    pub(super) fn product(&self, width: usize, edge: usize) -> i64 {
        self.products[width * (self.buckets + 1) + edge]
    }
}

/// How many sums one signal has.
fn signal_length(buckets: usize) -> usize {
    buckets + 2 * WIDTHS.len() * (buckets + 1)
}

fn length(buckets: usize) -> usize {
    SINGLE + (buckets + 1) + 2 * signal_length(buckets)
}

impl Sums {
    /// The sums over nobody, of a video with so many buckets.
    #[must_use]
    pub fn new(buckets: usize) -> Self {
        Self { buckets, numbers: vec![0; length(buckets)] }
    }

    /// The sums of a video with so many buckets that `numbers` are, as [`Self::numbers`] gave them; nothing if they are too
    /// many or too few.
    #[must_use]
    pub fn of(buckets: usize, numbers: Vec<i64>) -> Option<Self> {
        (numbers.len() == length(buckets)).then_some(Self { buckets, numbers })
    }

    /// All sums, in an order that only the number of buckets changes.
    #[must_use]
    pub fn numbers(&self) -> &[i64] {
        &self.numbers
    }

    /// Takes in the sums over other viewers of the same video.
    pub fn merge(&mut self, other: &Self) {
        self.numbers.iter_mut().zip(&other.numbers).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
    }

    /// Viewers.
    #[must_use]
    pub fn users(&self) -> i64 {
        self.numbers[USERS]
    }

    /// Whether all rows tell what was replayed.
    #[must_use]
    pub fn has_plays(&self) -> bool {
        self.numbers[UNTOLD] == 0
    }

    /// Viewers who got through the intro.
    #[must_use]
    pub fn intros(&self) -> i64 {
        self.numbers[INTROS]
    }

    /// Viewers who got to the end.
    #[must_use]
    pub fn ends(&self) -> i64 {
        self.numbers[ENDS]
    }

    /// Viewers by the bucket in which the last that they watched ends; the last number is of those who saw the very end.
    #[must_use]
    pub fn exits(&self) -> &[i64] {
        &self.numbers[SINGLE..=SINGLE + self.buckets]
    }

    /// The sums of a signal.
    pub(super) fn signal(&self, signal: Signal) -> SignalSums<'_> {
        let (totals, rest) = self.numbers[self.place(signal)..].split_at(self.buckets);
        let (squares, rest) = rest.split_at(WIDTHS.len() * (self.buckets + 1));
        SignalSums { buckets: self.buckets, totals, squares, products: rest }
    }

    /// Where the sums of a signal begin.
    fn place(&self, signal: Signal) -> usize {
        let first = SINGLE + self.buckets + 1;
        if signal == Signal::Skipped { first } else { first + signal_length(self.buckets) }
    }
}

/// Takes in the viewers of one video, one by one.
#[derive(Debug)]
pub struct Summing<'g> {
    grid: &'g Grid,
    sums: Sums,
    viewer: Viewer,
    steps: Steps,
}

impl<'g> Summing<'g> {
    /// Nobody yet, of a video of `grid`.
    #[must_use]
    pub fn new(grid: &'g Grid) -> Self {
        Self { grid, sums: Sums::new(grid.len()), viewer: Viewer::default(), steps: Steps::default() }
    }

    /// Counts one viewer, who `watched` so much, and played each of `plays`; none if that is not known.
    pub fn add(&mut self, watched: &IntervalSet, plays: Option<impl IntoIterator<Item = Interval>>) {
        let Self { grid, sums, viewer, steps } = self;
        let reach = watched.last_end().unwrap_or(0.0);
        sums.numbers[USERS] += 1;
        sums.numbers[UNTOLD] += i64::from(plays.is_none());
        sums.numbers[INTROS] += i64::from(reach >= intro_end(grid.duration()));
        sums.numbers[ENDS] += i64::from(reach >= end_start(grid.duration()));
        sums.numbers[SINGLE + grid.bucket(reach)] += 1;
        viewer.see(grid, watched, plays.into_iter().flatten());
        for (signal, values) in [(Signal::Skipped, &viewer.skipped), (Signal::Plays, &viewer.plays)] {
            let place = sums.place(signal);
            steps.add(values, &mut sums.numbers[place..]);
        }
    }

    /// The sums.
    #[must_use]
    pub fn finish(self) -> Sums {
        self.sums
    }
}

/// One viewer's steps; their memory serves one viewer after the other.
#[derive(Debug, Default)]
struct Steps {
    /// The sum of what was done before each edge.
    before: Vec<i64>,
    steps: Vec<i64>,
}

impl Steps {
    /// Adds what one viewer did in each bucket to the sums of a signal, which `sums` begins with.
    fn add(&mut self, values: &[i64], sums: &mut [i64]) {
        let buckets = values.len();
        let (totals, sums) = sums.split_at_mut(buckets);
        totals.iter_mut().zip(values).for_each(|(total, value)| *total += value);
        // Where nothing changes, there are no steps: mostly that is nearly everywhere.
        let mut changes = (1..buckets).filter(|&edge| values[edge - 1] != values[edge]);
        let Some(first) = changes.next() else { return };
        let last = changes.next_back().unwrap_or(first);
        self.before.clear();
        self.before.push(0);
        self.before.extend(values.iter().scan(0, |sum, value| {
            *sum += value;
            Some(*sum)
        }));
        let (squares, products) = sums.split_at_mut(WIDTHS.len() * (buckets + 1));
        let each = squares.chunks_exact_mut(buckets + 1).zip(products.chunks_exact_mut(buckets + 1));
        for (width, (squares, products)) in WIDTHS.into_iter().zip(each) {
            let from = width.max((first + 1).saturating_sub(width));
            let to = (last + width).min((buckets + 1).saturating_sub(width));
            if from < to {
                self.add_width(width, from, to, squares, products);
            }
        }
    }

    /// Adds the steps of windows of that `width` at the edges from `from` up to `to`; there are none at others.
    fn add_width(&mut self, width: usize, from: usize, to: usize, squares: &mut [i64], products: &mut [i64]) {
        let Self { before, steps } = self;
        let [left, middle, right] = [from - width, from, from + width].map(|at| &before[at..]);
        let both = left.iter().zip(middle).zip(right).take(to - from);
        steps.clear();
        steps.extend(both.map(|((left, middle), right)| left + right - 2 * middle));
        squares[from..to].iter_mut().zip(&*steps).for_each(|(sum, step)| *sum += step * step);
        let pairs = steps.iter().zip(steps.iter().skip(width));
        products[from..to].iter_mut().zip(pairs).for_each(|(sum, (step, next))| *sum += step * next);
    }
}
