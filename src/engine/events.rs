//! Reading events: cleaned, grouped, and kept in memory as far as they may.

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::group::{Chunk, Grouper, Plain, Record, Rejects, SLICE_ROWS, Slice, Wide, in_slices};
use super::partitions::Partitions;
use super::pool::Engine;
use super::spill::Spill;
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::{Cleaner, Dictionaries, DropCounts, EventBatch, EventSchema};

/// How many bytes are taken to be kept of a slice, as long as none tells. Plain events in fragments of a few each take
/// about half of it.
const SLICE_BYTES: usize = SLICE_ROWS * 64;
/// What part of the memory for events is left for those to come when others are written out: little, as what is written
/// has to be read again, and not too little, as each writing goes to all files.
const WINDOW: usize = 8;
/// How many slices are grouped at least before the memory that they take is looked at.
const SLICES_AT_ONCE: usize = 4;

/// Collects the accepted events of an input, batch by batch, in the smaller of the two layouts that holds what they
/// carry.
pub struct AcceptedEvents<'e>(pub(super) Layout<'e>);

/// Events in the layout that an input gets.
pub(super) enum Layout<'e> {
    /// Of an input without optional columns.
    Plain(Events<'e, Plain>),
    /// Of any other.
    Wide(Events<'e, Wide>),
}

impl<'e> AcceptedEvents<'e> {
    /// No events yet, of a table of `schema` whose event names mean what `vocabulary` says. What events take beyond half
    /// of `memory_limit`, in bytes, goes to temporary files; without a limit all of them stay in memory.
    #[must_use]
    pub fn new(
        engine: &'e Engine,
        schema: EventSchema,
        vocabulary: Vocabulary,
        memory_limit: Option<usize>,
    ) -> Self {
        Self(if schema.is_plain() {
            Layout::Plain(Events::new(engine, schema, vocabulary).with_memory_limit(memory_limit))
        } else {
            Layout::Wide(Events::new(engine, schema, vocabulary).with_memory_limit(memory_limit))
        })
    }

    /// Takes in `batches`, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, the work was stopped, or temporary files cannot be written.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        match &mut self.0 {
            Layout::Plain(events) => events.push(batches),
            Layout::Wide(events) => events.push(batches),
        }
    }
}

/// Collects the accepted events of an input, batch by batch.
///
/// The layout `R` has to hold every column that is there: [`Wide`] always does, [`Plain`] if
/// [`EventSchema::is_plain`].
pub(super) struct Events<'e, R> {
    pub(super) engine: &'e Engine,
    schema: EventSchema,
    vocabulary: Vocabulary,
    /// The key values of the latest batch's dictionaries: a batch with the same ones takes these, and need not look at
    /// them again.
    dictionaries: Dictionaries,
    pub(super) counts: DropCounts,
    pub(super) chunks: Vec<Chunk<R>>,
    pub(super) rejects: Rejects,
    /// How much memory the chunks take, and may take, in bytes.
    bytes: usize,
    limit: usize,
    /// How many bytes the events of a slice may come to: the most that any slice has taken so far.
    slice_bytes: usize,
    /// What did not fit.
    spill: Option<Spill<R>>,
}

impl<'e, R: Record> Events<'e, R> {
    /// No events yet, of a table of `schema` whose event names mean what `vocabulary` says.
    pub(super) fn new(engine: &'e Engine, schema: EventSchema, vocabulary: Vocabulary) -> Self {
        Self::with_rejects(engine, schema, vocabulary, Rejects::default())
    }

    /// No events yet, as in [`Self::new`]; `rejects` notes which rows are dropped.
    pub(super) fn with_rejects(
        engine: &'e Engine,
        schema: EventSchema,
        vocabulary: Vocabulary,
        rejects: Rejects,
    ) -> Self {
        Self {
            engine,
            schema,
            vocabulary,
            dictionaries: Dictionaries::default(),
            counts: DropCounts::default(),
            chunks: Vec::new(),
            rejects,
            bytes: 0,
            limit: usize::MAX,
            slice_bytes: SLICE_BYTES,
            spill: None,
        }
    }

    /// These events with a bound of `limit` bytes on memory: what they take beyond half of it goes to temporary files.
    /// The other half is for the rest of the work.
    pub(super) fn with_memory_limit(self, limit: Option<usize>) -> Self {
        Self { limit: limit.map_or(usize::MAX, |limit| limit / 2), ..self }
    }

    pub(super) const fn schema(&self) -> &EventSchema {
        &self.schema
    }

