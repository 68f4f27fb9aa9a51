//! The functions that compute.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::bridge::{export_batch, export_batches, export_schema};
use super::door::{beside, guarded, interruptible};
use super::options::{columns, engagement_options, engine, number, rules, vocabulary, whole};
use super::source::Source;
use crate::engine::{self, AcceptedEvents, Engine, Made, SLICE_ROWS, Sessions};
use crate::error::{Error, Result};
use crate::input::{ColumnMap, DropCounts, DropReason, EventSchema, KeyType, Videos};
use crate::output::explanation_table;
use crate::retention::Buckets;
use crate::rules::Rules;

pub(super) type Object<'a, 'py> = &'a Bound<'py, PyAny>;
pub(super) type Maybe<'a, 'py> = Option<&'a Bound<'py, PyAny>>;
pub(super) type Tables = (Vec<Py<PyAny>>, Py<PyAny>);
pub(super) type Reported = (Vec<Py<PyAny>>, Py<PyAny>, Py<PyDict>);

/// Rows handed to the engine at a time: enough slices to keep some threads busy, while as many are read.
const READ_ROWS: usize = 8 * SLICE_ROWS;

/// One row per user and video.
#[pyfunction]
#[pyo3(signature = (
    events, videos, columns, vocabulary, rules, scoring, unique_seconds, threads, memory_limit = None, sink = None
))]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn aggregate(
    py: Python<'_>,
    events: Object<'_, '_>,
    videos: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    scoring: Object<'_, '_>,
    unique_seconds: bool,
    threads: Maybe<'_, '_>,
    memory_limit: Maybe<'_, '_>,
    sink: Maybe<'_, '_>,
) -> PyResult<Reported> {
    guarded(|| {
        let engine = engine(threads)?;
        let map = self::columns(columns)?;
        let options = engagement_options(rules, scoring, unique_seconds)?;
        let videos = read_videos(videos, &map)?;
        let events = read_events(events, &engine, &map, vocabulary, memory_limit)?;
        handed_on(py, &engine, sink, |take| events.engagement_rows(&videos, &options, take))
    })
}

/// One row per user, video and session.
#[pyfunction]
#[pyo3(signature = (events, columns, vocabulary, rules, threads, memory_limit = None, sink = None))]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn sessions(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    threads: Maybe<'_, '_>,
    memory_limit: Maybe<'_, '_>,
    sink: Maybe<'_, '_>,
) -> PyResult<Reported> {
    guarded(|| {
        let engine = engine(threads)?;
        let (map, rules) = (self::columns(columns)?, self::rules(rules)?);
        let events = read_events(events, &engine, &map, vocabulary, memory_limit)?;
        handed_on(py, &engine, sink, |take| events.session_rows(&rules, take))
    })
}

/// One row per user and video, from session rows.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn engagement(
    py: Python<'_>,
    sessions: Object<'_, '_>,
    videos: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    scoring: Object<'_, '_>,
    unique_seconds: bool,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let engine = engine(threads)?;
        let map = self::columns(columns)?;
        let options = engagement_options(rules, scoring, unique_seconds)?;
        let videos = read_videos(videos, &map)?;
        let (schema, batches) = Source::new(sessions)?.all()?;
        let (batches, schema) = interruptible(py, &engine, || {
            let sessions = engine::read_sessions(&engine, &schema, &batches)?;
            Ok((sessions.engagement(&engine, &videos, &options)?, sessions.engagement_schema()))
        })?;
        export(py, batches, &schema)
    })
}

/// The audience per bucket of positions.
#[pyfunction]
pub(super) fn retention(
    py: Python<'_>,
    rows: Object<'_, '_>,
    videos: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    buckets: Maybe<'_, '_>,
    bucket_seconds: Maybe<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let engine = engine(threads)?;
        let buckets = match (bucket_seconds, buckets) {
            (Some(seconds), _) => Buckets::seconds(number(seconds, "bucket_seconds")?)?,
            (None, Some(count)) => Buckets::count(whole(count, "buckets")?)?,
            (None, None) => {
                let accepted = "a whole number, or bucket_seconds".to_owned();
                return Err(Error::Option {
                    option: "buckets".to_owned(),
                    value: "None".to_owned(),
                    accepted,
                }
                .into());
            }
        };
        let videos = read_videos(videos, &self::columns(columns)?)?;
        let (schema, batches) = Source::new(rows)?.all()?;
        let (batches, schema) =
            interruptible(py, &engine, || engine::retention(&engine, &schema, &batches, &videos, buckets))?;
        export(py, batches, &schema)
    })
}

/// What the clean step would drop.
#[pyfunction]
pub(super) fn validate<'py>(
    py: Python<'py>,
    events: Object<'_, 'py>,
    columns: Maybe<'_, 'py>,
    vocabulary: Maybe<'_, 'py>,
    examples: Object<'_, 'py>,
    threads: Maybe<'_, 'py>,
) -> PyResult<(Vec<Bound<'py, PyDict>>, Py<PyDict>)> {
    guarded(|| {
        let engine = engine(threads)?;
        let source = Source::new(events)?;
        let schema = bind_events(&source, &self::columns(columns)?)?;
        let examples = whole(examples, "examples")?;
        let mut events = engine::validate(&engine, schema, self::vocabulary(vocabulary)?, examples);
        push_all(py, &engine, source, |batches| events.push(batches))?;
        let (examples, counts) = interruptible(py, &engine, || events.examples())?;
        let entry = |example: engine::Example| {
            let entry = PyDict::new(py);
            entry.set_item("reason", example.reason.name())?;
            entry.set_item("row", example.row)?;
            Ok(entry)
        };
        Ok((examples.into_iter().map(entry).collect::<PyResult<_>>()?, report(py, &counts)?))
    })
}

