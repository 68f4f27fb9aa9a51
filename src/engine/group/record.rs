//! Events as fixed-size records whose order is the order of events.

use crate::event::{Event, EventKind};
use crate::time::Micros;

/// An event in a form that sorts fast: the derived order of the fields is the order of events.
pub(crate) trait Record: Copy + Default + Ord + Send + Sync {
    /// The record of `event`, which stood in `row` of the input, from 0.
    fn new(event: &Event, row: u64) -> Self;
    /// When it happened.
    fn time(&self) -> Micros;
    /// The event.
    fn event(&self) -> Event;
    /// Whether it and `other` are duplicates of each other.
    fn same(&self, other: &Self) -> bool;
    /// Whether it keeps what events may carry beside time, kind and position.
    const HAS_EXTRAS: bool = true;
    /// How many bytes [`Self::write`] writes.
    const BYTES: usize;
    /// Adds its [`Self::BYTES`] bytes to `bytes`.
    fn write(&self, bytes: &mut Vec<u8>);
    /// The record that [`Self::write`] wrote as `bytes`.
    fn read(bytes: &[u8]) -> Self;
}

/// An event of an input that has none of the optional columns: 16 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Plain {
    /// Time in the upper bits, kind in the lowest four: years 1 to 9999 in microseconds leave room for more.
    time_kind: i64,
    /// The position as [`bits`] that are ordered as numbers are.
    position: u64,
}

const KIND_BITS: u32 = 4;

/// The event kind at `index` of [`EventKind::ALL`].
fn kind(index: usize) -> EventKind {
    EventKind::ALL.get(index).copied().unwrap_or(EventKind::Heartbeat)
}

impl Record for Plain {
    fn new(event: &Event, _row: u64) -> Self {
        let time_kind = event.time.0 << KIND_BITS | i64::from(event.kind as u8);
        Self { time_kind, position: bits(event.position) }
    }

    fn time(&self) -> Micros {
        Micros(self.time_kind >> KIND_BITS)
    }

    #[inline]
    fn event(&self) -> Event {
        let index = self.time_kind & ((1 << KIND_BITS) - 1);
        Event {
            time: self.time(),
            kind: kind(usize::try_from(index).unwrap_or(0)),
            position: value(self.position),
            seek_from: None,
            rate: None,
            sequence: None,
            duration: None,
        }
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    const HAS_EXTRAS: bool = false;
    const BYTES: usize = 16;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.time_kind.to_le_bytes());
        bytes.extend(self.position.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let [time_kind, position] = words(bytes);
        Self { time_kind: time_kind.cast_signed(), position }
    }
}

/// The first words of `bytes`, zero where there are none.
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| words.get(index).map_or(0, |word| u64::from_le_bytes(*word)))
}

/// An event with everything it can carry. Nulls come last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide {
    time: Micros,
    unsequenced: bool,
    sequence: i64,
    kind: EventKind,
    position: u64,
    seek_from: u64,
    rate: u64,
    duration: u64,
}

/// The bits of `value`. Those of "not a number", which stand for none, are above those of every number that is not
/// negative.
fn bits(value: Option<f64>) -> u64 {
    value.unwrap_or(f64::NAN).to_bits()
}

