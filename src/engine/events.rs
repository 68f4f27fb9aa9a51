//! Reading events, and turning them into sessions.

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::Engine;
use super::fragments::{Chunk, Rejects, SLICE_ROWS, group};
use super::order::{ordered, tasks};
use super::record::{Plain, Record, Wide};
use super::sessions::{Row, Sessions};
use super::store::KeyStore;
use super::user::{Piece, UserReader};
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::{Cleaner, DropCounts, DropReason, EventBatch, EventSchema, KeyType, KeyTypes};
use crate::rules::Rules;
use crate::session::{Cutting, SessionStats};

/// Events of an input without optional columns.
pub type PlainEvents<'e> = Events<'e, Plain>;
/// Events of an input with optional columns.
pub type WideEvents<'e> = Events<'e, Wide>;

/// Collects the accepted events of an input, batch by batch.
///
/// The layout `R` has to hold every column that is there: [`Wide`] always does, [`Plain`] if
/// [`EventSchema::is_plain`].
pub struct Events<'e, R> {
    pub(super) engine: &'e Engine,
    schema: EventSchema,
    vocabulary: Vocabulary,
    counts: DropCounts,
    pub(super) chunks: Vec<Chunk<R>>,
    pub(super) rejects: Rejects,
}

impl<'e, R: Record> Events<'e, R> {
    /// No events yet, of a table of that schema.
    #[must_use]
    pub fn new(engine: &'e Engine, schema: EventSchema, vocabulary: Vocabulary) -> Self {
        Self::with_rejects(engine, schema, vocabulary, Rejects::default())
    }

    pub(super) fn with_rejects(
        engine: &'e Engine,
        schema: EventSchema,
        vocabulary: Vocabulary,
        rejects: Rejects,
    ) -> Self {
        Self { engine, schema, vocabulary, counts: DropCounts::default(), chunks: Vec::new(), rejects }
    }

    /// How many events were read and dropped; duplicates are found only later.
    #[must_use]
    pub const fn counts(&self) -> &DropCounts {
        &self.counts
    }

    pub(super) const fn schema(&self) -> &EventSchema {
        &self.schema
    }

    /// Takes in batches, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, or the work was stopped.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let slices = slices(batches, self.counts.read);
        let cleaner = Cleaner { vocabulary: &self.vocabulary };
        let limit = self.rejects.limit();
        let grouped = self.engine.run(|| {
            let group = |(base, slice): &(u64, RecordBatch)| {
                self.engine.check()?;
                let mut rejects = Rejects::new(limit);
                let batch = EventBatch::bind(&self.schema, slice)?;
                let (chunk, counts) = group::<R>(&batch, 0..slice.num_rows(), *base, cleaner, &mut rejects);
                Ok((chunk, counts, rejects))
            };
            slices.par_iter().map(group).collect::<Result<Vec<_>>>()
        })?;
        for (chunk, counts, rejects) in grouped {
            self.rejects.merge(rejects, &self.counts);
            self.counts.merge(&counts);
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// Walks all events: one row per user, video and session.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn sessions(mut self, rules: &Rules) -> Result<Sessions> {
        let store = KeyStore(self.chunks.iter_mut().map(|chunk| std::mem::take(&mut chunk.keys)).collect());
        let (engine, has_session) = (self.engine, self.schema.has_session());
        let cutting = Cutting::new(rules, has_session);
        let reader = UserReader { store: &store, chunks: &self.chunks, cutting, has_session };
        let walked = engine.run(|| {
            let fragments = ordered(&store);
            let tasks = tasks(&fragments, engine.tasks(), |&a, &b| store.user(a) == store.user(b));
            let walk = |task: std::ops::Range<usize>| {
                let mut rows = Vec::new();
                let mut duplicates = 0;
                for user in fragments[task].chunk_by(|&a, &b| store.user(a) == store.user(b)) {
                    engine.check()?;
                    let visit = |piece: &Piece<'_, R>| rows.extend(observe(piece, rules));
                    reader.visit(user, |_| duplicates += 1, visit);
                }
                Ok((rows, duplicates))
            };
            tasks.into_par_iter().map(walk).collect::<Result<Vec<_>>>()
        })?;
        let mut tasks = Vec::with_capacity(walked.len());
        for (rows, duplicates) in walked {
            self.counts.add(DropReason::Duplicate, duplicates);
            tasks.push(rows);
        }
        drop(self.chunks);
        let keys = self.schema.keys();
        let session = if cutting == Cutting::Trusted { keys.session } else { KeyType::Text };
        let prefixed = has_session.then_some(keys.session);
        let mut sessions = Sessions::new(store, tasks, KeyTypes { session, ..keys }, prefixed, self.counts);
        sessions.sort(engine);
        Ok(sessions)
    }
}

fn observe<R: Record>(piece: &Piece<'_, R>, rules: &Rules) -> Option<Row> {
    let events = piece.events.iter().map(Record::event);
    let stats = SessionStats::observe(events, rules, |time| piece.next_later(time))?;
    Some(Row { at: piece.at, cut_at: piece.cut_at, stats })
}

/// Slices of at most [`SLICE_ROWS`] rows, each with the number of its first row.
fn slices(batches: &[RecordBatch], read: u64) -> Vec<(u64, RecordBatch)> {
    let mut slices = Vec::new();
    let mut base = read;
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(SLICE_ROWS) {
            let rows = SLICE_ROWS.min(batch.num_rows() - start);
            slices.push((base + start as u64, batch.slice(start, rows)));
        }
        base += batch.num_rows() as u64;
    }
    slices
}
