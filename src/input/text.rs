//! What exporters write where a number is meant: numbers, clock readings, ISO 8601 durations, speeds.
//!
//! Each function gives `None` for text that is none of what it reads: such a value is unknown, and never stops a run.

use crate::time::Micros;

/// The number that `text` is. A comma alone is a decimal one: nobody groups the digits of machine-written numbers.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
        if digits.contains(',') { decimal(digits).map(|number| sign * number) } else { None }
    })
}

/// Seconds, and whether `text` says itself that they are: a number may be of another unit, `HH:MM:SS(.fff)` and
/// `PT3M14S` are not.
pub(crate) fn seconds(text: &str) -> Option<Seconds> {
    let text = text.trim();
    if let Some(duration) = text.strip_prefix(['P', 'p']) {
        return iso_duration(duration).map(Seconds::Stated);
    }
    if text.contains(':') { clock(text).map(Seconds::Stated) } else { number(text).map(Seconds::Bare) }
}

/// What `text` is, as a value of the kind `instant`, `seconds`, `speed` or any other `number`, and whether it says its
/// unit itself. Instants are seconds from 1970.
#[must_use]
pub fn read_text(text: &str, kind: &str) -> Option<(f64, bool)> {
    match kind {
        "instant" => Micros::parse(text).map(|time| (time.seconds_since(Micros(0)), true)),
        "seconds" => seconds(text).map(|seconds| match seconds {
            Seconds::Stated(seconds) => (seconds, true),
            Seconds::Bare(number) => (number, false),
        }),
        "speed" => speed(text).map(|speed| (speed, false)),
        _ => number(text).map(|number| (number, false)),
    }
}

/// What text says of a position or length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seconds {
    /// Surely seconds.
    Stated(f64),
    /// A number of whatever unit the column has.
    Bare(f64),
}

/// The speed that `text` is: `1.25`, `1.25x`.
pub(crate) fn speed(text: &str) -> Option<f64> {
    let text = text.trim();
    number(text.strip_suffix(['x', 'X', '×']).unwrap_or(text))
}

/// The integer that `text` is.
pub(crate) fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// Seconds of `HH:MM:SS(.fff)`.
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<_> = text.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else { return None };
    let whole = |digits: &str| if is_digits(digits) { digits.parse::<u32>().ok() } else { None };
    let below_60 = |seconds: &f64| *seconds < 60.0;
    let seconds = decimal(seconds).filter(below_60)?;
    let minutes = whole(minutes).map(f64::from).filter(below_60)?;
    Some(f64::from(whole(hours)?) * 3600.0 + minutes * 60.0 + seconds)
}

/// Seconds of an ISO 8601 duration, after its `P`. Years and months are of no length.
fn iso_duration(text: &str) -> Option<f64> {
    let (days, time) = match text.split_once(['T', 't']) {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None => (text, ""),
    };
    let parts =
        [(days, &[('W', 604_800.0), ('D', 86_400.0)][..]), (time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])];
    let mut total = None;
    for (mut rest, units) in parts {
        for &(unit, length) in units {
            let Some((amount, later)) = rest.split_once([unit, unit.to_ascii_lowercase()]) else { continue };
            total = Some(total.unwrap_or(0.0) + decimal(amount)? * length);
            rest = later;
        }
        if !rest.is_empty() {
            return None;
        }
    }
    total
}

/// A decimal number without sign or exponent, with a point or comma.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let is_decimal = is_digits(whole) && is_digits(fraction);
    if is_decimal { format!("{whole}.{fraction}").parse().ok() } else { None }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_clocks_and_durations() {
        let cases = [
            ("12.5", Seconds::Bare(12.5)),
            (" 1e3 ", Seconds::Bare(1000.0)),
            ("-1", Seconds::Bare(-1.0)),
            ("12,5", Seconds::Bare(12.5)),
            ("-0,25", Seconds::Bare(-0.25)),
            ("00:03:14", Seconds::Stated(194.0)),
            ("1:00:00.5", Seconds::Stated(3600.5)),
            ("100:59:59,25", Seconds::Stated(363_599.25)),
            ("PT3M14S", Seconds::Stated(194.0)),
            ("PT0.5S", Seconds::Stated(0.5)),
            ("pt1h", Seconds::Stated(3600.0)),
            ("P1DT1S", Seconds::Stated(86_401.0)),
            ("P1W", Seconds::Stated(604_800.0)),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_number() {
        let others = [
            "",
            "NULL",
            "undefined",
            "1,2,3",
            "1:2",
            "00:60:00",
            "00:00:60",
            "1:00:00:00",
            "-1:00:00",
            "::",
            "P",
            "PT",
            "P1",
            "PT1",
            "P1M",
            "P1Y",
            "PT1S1M",
            "PT-1S",
            "PT1.S",
            "1.25x",
            "5 s",
        ];
        for text in others {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn speeds_may_have_their_sign() {
        for text in ["1.25x", "1.25X", "1.25×", "1.25", " 1.25x "] {
            assert_eq!(speed(text), Some(1.25), "{text}");
        }
        for text in ["x", "1.25xx", "fast"] {
            assert_eq!(speed(text), None, "{text}");
        }
    }

    #[test]
    fn integers_have_no_fraction() {
        assert_eq!(
            [" 7", "-7", "7.0", "", "9223372036854775808"].map(integer),
            [Some(7), Some(-7), None, None, None]
        );
    }
}