/// The value that [`bits`] made `bits` of.
#[inline]
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
            position: bits(event.position),
            seek_from: bits(event.seek_from),
            rate: bits(event.rate),
            duration: bits(event.duration),
        }
    }

    fn time(&self) -> Micros {
        self.time
    }

    fn event(&self) -> Event {
        Event {
            time: self.time,
            kind: self.kind,
            position: value(self.position),
            seek_from: value(self.seek_from),
            rate: value(self.rate),
            sequence: (!self.unsequenced).then_some(self.sequence),
            duration: value(self.duration),
        }
    }

    fn same(&self, other: &Self) -> bool {
        let key = |r: &Self| (r.time, r.unsequenced, r.sequence, r.kind, r.position);
        key(self) == key(other)
    }

    const BYTES: usize = 56;

    fn write(&self, bytes: &mut Vec<u8>) {
        let kind = u64::from(self.kind as u8) | u64::from(self.unsequenced) << 8;
        let (time, sequence) = (self.time.0.cast_unsigned(), self.sequence.cast_unsigned());
        for word in [time, sequence, kind, self.position, self.seek_from, self.rate, self.duration] {
            bytes.extend(word.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Self {
        let [time, sequence, flags, position, seek_from, rate, duration] = words(bytes);
        Self {
            time: Micros(time.cast_signed()),
            unsequenced: flags >> 8 == 1,
            sequence: sequence.cast_signed(),
            kind: kind(usize::from((flags & 0xFF) as u8)),
            position,
            seek_from,
            rate,
            duration,
        }
    }
}

/// An event that remembers its row in the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Numbered {
    record: Wide,
    /// The row's number, from 0.
    pub(crate) row: u64,
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

    const BYTES: usize = Wide::BYTES + 8;

    fn write(&self, bytes: &mut Vec<u8>) {
        self.record.write(bytes);
        bytes.extend(self.row.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let (record, row) = bytes.split_at(Wide::BYTES.min(bytes.len()));
        let [row] = words(row);
        Self { record: Wide::read(record), row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        let optional = || prop::option::of((0u8..3).prop_map(f64::from));
        let time = prop_oneof![(-3i64..3), Just(Micros::MIN.0), Just(Micros::MAX.0)];
        let positive = || prop::option::of((1u8..3).prop_map(f64::from));
        let numbers = (optional(), optional(), positive(), positive());
        (time, 0usize..9, numbers, prop::option::of(-1i64..2)).prop_map(
            |(time, kind, (position, seek_from, rate, duration), sequence)| Event {
                time: Micros(time),
                kind: EventKind::ALL[kind],
                position,
                seek_from,
                rate,
                sequence,
                duration,
            },
        )
    }

    /// Nulls last.
    fn last(value: Option<f64>) -> f64 {
        value.unwrap_or(f64::INFINITY)
    }

    fn assert_written<R: Record + std::fmt::Debug>(record: R) {
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        assert_eq!((bytes.len(), R::read(&bytes)), (R::BYTES, record));
    }

    proptest! {
        #[test]
        fn records_keep_events_and_their_order(a in any_event(), b in any_event()) {
            prop_assert_eq!(Wide::new(&a, 0).event(), a);
            prop_assert_eq!(Numbered::new(&a, 7).event(), a);
            assert_written(Wide::new(&a, 0));
            assert_written(Numbered::new(&a, 7));
            let order = a.time.cmp(&b.time)
                .then_with(|| a.sequence.is_none().cmp(&b.sequence.is_none()).then(a.sequence.cmp(&b.sequence)))
                .then_with(|| a.kind.cmp(&b.kind))
                .then_with(|| last(a.position).total_cmp(&last(b.position)))
                .then_with(|| last(a.seek_from).total_cmp(&last(b.seek_from)))
                .then_with(|| last(a.rate).total_cmp(&last(b.rate)))
                .then_with(|| last(a.duration).total_cmp(&last(b.duration)));
            prop_assert_eq!(Wide::new(&a, 0).cmp(&Wide::new(&b, 0)), order);
        }

        #[test]
        fn plain_records_keep_plain_events_and_their_order(a in any_event(), b in any_event()) {
            let plain = |e: Event| Event { seek_from: None, rate: None, sequence: None, duration: None, ..e };
            let (a, b) = (plain(a), plain(b));
            prop_assert_eq!(Plain::new(&a, 0).event(), a);
            assert_written(Plain::new(&a, 0));
            prop_assert_eq!(Plain::new(&a, 0).cmp(&Plain::new(&b, 0)), Wide::new(&a, 0).cmp(&Wide::new(&b, 0)));
            prop_assert_eq!(Plain::new(&a, 0).same(&Plain::new(&b, 0)), Wide::new(&a, 0).same(&Wide::new(&b, 0)));
        }
    }

    #[test]
    fn a_plain_record_is_16_bytes() {
        assert_eq!(size_of::<Plain>(), 16);
    }
}