/// One user's events on one video, and how each was judged.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn explain(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    user: Object<'_, '_>,
    video: Object<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let engine = engine(threads)?;
        let (map, vocabulary, rules) =
            (self::columns(columns)?, self::vocabulary(vocabulary)?, self::rules(rules)?);
        let mut source = Source::new(events)?;
        let schema = bind_events(&source, &map)?;
        let user = key(user, "user", schema.keys().user)?;
        let video = key(video, "video", schema.keys().video)?;
        // Errors of the producer keep their type: the walk only sees that the batches end.
        let mut failed = None;
        let batches = std::iter::from_fn(|| match source.next_batch() {
            Ok(batch) => batch.map(Ok),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let rows = engine::explain(&engine, &schema, &vocabulary, &rules, [&user, &video], batches)?;
        if let Some(error) = failed {
            return Err(error);
        }
        let keys = schema.keys();
        let table = explanation_table();
        export(py, vec![table.batch(&rows, keys)?], &table.schema(keys))
    })
}

fn key(object: Object<'_, '_>, option: &str, key: KeyType) -> PyResult<Vec<u8>> {
    let text = object.str()?.to_string();
    let accepted = format!("{} as in the events' column", key.noun());
    key.read(&text).ok_or_else(|| Error::Option { option: option.to_owned(), value: text, accepted }.into())
}

pub(super) fn bind_events(source: &Source<'_>, map: &ColumnMap) -> PyResult<EventSchema> {
    match &source.schema {
        Some(schema) => Ok(EventSchema::bind(schema, map)?),
        None => Ok(EventSchema::of_nothing()?),
    }
}

fn read_videos(videos: Maybe<'_, '_>, map: &ColumnMap) -> PyResult<Videos> {
    let Some(videos) = videos else { return Ok(Videos::default()) };
    let (schema, batches) = Source::new(videos)?.all()?;
    if schema.fields().is_empty() && batches.is_empty() {
        return Ok(Videos::default());
    }
    Ok(Videos::read(&schema, &batches, map)?)
}

/// Takes batches as they are made.
type Take<'a> = &'a mut (dyn FnMut(Vec<RecordBatch>) -> Result<()> + Send);

/// Does the work that makes a table, and hands its batches to a Python callable as they are made; without one, all at the end.
pub(super) fn handed_on(
    py: Python<'_>,
    engine: &Engine,
    sink: Maybe<'_, '_>,
    work: impl FnOnce(Take<'_>) -> Result<Made> + Send,
) -> PyResult<Reported> {
    let sink = sink.map(|sink| sink.clone().unbind());
    let (mut kept, mut failed) = (Vec::new(), None);
    let made = interruptible(py, engine, || {
        work(&mut |batches: Vec<RecordBatch>| {
            let Some(sink) = &sink else {
                kept.extend(batches);
                return Ok(());
            };
            let hand_on = |py: Python<'_>| {
                batches
                    .into_iter()
                    .try_for_each(|batch| sink.call1(py, (export_batch(py, batch)?,)).map(|_| ()))
            };
            // The callable's own error is kept for later: this one only ends the work.
            Python::attach(hand_on).map_err(|error| {
                failed = Some(error);
                Error::Interrupted
            })
        })
    });
    let made = match failed {
        Some(error) => return Err(error),
        None => made?,
    };
    let (batches, schema) = export(py, kept, &made.schema)?;
    Ok((batches, schema, report(py, &made.counts)?))
}

/// Reads all events.
fn read_events<'e>(
    events: Object<'_, '_>,
    engine: &'e Engine,
    map: &ColumnMap,
    vocabulary: Maybe<'_, '_>,
    memory_limit: Maybe<'_, '_>,
) -> PyResult<AcceptedEvents<'e>> {
    let vocabulary = self::vocabulary(vocabulary)?;
    let limit = memory_limit.map(|limit| whole(limit, "memory_limit")).transpose()?;
    let source = Source::new(events)?;
    let mut accepted = AcceptedEvents::new(engine, bind_events(&source, map)?, vocabulary, limit);
    push_all(events.py(), engine, source, |batches| accepted.push(batches))?;
    Ok(accepted)
}

/// Reads all events and walks through them.
pub(super) fn walk_events(
    events: Object<'_, '_>,
    engine: &Engine,
    map: &ColumnMap,
    vocabulary: Maybe<'_, '_>,
    rules: &Rules,
) -> PyResult<Sessions> {
    let accepted = read_events(events, engine, map, vocabulary, None)?;
    interruptible(events.py(), engine, || accepted.sessions(rules))
}

/// Reads all batches and hands them on, some at a time, while the next ones are read.
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

pub(super) fn export(py: Python<'_>, batches: Vec<RecordBatch>, schema: &SchemaRef) -> PyResult<Tables> {
    Ok((export_batches(py, batches, schema)?, export_schema(py, schema)?))
}

pub(super) fn report(py: Python<'_>, counts: &DropCounts) -> PyResult<Py<PyDict>> {
    let dropped = PyDict::new(py);
    for reason in DropReason::ALL {
        dropped.set_item(reason.name(), counts.dropped(reason))?;
    }
    let report = PyDict::new(py);
    report.set_item("read", counts.read)?;
    report.set_item("kept", counts.kept())?;
    report.set_item("dropped", dropped)?;
    Ok(report.unbind())
}
