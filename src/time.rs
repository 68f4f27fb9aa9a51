//! Instants: what they are, how text becomes one, how one becomes text.
//!
//! Positions and durations of media are plain `f64` seconds everywhere; they are never instants.

use chrono::{DateTime, SecondsFormat, Utc};

/// A wall-clock instant in microseconds since 1970-01-01T00:00:00Z, never a position in a video.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// 0001-01-01T00:00:00Z, the earliest instant that is accepted.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, the latest instant that is accepted.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The instant, if it lies in the years 1 to 9999.
    #[must_use]
    pub fn checked(micros: i64) -> Option<Self> {
        let instant = Self(micros);
        (Self::MIN..=Self::MAX).contains(&instant).then_some(instant)
    }

    /// Reads RFC 3339 text; without zone or offset it is UTC; what is finer than microseconds is cut off.
    ///
    /// ```
    /// use watchspan::time::Micros;
    /// assert_eq!(Micros::parse("1970-01-01T00:00:01.5Z"), Some(Micros(1_500_000)));
    /// assert_eq!(Micros::parse("1970-01-01T01:00:00+01:00"), Some(Micros(0)));
    /// assert_eq!(Micros::parse("1970-01-01 00:00:00"), Some(Micros(0)));
    /// assert_eq!(Micros::parse("yesterday"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let instant = match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => instant,
            Err(_) => DateTime::parse_from_rfc3339(&format!("{text}Z")).ok()?,
        };
        Self::checked(instant.timestamp_micros())
    }

    /// Seconds from an earlier instant to this one.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the years 1 to 9999 in microseconds fit 2^59; halves of a microsecond do not matter"
    )]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1e6
    }
}

impl std::fmt::Display for Micros {
    /// As `2026-01-15T10:00:00.000000Z`: always the same length, so text order is time order.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(instant) => f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => write!(f, "{} microseconds since 1970", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Micros;

    #[test]
    fn text_round_trips_at_both_ends() {
        for instant in [Micros::MIN, Micros(-1), Micros(0), Micros::MAX] {
            assert_eq!(Micros::parse(&instant.to_string()), Some(instant), "{instant}");
        }
        assert_eq!(Micros::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Micros::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn instants_outside_the_years_are_refused() {
        assert_eq!(Micros::checked(Micros::MIN.0 - 1), None);
        assert_eq!(Micros::checked(Micros::MAX.0 + 1), None);
        assert_eq!(Micros::parse("0000-12-31T23:59:59Z"), None);
        assert_eq!(Micros::parse("0001-01-01T00:00:00+01:00"), None);
    }

    #[test]
    fn finer_than_a_microsecond_is_cut_off_towards_the_past() {
        assert_eq!(Micros::parse("1970-01-01T00:00:00.0000019Z"), Some(Micros(1)));
        assert_eq!(Micros::parse("1969-12-31T23:59:59.9999999Z"), Some(Micros(-1)));
        assert_eq!(Micros::parse("1970-01-01T00:00:00.00000199999999999Z"), Some(Micros(1)));
    }

    #[test]
    fn zones_and_separators() {
        let ten = Micros(36_000_000_000);
        for text in [
            "1970-01-01T10:00:00Z",
            "1970-01-01t10:00:00z",
            "1970-01-01 10:00:00",
            "1970-01-01T15:30:00+05:30",
        ] {
            assert_eq!(Micros::parse(text), Some(ten), "{text}");
        }
        for text in
            ["", "Z", "1970-01-01", "1970-01-01T10:00", "1970-13-01T10:00:00Z", "1970-01-01T10:00:00ZZ", "0"]
        {
            assert_eq!(Micros::parse(text), None, "{text}");
        }
    }
}
