//! What the clean step would drop, with examples.

use arrow_array::RecordBatch;

use super::events::Events;
use super::group::{Numbered, Rejects};
use super::pool::Engine;
use super::walk::{Partition, Users};
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::{DropCounts, DropReason, EventSchema};

/// A row that would be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Why.
    pub reason: DropReason,
    /// The row's number, from 0.
    pub row: u64,
}

/// Events that remember their rows, to be checked rather than made into tables.
pub struct Validation<'e>(Events<'e, Numbered>);

/// A check that has seen no events yet, of a table of `schema` whose event names mean what `vocabulary` says. It will tell
/// at most `examples` rows for each reason.
#[must_use]
pub fn validate(
    engine: &Engine,
    schema: EventSchema,
    vocabulary: Vocabulary,
    examples: usize,
) -> Validation<'_> {
    Validation(Events::with_rejects(engine, schema, vocabulary, Rejects::new(examples)))
}

impl Validation<'_> {
    /// Takes in `batches`, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, or the work was stopped.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        self.0.push(batches)
    }

    /// The first rows to be dropped for each reason, by reason and row, and how many events were read and dropped.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn examples(self) -> Result<(Vec<Example>, DropCounts)> {
        let Self(mut events) = self;
        let partition = Partition::new(events.engine, std::mem::take(&mut events.chunks));
        let mut duplicates = Vec::new();
        let mut users = Users::default();
        for task in &partition.tasks {
            events.engine.check()?;
            users.store = task.store();
            let fragments = task.ordered(&users.store, |_| false);
            users.gather(task, &fragments, |record: &Numbered| duplicates.push(record.row));
        }
        duplicates.sort_unstable();
        let mut counts = events.counts;
        counts.add(DropReason::Duplicate, duplicates.len() as u64);
        let rejected = events.rejects.rows.iter().map(|&(reason, row)| Example { reason, row });
        let duplicates = duplicates.iter().take(events.rejects.limit());
        let duplicates = duplicates.map(|&row| Example { reason: DropReason::Duplicate, row });
        let mut examples: Vec<_> = rejected.chain(duplicates).collect();
        examples.sort_unstable_by_key(|example| (example.reason, example.row));
        Ok((examples, counts))
    }
}
