//! Events as fixed-size records whose order is the order of events.

use crate::event::{Event, EventKind};
use crate::time::Micros;

/// An event in a form that sorts fast: the derived order of the fields is the order of events.
pub trait Record: Copy + Default + Ord + Send + Sync {
    /// The record of an event that stood in that row of the input.
    fn new(event: &Event, row: u64) -> Self;
    /// When it happened.
    fn time(&self) -> Micros;
    /// The event.
    fn event(&self) -> Event;
    /// Whether one of the two is a duplicate of the other.
    fn same(&self, other: &Self) -> bool;
}

/// An event of an input that has none of the optional columns: 16 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    /// Time in the upper bits, kind in the lowest four: years 1 to 9999 in microseconds leave room for more.
    time_kind: i64,
    /// The bits of a number that is not negative are ordered as the numbers are.
    position: u64,
}

const KIND_BITS: u32 = 4;

fn kind(index: usize) -> EventKind {
    EventKind::ALL.get(index).copied().unwrap_or(EventKind::Heartbeat)
}

impl Record for Plain {
    fn new(event: &Event, _row: u64) -> Self {
        let time_kind = event.time.0 << KIND_BITS | i64::from(event.kind as u8);
        Self { time_kind, position: event.position.to_bits() }
    }

    fn time(&self) -> Micros {
        Micros(self.time_kind >> KIND_BITS)
    }

    fn event(&self) -> Event {
        let index = self.time_kind & ((1 << KIND_BITS) - 1);
        Event {
            time: self.time(),
            kind: kind(usize::try_from(index).unwrap_or(0)),
            position: f64::from_bits(self.position),
            seek_from: None,
            rate: None,
            sequence: None,
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

/// An event with everything it can carry. Nulls come last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    time: Micros,
    unsequenced: bool,
    sequence: i64,
    kind: EventKind,
    position: u64,
    seek_from: u64,
    rate: u64,
}

/// The bits of "not a number" are above those of every number that is not negative.
fn bits(value: Option<f64>) -> u64 {
    value.unwrap_or(f64::NAN).to_bits()
}

fn value(bits: u64) -> Option<f64> {
    Some(f64::from_bits(bits)).filter(|value| !value.is_nan())
}

impl Record for Wide {
    fn new(event: &Event, _row: u64) -> Self {
        Self {
            time: event.time,
            unsequenced: event.sequence.is_none(),
            sequence: event.sequence.unwrap_or(0),
            kind: event.kind,
            position: event.position.to_bits(),
            seek_from: bits(event.seek_from),
            rate: bits(event.rate),
        }
    }

    fn time(&self) -> Micros {
        self.time
    }

    fn event(&self) -> Event {
        Event {
            time: self.time,
            kind: self.kind,
            position: f64::from_bits(self.position),
            seek_from: value(self.seek_from),
            rate: value(self.rate),
            sequence: (!self.unsequenced).then_some(self.sequence),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let key = |r: &Self| (r.time, r.unsequenced, r.sequence, r.kind, r.position);
        key(self) == key(other)
    }
}

/// An event that remembers its row in the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbered {
    record: Wide,
    /// The row's number, from 0.
    pub row: u64,
}

impl Record for Numbered {
    fn new(event: &Event, row: u64) -> Self {
        Self { record: Wide::new(event, row), row }
    }

    fn time(&self) -> Micros {
        self.record.time
    }

    fn event(&self) -> Event {
        self.record.event()
    }

    fn same(&self, other: &Self) -> bool {
        self.record.same(&other.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        let optional = || prop::option::of((0u8..3).prop_map(f64::from));
        let time = prop_oneof![(-3i64..3), Just(Micros::MIN.0), Just(Micros::MAX.0)];
        (time, 0usize..9, 0u8..3, optional(), prop::option::of(1u8..3), prop::option::of(-1i64..2)).prop_map(
            |(time, kind, position, seek_from, rate, sequence)| Event {
                time: Micros(time),
                kind: EventKind::ALL[kind],
                position: position.into(),
                seek_from,
                rate: rate.map(f64::from),
                sequence,
            },
        )
    }

    /// Nulls last.
    fn last(value: Option<f64>) -> f64 {
        value.unwrap_or(f64::INFINITY)
    }

    proptest! {
        #[test]
        fn records_keep_events_and_their_order(a in any_event(), b in any_event()) {
            prop_assert_eq!(Wide::new(&a, 0).event(), a);
            prop_assert_eq!(Numbered::new(&a, 7).event(), a);
            let order = a.time.cmp(&b.time)
                .then_with(|| a.sequence.is_none().cmp(&b.sequence.is_none()).then(a.sequence.cmp(&b.sequence)))
                .then_with(|| a.kind.cmp(&b.kind))
                .then_with(|| a.position.total_cmp(&b.position))
                .then_with(|| last(a.seek_from).total_cmp(&last(b.seek_from)))
                .then_with(|| last(a.rate).total_cmp(&last(b.rate)));
            prop_assert_eq!(Wide::new(&a, 0).cmp(&Wide::new(&b, 0)), order);
        }

        #[test]
        fn plain_records_keep_plain_events_and_their_order(a in any_event(), b in any_event()) {
            let plain = |e: Event| Event { seek_from: None, rate: None, sequence: None, ..e };
            let (a, b) = (plain(a), plain(b));
            prop_assert_eq!(Plain::new(&a, 0).event(), a);
            prop_assert_eq!(Plain::new(&a, 0).cmp(&Plain::new(&b, 0)), Wide::new(&a, 0).cmp(&Wide::new(&b, 0)));
            prop_assert_eq!(Plain::new(&a, 0).same(&Plain::new(&b, 0)), Wide::new(&a, 0).same(&Wide::new(&b, 0)));
        }
    }

    #[test]
    fn a_plain_record_is_16_bytes() {
        assert_eq!(size_of::<Plain>(), 16);
    }
}
