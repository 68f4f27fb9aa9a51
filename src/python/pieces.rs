//! The computation in pieces, for engines that keep tables elsewhere and call it on their own parts of them.

use arrow_array::RecordBatch;
use pyo3::prelude::*;

use super::bridge::{export_batch, import_batch};
use super::door::{detached, guarded, interruptible};
use super::options::{columns, engagement_options, engine, micros, rules, vocabulary};
use super::source::Source;
use super::work::{Maybe, Object, Reported, Tables, bind_events, export, handed_on, push_all, walk_events};
use crate::engine::{AcceptedEvents, Scopes};
use crate::error::{Error, Result};
use crate::input::{self, VideoReader, Videos};
use crate::output;

/// The batches of any table, as pyarrow's, and their schema: checked, which pyarrow's own import is not.
#[pyfunction]
pub(super) fn batches(py: Python<'_>, table: Object<'_, '_>) -> PyResult<Tables> {
    guarded(|| {
        let source = Source::new(table)?;
        if source.schema.is_none() {
            return Err(Error::Source("it holds no batch, so nobody knows its columns.".to_owned()).into());
        }
        let (schema, batches) = source.all()?;
        // Where text ends is all that pyarrow will know of its size.
        detached(py, || batches.iter().try_for_each(input::check_text))?;
        export(py, batches, &schema.into())
    })
}

/// A batch in Spark's layout.
#[pyfunction]
pub(super) fn to_wire(py: Python<'_>, batch: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| changed(py, batch, output::to_spark_layout))
}

/// The batch whose layout for Spark this is.
#[pyfunction]
pub(super) fn from_wire(py: Python<'_>, batch: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| changed(py, batch, output::from_spark_layout))
}

/// The events that lie in the span that their row states.
#[pyfunction]
pub(super) fn within(py: Python<'_>, batch: Object<'_, '_>, columns: Maybe<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let map = self::columns(columns)?;
        changed(py, batch, |batch| input::within(batch, &map))
    })
}

/// What becomes of a batch whose columns are handed on or copied as they are.
fn changed(
    py: Python<'_>,
    batch: Object<'_, '_>,
    change: impl FnOnce(&RecordBatch) -> Result<RecordBatch> + Send,
) -> PyResult<Py<PyAny>> {
    let batch = import_batch(batch)?;
    let changed = detached(py, || {
        input::check_text(&batch)?;
        change(&batch)
    })?;
    export_batch(py, changed)
}

/// Who has events in a time window, and from when to when.
#[pyfunction]
pub(super) fn scopes(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    start: Maybe<'_, '_>,
    end: Maybe<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let engine = engine(threads)?;
        let (map, vocabulary) = (self::columns(columns)?, self::vocabulary(vocabulary)?);
        let (start, end) = (micros(start, "start")?, micros(end, "end")?);
        let source = Source::new(events)?;
        let mut scopes = Scopes::new(&engine, bind_events(&source, &map)?, vocabulary, start, end);
        push_all(py, &engine, source, |batches| scopes.push(batches))?;
        let batches = interruptible(py, &engine, || scopes.batches())?;
        export(py, batches, &scopes.schema())
    })
}

/// How far anybody got in each video.
#[pyfunction]
pub(super) fn furthest(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let engine = engine(threads)?;
        let (map, rules) = (self::columns(columns)?, self::rules(rules)?);
        let sessions = walk_events(events, &engine, &map, vocabulary, &rules)?;
        let batches = interruptible(py, &engine, || sessions.furthest(&engine))?;
        export(py, batches, &sessions.furthest_schema())
    })
}

/// One row per user and video, from events that state their video's duration.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn aggregate_joined(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    scoring: Object<'_, '_>,
    unique_seconds: bool,
    threads: Maybe<'_, '_>,
) -> PyResult<Reported> {
    guarded(|| {
        let engine = engine(threads)?;
        let (map, vocabulary) = (self::columns(columns)?, self::vocabulary(vocabulary)?);
        let mut options = engagement_options(rules, scoring, unique_seconds)?;
        // These may be some of a video's events: they cannot tell how far anybody got in it.
        options.rules.estimate_duration = false;
        let source = Source::new(events)?;
        let events = bind_events(&source, &map)?;
        let mut videos =
            source.schema.as_ref().map(|schema| VideoReader::of_events(schema, &map)).transpose()?;
        let mut accepted = AcceptedEvents::new(&engine, events, vocabulary, None);
        push_all(py, &engine, source, |batches| {
            videos.as_mut().map_or(Ok(()), |videos| videos.read(batches))?;
            accepted.push(batches)
        })?;
        let videos = videos.map_or_else(Videos::default, VideoReader::finish);
        handed_on(py, &engine, None, |take| accepted.engagement_rows(&videos, &options, take))
    })
}
