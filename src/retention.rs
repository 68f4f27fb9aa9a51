//! Audience retention: how many viewers were there at each position of a video.

use crate::error::{Error, Result};
use crate::intervals::{Interval, IntervalSet};

/// The most buckets a video may have: enough for one per second of eleven days.
pub const MAX_BUCKETS: usize = 1_000_000;

/// How a video is cut into buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Buckets {
    /// So many of equal length.
    Count(usize),
    /// Of so many seconds each; the last one may be shorter.
    Seconds(f64),
}

impl Buckets {
    /// So many equal buckets.
    ///
    /// # Errors
    /// If the number is not from 1 to [`MAX_BUCKETS`].
    pub fn count(count: usize) -> Result<Self> {
        if (1..=MAX_BUCKETS).contains(&count) {
            return Ok(Self::Count(count));
        }
        let accepted = format!("a whole number from 1 to {MAX_BUCKETS}");
        Err(Error::Option { option: "buckets".to_owned(), value: count.to_string(), accepted })
    }

    /// Buckets of so many seconds.
    ///
    /// # Errors
    /// If that is not a finite number above 0.
    pub fn seconds(seconds: f64) -> Result<Self> {
        if seconds.is_finite() && seconds > 0.0 {
            return Ok(Self::Seconds(seconds));
        }
        let accepted = "a finite number above 0".to_owned();
        Err(Error::Option { option: "bucket_seconds".to_owned(), value: seconds.to_string(), accepted })
    }

    /// Whether a video of that duration has no more than [`MAX_BUCKETS`].
    #[must_use]
    pub fn fit(self, duration: f64) -> bool {
        match self {
            Self::Count(_) => true,
            Self::Seconds(seconds) => whole_buckets(duration, seconds).is_ok(),
        }
    }

    /// Where the buckets of a video of that duration begin, and the last one ends.
    ///
    /// # Errors
    /// If there would be more than [`MAX_BUCKETS`].
    #[expect(clippy::cast_precision_loss, reason = "at most a million buckets")]
    pub fn edges(self, duration: f64) -> Result<Vec<f64>> {
        let (count, edge): (usize, Box<dyn Fn(usize) -> f64>) = match self {
            Self::Count(count) => (count, Box::new(move |i| duration * (i as f64 / count as f64))),
            Self::Seconds(seconds) => {
                (whole_buckets(duration, seconds)?, Box::new(move |i| seconds * i as f64))
            }
        };
        Ok((0..count).map(|i| edge(i).min(duration)).chain([duration]).collect())
    }

    /// The empty buckets of a video of that duration.
    fn cut(self, duration: f64) -> Result<Vec<Bucket>> {
        let edges = self.edges(duration)?;
        let bucket = |edge: &[f64]| Bucket { start: edge[0], end: edge[1], audience: 0.0, plays: 0.0 };
        Ok(edges.windows(2).map(bucket).collect())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "checked to be from 0 to a million first"
)]
fn whole_buckets(duration: f64, seconds: f64) -> Result<usize> {
    let count = (duration / seconds).ceil().max(1.0);
    if count <= MAX_BUCKETS as f64 {
        return Ok(count as usize);
    }
    Err(Error::Option {
        option: "bucket_seconds".to_owned(),
        value: seconds.to_string(),
        accepted: format!(
            "for a video of {duration} s a number of at least {}",
            duration / MAX_BUCKETS as f64
        ),
    })
}

/// A stretch of a video and its audience.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// Users, each counted by the share of the bucket that they watched.
    pub audience: f64,
    /// How often it was played: each play counted by the share of the bucket.
    pub plays: f64,
}

/// The retention curve of one video, filled user by user.
#[derive(Debug)]
pub struct Curve {
    buckets: Vec<Bucket>,
}

impl Curve {
    /// An empty curve for a video of that duration, which is finite and above 0.
    ///
    /// # Errors
    /// If the video would have more than [`MAX_BUCKETS`] buckets.
    pub fn new(duration: f64, buckets: Buckets) -> Result<Self> {
        Ok(Self { buckets: buckets.cut(duration)? })
    }

    /// Counts one user, who watched these seconds.
    pub fn add_user(&mut self, watched: &IntervalSet) {
        self.add(watched, |bucket, share| bucket.audience += share);
    }

    /// Counts the plays of one session or user, who watched these seconds, and `replayed` some of them.
    pub fn add_plays(&mut self, watched: &IntervalSet, replayed: &[Interval]) {
        self.add(watched, |bucket, share| bucket.plays += share);
        for &interval in replayed {
            self.add(&IntervalSet::union([interval]), |bucket, share| bucket.plays += share);
        }
    }

    fn add(&mut self, watched: &IntervalSet, count: impl Fn(&mut Bucket, f64)) {
        let (Some(first), Some(end)) = (watched.as_slice().first(), watched.last_end()) else { return };
        let from = self.buckets.partition_point(|bucket| bucket.end <= first.start);
        for bucket in self.buckets[from..].iter_mut().take_while(|bucket| bucket.start < end) {
            let length = bucket.end - bucket.start;
            if length > 0.0 {
                count(bucket, watched.measure_within(bucket.start, bucket.end) / length);
            }
        }
    }

    /// The buckets, in order.
    #[must_use]
    pub fn into_buckets(self) -> Vec<Bucket> {
        self.buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(f64, f64)]) -> IntervalSet {
        IntervalSet::union(pairs.iter().map(|&(start, end)| Interval { start, end }))
    }

    #[test]
    fn shares_of_buckets_add_up() {
        let mut curve = Curve::new(100.0, Buckets::count(4).unwrap()).unwrap();
        curve.add_user(&set(&[(0.0, 30.0), (90.0, 120.0)]));
        curve.add_user(&set(&[(25.0, 50.0)]));
        curve.add_plays(&set(&[(0.0, 25.0)]), &[Interval { start: 20.0, end: 30.0 }]);
        let buckets = curve.into_buckets();
        assert_eq!(buckets.iter().map(|b| b.audience).collect::<Vec<_>>(), [1.0, 1.2, 0.0, 0.4]);
        assert_eq!(buckets.iter().map(|b| b.plays).collect::<Vec<_>>(), [1.2, 0.2, 0.0, 0.0]);
    }

    #[test]
    fn a_last_bucket_may_be_shorter() {
        let curve = Curve::new(25.0, Buckets::seconds(10.0).unwrap()).unwrap();
        let edges: Vec<_> = curve.into_buckets().iter().map(|b| (b.start, b.end)).collect();
        assert_eq!(edges, [(0.0, 10.0), (10.0, 20.0), (20.0, 25.0)]);
    }

    #[test]
    fn too_many_buckets_are_refused() {
        assert!(Buckets::count(0).is_err());
        assert!(Buckets::count(MAX_BUCKETS + 1).is_err());
        assert!(Buckets::seconds(f64::NAN).is_err());
        let error = Curve::new(1e300, Buckets::seconds(1.0).unwrap()).unwrap_err().to_string();
        assert!(error.contains("bucket_seconds is 1"), "{error}");
    }
}
