//! Instants: what they are, how text becomes one, how one becomes text.
//!
//! Positions and durations of media are plain `f64` seconds everywhere; they are never instants.

use chrono::{DateTime, Offset, SecondsFormat, TimeDelta, TimeZone, Utc};
/// A time zone, by its name in the database of all.
pub use chrono_tz::Tz as Zone;

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

    /// Reads RFC 3339 text, and what exporters make of it: a space for the `T`, no seconds, a comma before the
    /// fraction, `UTC`, `+00`, `+0000`. Without zone or offset it is UTC; what is finer than microseconds is cut off.
    ///
    /// ```
    /// use watchspan::time::Micros;
    /// assert_eq!(Micros::parse("1970-01-01T00:00:01.5Z"), Some(Micros(1_500_000)));
    /// assert_eq!(Micros::parse("1970-01-01T01:00:00+01:00"), Some(Micros(0)));
    /// assert_eq!(Micros::parse("1970-01-01 00:00"), Some(Micros(0)));
    /// assert_eq!(Micros::parse("1970-01-01 00:00:00,5 UTC"), Some(Micros(500_000)));
    /// assert_eq!(Micros::parse("yesterday"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_in(text, Zone::UTC)
    }

    /// The same, where text without zone or offset is the time of clocks in `zone`.
    #[must_use]
    pub fn parse_in(text: &str, zone: Zone) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Self::checked(instant.timestamp_micros());
        }
        let (text, is_local) = as_rfc3339(text)?;
        let instant = Self(DateTime::parse_from_rfc3339(&text).ok()?.timestamp_micros());
        if is_local { instant.of_clocks_in(zone) } else { Self::checked(instant.0) }
    }

    /// The instant at which clocks in `zone` show what those in UTC show at this one: the first of two, and of a time
    /// that is left out when clocks are put forward the one that it would have been. `None` outside the years 1 to 9999.
    #[must_use]
    pub fn of_clocks_in(self, zone: Zone) -> Option<Self> {
        let clock = DateTime::<Utc>::from_timestamp_micros(self.0)?.naive_utc();
        let before = || zone.offset_from_utc_datetime(&(clock - TimeDelta::days(1)));
        let offset = zone.offset_from_local_datetime(&clock).earliest().unwrap_or_else(before);
        let offset = i64::from(offset.fix().local_minus_utc());
        Self::checked(self.0 - offset * 1_000_000)
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

/// `text` with all that RFC 3339 asks for, if it has a date, a clock and at most one zone.
///
/// Says with it whether it had no zone.
fn as_rfc3339(text: &str) -> Option<(String, bool)> {
    let (date, rest) = text.trim().split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ',')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.replace(',', ".") };
    let zone = zone.trim_start();
    Some((format!("{date}T{clock}{}", offset(zone)?), zone.is_empty()))
}

/// The offset of `zone` as RFC 3339 has it; that of UTC if there is none.
fn offset(zone: &str) -> Option<String> {
    // Java names the zone behind its offset.
    let zone =
        zone.split_once('[').filter(|(offset, _)| !offset.is_empty()).map_or(zone, |(offset, _)| offset);
    if ["", "Z", "UTC", "GMT"].iter().any(|utc| zone.eq_ignore_ascii_case(utc)) {
        return Some("Z".to_owned());
    }
    let digits = zone.strip_prefix(['+', '-'])?;
    let sign = &zone[..1];
    match (digits.len(), digits.split_at_checked(2)?) {
        (2, (hours, _)) => Some(format!("{sign}{hours}:00")),
        (4, (hours, minutes)) => Some(format!("{sign}{hours}:{minutes}")),
        (5, _) => Some(zone.to_owned()),
        _ => None,
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
    use super::{Micros, Zone};

    #[test]
    fn text_round_trips_at_both_ends() {
        for instant in [Micros::MIN, Micros(-1), Micros(0), Micros::MAX] {
            assert_eq!(Micros::parse(&instant.to_string()), Some(instant), "{instant}");
        }
        assert_eq!(Micros::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Micros::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn clocks_of_a_zone() {
        let read = |text| Micros::parse_in(text, Zone::Europe__Berlin).map(|instant| instant.to_string());
        for (text, instant) in [
            ("2026-01-15 11:00", "10:00:00"),
            ("2026-07-15T12:00:00.5", "10:00:00"),
            ("2026-07-15T12:00:00Z", "12:00:00"),
            ("2026-07-15 12:00:00+02", "10:00:00"),
            // Twice, and never.
            ("2026-10-25 02:30:00", "00:30:00"),
            ("2026-03-29 02:30:00", "01:30:00"),
        ] {
            assert_eq!(read(text).map(|read| read[11..19].to_owned()).as_deref(), Some(instant), "{text}");
        }
        assert_eq!(read("0001-01-01 00:00:00"), None);
        assert_eq!(Micros(i64::MIN).of_clocks_in(Zone::Europe__Berlin), None);
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
            // polars and Jackson; Snowflake; Postgres and DuckDB; BigQuery; Java; pandas; logs.
            "1970-01-01T10:00:00.000+0000",
            "1970-01-01 10:00:00.000 +0000",
            "1970-01-01 10:00:00+00",
            "1970-01-01 04:30:00-0530",
            "1970-01-01 10:00:00 UTC",
            "1970-01-01T10:00Z",
            "1970-01-01T11:00+01:00[Europe/Berlin]",
            "1970-01-01 10:00",
            "1970-01-01 10:00:00,000",
            " 1970-01-01 10:00:00 ",
        ] {
            assert_eq!(Micros::parse(text), Some(ten), "{text}");
        }
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T10",
            "1970-01-01T10:00:",
            "1970-13-01T10:00:00Z",
            "1970-01-01T10:00:00ZZ",
            "1970-01-01 10:00:00 CET",
            "1970-01-01 10:00:00+1",
            "1970-01-01 10:00:00 +01:00 +01:00",
            "1970-01-01 10:00:00 [UTC",
            "0",
        ] {
            assert_eq!(Micros::parse(text), None, "{text}");
        }
    }
}
