//! Units of numbers that do not say their own.

use crate::error::{Error, Result};
use crate::time::Micros;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// 100 nanoseconds, as .NET counts.
    Ticks,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 5] = [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos, Self::Ticks];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
            Self::Nanos => "ns",
            Self::Ticks => "ticks",
        }
    }

    /// The unit called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || Error::Option {
            option: "unit".to_owned(),
            value: format!("{name:?}"),
            accepted: format!("one of {}", Self::ALL.map(Self::name).join(", ")),
        };
        Self::ALL.into_iter().find(|unit| unit.name() == name).ok_or_else(unknown)
    }

    /// How many of it make a second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Millis => 1e3,
            Self::Micros => 1e6,
            Self::Nanos => 1e9,
            Self::Ticks => 1e7,
        }
    }

    /// `number` of it in seconds.
    pub(crate) fn seconds(self, number: f64) -> f64 {
        number / self.per_second()
    }

    /// The instant that is `number` of it after 1970 began, cut off to microseconds; `None` outside the years 1 to 9999.
    pub(crate) fn instant(self, number: i64) -> Option<Micros> {
        let micros = match self {
            Self::Seconds => number.checked_mul(1_000_000),
            Self::Millis => number.checked_mul(1_000),
            Self::Micros => Some(number),
            Self::Nanos => Some(number.div_euclid(1_000)),
            Self::Ticks => Some(number.div_euclid(10)),
        };
        micros.and_then(Micros::checked)
    }

    /// The same of a `number` with a fraction, to the nearest microsecond: binary fractions are rarely what was meant.
    pub(crate) fn instant_near(self, number: f64) -> Option<Micros> {
        let micros = (number * (1e6 / self.per_second())).round();
        #[expect(clippy::cast_possible_truncation, reason = "a number beyond is one beyond the years, too")]
        Micros::checked(micros as i64).filter(|_| !micros.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_every_unit() {
        let numbers = [1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000_999];
        for (unit, number) in Unit::ALL.into_iter().zip(numbers) {
            assert_eq!(unit.instant(number), Some(Micros(1_700_000_000_000_000)), "{unit:?}");
        }
        assert_eq!(Unit::Ticks.instant(-1), Some(Micros(-1)));
        assert_eq!(Unit::Seconds.instant(i64::MAX), None);
        assert_eq!(Unit::Seconds.instant_near(1_700_000_000.123_456), Some(Micros(1_700_000_000_123_456)));
        assert_eq!(Unit::Millis.instant_near(1.5), Some(Micros(1500)));
        for number in [f64::NAN, f64::INFINITY, -1e300] {
            assert_eq!(Unit::Seconds.instant_near(number), None, "{number}");
        }
    }

    #[test]
    fn names_read_back() {
        for unit in Unit::ALL {
            assert_eq!(Unit::named(unit.name()).ok(), Some(unit));
        }
        assert!(Unit::named("min").is_err());
        assert_eq!(Unit::Ticks.seconds(25_000_000.0), 2.5);
    }
}
