//! Reading events, and turning them into sessions.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use super::Engine;
use super::fragments::{Chunk, Grouper, Rejects, SLICE_ROWS};
use super::partition::{Estimates, Partition, Walking};
use super::record::{Plain, Record, Wide};
use super::rows::{Durations, Ids, Rows};
use super::sessions::Sessions;
use crate::engagement::EngagementOptions;
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::{Cleaner, DropCounts, DropReason, EventBatch, EventSchema, KeyType, KeyTypes, Videos};
use crate::rules::Rules;
use crate::session::Cutting;

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
            let group = |grouper: &mut Grouper<R>, (base, slice): &(u64, RecordBatch)| {
                self.engine.check()?;
                let mut rejects = Rejects::new(limit);
                let batch = EventBatch::bind(&self.schema, slice)?;
                let rows = 0..slice.num_rows();
                let (chunk, counts) = grouper.group(&batch, rows, *base, cleaner, &mut rejects);
                Ok((chunk, counts, rejects))
            };
            slices.par_iter().map_init(Grouper::default, group).collect::<Result<Vec<_>>>()
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
        let (engine, ids) = (self.engine, self.ids(rules));
        let partition = Partition::new(engine, std::mem::take(&mut self.chunks), |_| false);
        let walking = Walking::new(rules, self.schema.has_session());
        let (tasks, duplicates) = partition.walk(engine, walking, |store, rows| {
            let rows = ids.sorted(store, rows);
            Ok((std::mem::take(store), rows))
        })?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Sessions::new(tasks, ids, self.counts))
    }

    /// Walks all events: one row per user and video.
    ///
    /// # Errors
    /// If the videos' keys are of another type, or the work was stopped.
    pub fn engagement(mut self, videos: &Videos, options: &EngagementOptions) -> Result<Aggregated> {
        let (engine, ids) = (self.engine, self.ids(&options.rules));
        if self.counts.kept() > 0 {
            videos.check_key(ids.keys.video)?;
        }
        let wanted = options.rules.estimate_duration;
        let lacks_duration = |video: &[u8]| wanted && videos.lacks_duration(video);
        let partition = Partition::new(engine, std::mem::take(&mut self.chunks), lacks_duration);
        let walking = Walking::new(&options.rules, self.schema.has_session());
        let estimates = if wanted { partition.furthest(engine, walking)? } else { Estimates::default() };
        let durations = Durations { videos, estimates: &estimates };
        let (batches, duplicates) = partition.walk(engine, walking, |store, rows| {
            let rows = ids.sorted(store, rows);
            Rows { store, ids, all: &rows }.engagement(engine, durations, options)
        })?;
        self.counts.add(DropReason::Duplicate, duplicates);
        let batches = batches.into_iter().flatten().collect();
        Ok(Aggregated { batches, schema: ids.engagement_schema(), counts: self.counts })
    }

    /// How rows show their keys.
    fn ids(&self, rules: &Rules) -> Ids {
        let (keys, has_session) = (self.schema.keys(), self.schema.has_session());
        let is_trusted = Cutting::new(rules, has_session) == Cutting::Trusted;
        let session = if is_trusted { keys.session } else { KeyType::Text };
        Ids { keys: KeyTypes { session, ..keys }, read: has_session.then_some(keys.session) }
    }
}

/// The engagement table, and what was read for it.
#[derive(Debug)]
pub struct Aggregated {
    /// The table, in order.
    pub batches: Vec<RecordBatch>,
    /// Its schema.
    pub schema: SchemaRef,
    /// How many events were read, and how many were dropped for which reason.
    pub counts: DropCounts,
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
