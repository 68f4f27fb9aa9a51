//! What the clean step would drop, with examples.

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

/// Events that remember their rows, to be checked rather than counted.
#[must_use]
pub fn validate(
    engine: &Engine,
    schema: EventSchema,
    vocabulary: Vocabulary,
    examples: usize,
) -> Events<'_, Numbered> {
    Events::with_rejects(engine, schema, vocabulary, Rejects::new(examples))
}

impl Events<'_, Numbered> {
    /// The first rows to be dropped for each reason, by reason and row, and the counts.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn examples(mut self) -> Result<(Vec<Example>, DropCounts)> {
        let partition = Partition::new(self.engine, std::mem::take(&mut self.chunks));
        let mut duplicates = Vec::new();
        let mut users = Users::default();
        for task in &partition.tasks {
            self.engine.check()?;
            users.store = task.store();
            let fragments = task.ordered(&users.store, |_| false);
            users.gather(task, &fragments, |record: &Numbered| duplicates.push(record.row));
        }
        duplicates.sort_unstable();
        let mut counts = *self.counts();
        counts.add(DropReason::Duplicate, duplicates.len() as u64);
        let rejected = self.rejects.rows.iter().map(|&(reason, row)| Example { reason, row });
        let duplicates = duplicates.iter().take(self.rejects.limit());
        let duplicates = duplicates.map(|&row| Example { reason: DropReason::Duplicate, row });
        let mut examples: Vec<_> = rejected.chain(duplicates).collect();
        examples.sort_unstable_by_key(|example| (example.reason, example.row));
        Ok((examples, counts))
    }
}
