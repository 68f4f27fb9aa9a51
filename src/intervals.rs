//! Sets of seconds: sorted, disjoint intervals.

use smallvec::SmallVec;

/// A stretch of a video in seconds, from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Where it begins: finite, not negative.
    pub start: f64,
    /// Where it ends: finite, after `start`.
    pub end: f64,
}

/// A set of seconds of a video.
///
/// Invariant: its intervals are sorted, none is empty, and each ends before the next one starts (touching
/// ones are merged).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntervalSet {
    /// Most viewings have a few, which then need no memory of their own.
    intervals: SmallVec<[Interval; 4]>,
}

impl IntervalSet {
    /// The union of intervals in any order; empty ones add nothing.
    ///
    /// ```
    /// use watchspan::intervals::{Interval, IntervalSet};
    /// let set = IntervalSet::union([
    ///     Interval { start: 30.0, end: 60.0 },
    ///     Interval { start: 0.0, end: 30.0 },
    ///     Interval { start: 90.0, end: 100.0 },
    /// ]);
    /// assert_eq!(set.measure(), 70.0);
    /// assert_eq!(set.as_slice().len(), 2);
    /// ```
    #[must_use]
    pub fn union(intervals: impl IntoIterator<Item = Interval>) -> Self {
        let mut rest = intervals.into_iter().filter(|i| i.start < i.end);
        let mut set = Self::default();
        while let Some(interval) = rest.next() {
            match set.intervals.last() {
                // From here on they have to be sorted; those before may be merged already.
                Some(last) if interval.start < last.start => {
                    let mut all: SmallVec<[_; 8]> =
                        set.intervals.into_iter().chain([interval]).chain(rest).collect();
                    all.sort_unstable_by(|a, b| a.start.total_cmp(&b.start));
                    let mut set = Self::default();
                    all.into_iter().for_each(|interval| set.append(interval));
                    return set;
                }
                _ => set.append(interval),
            }
        }
        set
    }

    /// Adds one interval, wherever it lies.
    pub fn insert(&mut self, interval: Interval) {
        if interval.start < interval.end && !self.follow(interval) {
            self.insert_inside(interval);
        }
    }

    /// Adds an interval that is not empty, if it lies behind all others; tells whether it did.
    pub(crate) fn follow(&mut self, interval: Interval) -> bool {
        let is_behind = self.intervals.last().is_none_or(|last| interval.start >= last.end);
        if is_behind {
            self.append(interval);
        }
        is_behind
    }

    /// The union of intervals in any order, and where more than one of them lies: for 2, 3 and more, the longest
    /// stretches on which at least so many do, all in one list, sorted by start, then end. Empty ones add nothing.
    ///
    /// ```
    /// use watchspan::intervals::{Interval, IntervalSet};
    /// let [first, again] = [Interval { start: 0.0, end: 60.0 }, Interval { start: 30.0, end: 90.0 }];
    /// let (union, replayed) = IntervalSet::layered([first, again]);
    /// assert_eq!(union.as_slice(), [Interval { start: 0.0, end: 90.0 }]);
    /// assert_eq!(replayed, [Interval { start: 30.0, end: 60.0 }]);
    /// ```
    #[must_use]
    pub fn layered(intervals: impl IntoIterator<Item = Interval, IntoIter: Clone>) -> (Self, Vec<Interval>) {
        let intervals = intervals.into_iter().filter(|i| i.start < i.end);
        let mut union = Self::default();
        // Mostly one lies behind the other.
        if intervals.clone().all(|interval| union.follow(interval)) {
            return (union, Vec::new());
        }
        let (mut starts, mut ends): (Vec<_>, Vec<_>) = intervals.map(|i| (i.start, i.end)).unzip();
        starts.sort_unstable_by(f64::total_cmp);
        ends.sort_unstable_by(f64::total_cmp);
        let (mut union, mut replayed) = (Self::default(), Vec::new());
        // Where each layer that is open began. What begins where another ends is begun first: layers that touch are one.
        let (mut starts, mut open) = (starts.into_iter().peekable(), Vec::new());
        for end in ends {
            while let Some(start) = starts.next_if(|&start| start <= end) {
                open.push(start);
            }
            let Some(start) = open.pop() else { continue };
            if open.is_empty() {
                union.intervals.push(Interval { start, end });
            } else if start < end {
                replayed.push(Interval { start, end });
            }
        }
        replayed.sort_unstable_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
        (union, replayed)
    }

