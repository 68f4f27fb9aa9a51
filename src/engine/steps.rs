//! Steps between reading events and the tables, each by itself: for measuring them. The engine takes the same ones, but
//! lets go of what it does not need any more.

use super::events::{AcceptedEvents, Layout};
use super::group::{Hash, Plain, Wide};
use super::walk::Partition;
use crate::input::{AnyEventKeys, EventBatch, EventKeys, KeyRows};

/// Hashes the keys of all rows of `batch`, and tells something that depends on each of the hashes.
#[must_use]
pub fn hash(batch: &EventBatch) -> u64 {
    fn all<C: KeyRows>(columns: &EventKeys<'_, C>, rows: usize) -> u64 {
        let hash = Hash::default();
        let keys = (0..rows).filter_map(|row| columns.get(row));
        keys.fold(0, |all, keys| all ^ columns.hash(&keys, &hash))
    }
    let rows = batch.position.len();
    match batch.keys() {
        AnyEventKeys::Utf8(keys) => all(&keys, rows),
        AnyEventKeys::LargeUtf8(keys) => all(&keys, rows),
        AnyEventKeys::Utf8View(keys) => all(&keys, rows),
        AnyEventKeys::Coded(keys) => all(&keys, rows),
        AnyEventKeys::Mixed(keys) => all(&keys, rows),
    }
}

/// What was read, in tasks of whole users.
pub struct Partitioned(Layouts);

/// A partition in the layout that its events have.
enum Layouts {
    Plain(Partition<Plain>),
    Wide(Partition<Wide>),
}

/// Cuts what was read into `events`, and is not in temporary files, into tasks.
#[must_use]
pub fn partition(events: AcceptedEvents<'_>) -> Partitioned {
    Partitioned(match events.0 {
        Layout::Plain(events) => Layouts::Plain(Partition::new(events.engine, events.chunks)),
        Layout::Wide(events) => Layouts::Wide(Partition::new(events.engine, events.chunks)),
    })
}

impl Partitioned {
    /// Puts the fragments of each task in order, and tells how many there are.
    #[must_use]
    pub fn sort(&self) -> usize {
        fn sorted<R>(partition: &Partition<R>) -> usize {
            partition.tasks.iter().map(|task| task.ordered(&task.store(), |_| false).len()).sum()
        }
        match &self.0 {
            Layouts::Plain(partition) => sorted(partition),
            Layouts::Wide(partition) => sorted(partition),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use arrow_schema::DataType;

    use super::*;
    use crate::engine::Engine;
    use crate::event::Vocabulary;
    use crate::input::{ColumnMap, Dictionaries, EventSchema};

    /// Two events each of so many users, with keys of that type.
    fn events(users: i64, keys: &DataType) -> RecordBatch {
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..users * 2).map(|row| (row / 2).to_string())));
        let keys = || arrow_cast::cast(&texts, keys).unwrap();
        let rows = usize::try_from(users * 2).unwrap();
        let columns: [(&str, ArrayRef); 5] = [
            ("userId", keys()),
            ("videoId", keys()),
            ("eventName", Arc::new(StringArray::from(vec!["play"; rows]))),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from_iter_values(0..users * 2))),
            ("currentTime", Arc::new(Float64Array::from(vec![1.0; rows]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn steps_are_those_of_the_engine() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for keys in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, DataType::Int64, dictionary] {
            let batch = events(1001, &keys);
            let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default()).unwrap();
            let bind = |batch| EventBatch::bind(&schema, batch, &Dictionaries::default()).unwrap();
            // Of two rows of one user the hashes are the same; one row by itself shows that there are any.
            assert_eq!(hash(&bind(&batch)), 0);
            assert_ne!(hash(&bind(&batch.slice(0, 1))), 0);

            let engine = Engine::new(Some(1)).unwrap();
            let mut read = AcceptedEvents::new(&engine, schema, Vocabulary::default(), None);
            read.push(std::slice::from_ref(&batch)).unwrap();
            assert_eq!(partition(read).sort(), 1001);
        }
    }
}
