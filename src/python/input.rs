//! What comes in: events and videos, read beside the work on what was read before.

use arrow_array::RecordBatch;
use pyo3::prelude::*;

use super::door::{Maybe, Object, beside, detached, interruptible};
use super::files::ParquetFiles;
use super::options::{vocabulary, whole};
use super::source::Source;
use crate::engine::{AcceptedEvents, Engine, SLICE_ROWS};
use crate::error::Result;
use crate::input::{ColumnMap, EventSchema, Videos};

/// Rows handed to the engine at a time: enough slices to keep some threads busy, while as many are read.
const READ_ROWS: usize = 8 * SLICE_ROWS;

/// Where the columns of `source` are, which holds events, under the names of `map`.
pub(super) fn bind_events(source: &Source<'_>, map: &ColumnMap) -> PyResult<EventSchema> {
    match &source.schema {
        Some(schema) => Ok(EventSchema::bind(schema, map)?),
        // An iterator that yields nothing: results are then empty tables with all their columns.
        None => Ok(EventSchema::of_nothing()?),
    }
}

/// All of `events`.
pub(super) fn read_events<'e>(
    events: Object<'_, '_>,
    engine: &'e Engine,
    map: &ColumnMap,
    vocabulary: Maybe<'_, '_>,
    memory_limit: Maybe<'_, '_>,
) -> PyResult<AcceptedEvents<'e>> {
    let vocabulary = self::vocabulary(vocabulary)?;
    let limit = memory_limit.map(|limit| whole(limit, "memory_limit")).transpose()?;
    if let Ok(files) = events.cast::<ParquetFiles>() {
        let files = &files.get().0;
        let schema = EventSchema::bind(files.schema(), map)?;
        let mut accepted = AcceptedEvents::new(engine, schema, vocabulary, limit);
        interruptible(events.py(), engine, || accepted.read(files.parts()))?;
        return Ok(accepted);
    }
    let source = Source::new(events)?;
    let mut accepted = AcceptedEvents::new(engine, bind_events(&source, map)?, vocabulary, limit);
    push_all(events.py(), engine, source, |batches| accepted.push(batches))?;
    Ok(accepted)
}

/// Reads all batches of `source` and hands them to `push`, some at a time, while the next ones are read.
pub(super) fn push_all(
    py: Python<'_>,
    engine: &Engine,
    mut source: Source<'_>,
    mut push: impl FnMut(&[RecordBatch]) -> Result<()> + Send,
) -> PyResult<()> {
    let mut batches = source.next_some(READ_ROWS)?;
    while !batches.is_empty() {
        let next = || source.next_some(READ_ROWS);
        batches = beside(py, engine, || push(&batches), next)?.1;
    }
    Ok(())
}

/// What the table `videos` says; nothing if there is none.
pub(super) fn read_videos(videos: Maybe<'_, '_>, map: &ColumnMap) -> PyResult<Videos> {
    let Some(videos) = videos else { return Ok(Videos::default()) };
    let (schema, batches) = Source::new(videos)?.all()?;
    if schema.fields().is_empty() && batches.is_empty() {
        return Ok(Videos::default());
    }
    detached(videos.py(), || Videos::read(&schema, &batches, map))
}