    /// Adds an interval that starts no earlier than the last one.
    fn append(&mut self, interval: Interval) {
        match self.intervals.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => self.intervals.push(interval),
        }
    }

    fn insert_inside(&mut self, interval: Interval) {
        let from = self.intervals.partition_point(|i| i.end < interval.start);
        let to = self.intervals.partition_point(|i| i.start <= interval.end);
        let merged = self.intervals[from..to].iter().fold(interval, |merged, i| Interval {
            start: merged.start.min(i.start),
            end: merged.end.max(i.end),
        });
        self.intervals.drain(from..to);
        self.intervals.insert(from, merged);
    }

    /// How many seconds the set holds.
    #[must_use]
    pub fn measure(&self) -> f64 {
        self.measure_below(f64::INFINITY)
    }

    /// How many of its seconds lie before `cap`.
    #[must_use]
    pub fn measure_below(&self, cap: f64) -> f64 {
        self.intervals.iter().fold(0.0, |sum, i| sum + (i.end.min(cap) - i.start).max(0.0))
    }

    /// How many of its seconds lie from `start` up to `end`.
    #[must_use]
    pub fn measure_within(&self, start: f64, end: f64) -> f64 {
        let from = self.intervals.partition_point(|i| i.end <= start);
        let inside = self.intervals[from..].iter().take_while(|i| i.start < end);
        inside.fold(0.0, |sum, i| sum + (i.end.min(end) - i.start.max(start)))
    }

    /// The end of its last interval, if it has any.
    #[must_use]
    pub fn last_end(&self) -> Option<f64> {
        self.intervals.last().map(|i| i.end)
    }

    /// Its intervals, sorted and disjoint.
    #[must_use]
    pub fn as_slice(&self) -> &[Interval] {
        &self.intervals
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, IntervalSet};
    use proptest::prelude::*;

    fn set(pairs: &[(u32, u32)]) -> IntervalSet {
        IntervalSet::union(intervals(pairs))
    }

    fn intervals(pairs: &[(u32, u32)]) -> Vec<Interval> {
        pairs.iter().map(|&(start, end)| Interval { start: start.into(), end: end.into() }).collect()
    }

    #[test]
    fn nested_and_touching_intervals_merge() {
        assert_eq!(set(&[(0, 100), (10, 20), (50, 60), (120, 130)]).measure(), 110.0);
        assert_eq!(set(&[(0, 30), (30, 60)]).as_slice(), intervals(&[(0, 60)]));
        assert_eq!(set(&[(5, 5), (7, 6)]), IntervalSet::default());
    }

    #[test]
    fn nothing_is_zero_and_not_minus_zero() {
        let nothing = IntervalSet::default();
        assert!(nothing.measure().is_sign_positive() && nothing.measure_within(0.0, 9.0).is_sign_positive());
    }

    #[test]
    fn measures_are_clipped() {
        let watched = set(&[(0, 10), (20, 30)]);
        assert_eq!(watched.measure_below(25.0), 15.0);
        assert_eq!(watched.measure_within(5.0, 22.0), 7.0);
        assert_eq!(watched.measure_within(10.0, 20.0), 0.0);
        assert_eq!(watched.last_end(), Some(30.0));
    }

    prop_compose! {
        fn pairs()(raw in prop::collection::vec((0u32..60, 0u32..12), 0..20)) -> Vec<(u32, u32)> {
            raw.into_iter().map(|(start, length)| (start, start + length)).collect()
        }
    }

    /// The oracle: one bit per second.
    fn bits(pairs: &[(u32, u32)]) -> u128 {
        pairs.iter().flat_map(|&(start, end)| start..end).fold(0, |bits, second| bits | 1 << second)
    }

    proptest! {
        #[test]
        fn union_equals_the_bit_set(pairs in pairs(), cap in 0u32..80) {
            let union = set(&pairs);
            prop_assert_eq!(union.measure(), f64::from(bits(&pairs).count_ones()));
            let below = bits(&pairs) & ((1 << cap) - 1);
            prop_assert_eq!(union.measure_below(cap.into()), f64::from(below.count_ones()));
        }

        #[test]
        fn layers_equal_counts_of_seconds(pairs in pairs()) {
            let (union, replayed) = IntervalSet::layered(intervals(&pairs));
            prop_assert_eq!(&union, &set(&pairs));
            let count = |second: u32| pairs.iter().filter(|(start, end)| (*start..*end).contains(&second)).count();
            let mut expected = Vec::new();
            for layer in 2..=pairs.len() {
                let seconds = (0..80).filter(|&second| count(second) >= layer).map(|second| (second, second + 1));
                expected.extend_from_slice(set(&seconds.collect::<Vec<_>>()).as_slice());
            }
            expected.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
            prop_assert_eq!(replayed, expected);
        }

        #[test]
        fn within_equals_the_bit_set(pairs in pairs(), start in 0u32..70, length in 0u32..30) {
            let window = bits(&pairs) >> start & ((1 << length) - 1);
            let measured = set(&pairs).measure_within(start.into(), (start + length).into());
            prop_assert_eq!(measured, f64::from(window.count_ones()));
        }

        #[test]
        fn sorted_and_never_touching(pairs in pairs()) {
            let union = set(&pairs);
            prop_assert!(union.as_slice().windows(2).all(|w| w[0].end < w[1].start));
            prop_assert!(union.as_slice().iter().all(|i| i.start < i.end));
        }

        #[test]
        fn any_order_one_by_one_or_at_once((pairs, shuffled) in pairs().prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle()))) {
            let mut inserted = IntervalSet::default();
            for interval in intervals(&shuffled) {
                inserted.insert(interval);
            }
            prop_assert_eq!(&inserted, &set(&pairs));
            let again = IntervalSet::union(inserted.as_slice().iter().copied());
            prop_assert_eq!(again, inserted);
        }
    }
}