    /// What drops events, and reads the others.
    pub(super) const fn cleaner(&self) -> Cleaner<'_> {
        Cleaner { vocabulary: &self.vocabulary }
    }

    /// Takes in `batches`, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, the work was stopped, or temporary files cannot be written.
    pub(super) fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let slices = self.slices(batches)?;
        let mut rest = &slices[..];
        while !rest.is_empty() {
            let fits = self.room() / self.slice_bytes;
            let (now, later) = rest.split_at(fits.max(SLICES_AT_ONCE).min(rest.len()));
            self.push_slices(now)?;
            self.fit()?;
            rest = later;
        }
        Ok(())
    }

    /// The slices of `batches`, each numbered on from the events that were read before.
    fn slices(&mut self, batches: &[RecordBatch]) -> Result<Vec<Slice>> {
        let mut slices = Vec::new();
        let mut base = self.counts.read;
        for batch in batches {
            // None of its rows, and all values: these are looked at once.
            let values = EventBatch::bind(&self.schema, &batch.slice(0, 0), &self.dictionaries)?;
            self.dictionaries = values.dictionaries();
            for slice in in_slices(batch.num_rows()) {
                let (base, rows) = (base + slice.start as u64, batch.slice(slice.start, slice.len()));
                slices.push(Slice { base, rows, dictionaries: self.dictionaries.clone() });
            }
            base += batch.num_rows() as u64;
        }
        Ok(slices)
    }

    /// Groups `slices`, in parallel, and keeps their chunks in memory.
    fn push_slices(&mut self, slices: &[Slice]) -> Result<()> {
        let cleaner = self.cleaner();
        let limit = self.rejects.limit();
        let grouped = self.engine.run(|| {
            let group = |grouper: &mut Grouper<R>, slice: &Slice| {
                self.engine.check()?;
                let mut rejects = Rejects::new(limit);
                let batch = EventBatch::bind(&self.schema, &slice.rows, &slice.dictionaries)?;
                let number = |row| slice.base + row as u64;
                let (chunks, counts) = grouper.group(&batch, number, cleaner, &mut rejects)?;
                Ok((chunks, counts, rejects))
            };
            slices.par_iter().map_init(Grouper::default, group).collect::<Result<Vec<_>>>()
        })?;
        for (chunks, counts, rejects) in grouped {
            self.rejects.merge(rejects, &self.counts);
            self.slice_bytes = self.slice_bytes.max(chunks.iter().map(Chunk::bytes).sum());
            self.keep(chunks, &counts);
        }
        Ok(())
    }

    /// Keeps `chunks` in memory, and the `counts` of the rows that they are of.
    pub(super) fn keep(&mut self, chunks: Vec<Chunk<R>>, counts: &DropCounts) {
        self.counts.merge(counts);
        self.bytes += chunks.iter().map(Chunk::bytes).sum::<usize>();
        self.chunks.extend(chunks);
    }

    /// How much more may be kept in memory, in bytes.
    pub(super) const fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes)
    }

    /// Sees to it that no more is kept in memory than may be.
    pub(super) fn fit(&mut self) -> Result<()> {
        if self.bytes > self.limit { self.write_out(self.limit - self.limit / WINDOW) } else { Ok(()) }
    }

    /// Leaves as many events in memory as fit into `room` bytes, and writes all others to temporary files.
    fn write_out(&mut self, room: usize) -> Result<()> {
        let chunks = std::mem::take(&mut self.chunks);
        let spill = match &mut self.spill {
            Some(spill) => spill,
            empty => empty.insert(Spill::new(&chunks)?),
        };
        spill.add(self.engine, chunks, room)?;
        self.bytes = spill.bytes();
        Ok(())
    }

    /// All events, in the order of their users.
    pub(super) fn partitions(&mut self) -> Result<Partitions<R>> {
        self.dictionaries = Dictionaries::default();
        if self.spill.is_some() {
            self.write_out(self.limit)?;
        }
        match self.spill.take() {
            None => Ok(Partitions::new(self.engine, std::mem::take(&mut self.chunks), Vec::new())),
            Some(spill) => {
                // Two parts, of which one is read while the other is walked, are in memory beside what stayed there:
                // together seven eighths of the memory limit.
                let (chunks, parts) = spill.finish(self.engine, self.limit / 8 * 3)?;
                Ok(Partitions::new(self.engine, chunks, parts))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field, Schema, TimeUnit};

    use super::*;
    use crate::input::ColumnMap;

    #[test]
    fn an_input_without_optional_columns_gets_the_smaller_layout() {
        let field = |(name, data_type): (&str, DataType)| Field::new(name, data_type, true);
        let needed = [
            ("userId", DataType::Utf8),
            ("videoId", DataType::Utf8),
            ("eventName", DataType::Utf8),
            ("timestamp", DataType::Timestamp(TimeUnit::Microsecond, None)),
            ("currentTime", DataType::Float64),
        ];
        let engine = Engine::new(Some(1)).unwrap();
        let is_plain = |optional: Option<(&str, DataType)>| {
            let schema = Schema::new(needed.iter().cloned().chain(optional).map(field).collect::<Vec<_>>());
            let schema = EventSchema::bind(&schema, &ColumnMap::default()).unwrap();
            let events = AcceptedEvents::new(&engine, schema, Vocabulary::default(), None);
            matches!(events.0, Layout::Plain(_))
        };
        assert!(is_plain(None) && is_plain(Some(("sessionId", DataType::Utf8))));
        assert!(!is_plain(Some(("playbackRate", DataType::Float64))));
    }
}
