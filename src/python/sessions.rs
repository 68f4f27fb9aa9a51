//! Session rows from events, and what is told from them alone.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::{bind_events, read_events};
use super::options::{columns, engine, rules};
use super::results::{Reported, Tables, export, handed_on, report};
use super::source::Source;
use crate::engine;

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
        let (engine, map, rules) = (engine(threads)?, self::columns(columns)?, self::rules(rules)?);
        let events = read_events(events, &engine, &map, vocabulary, memory_limit)?;
        handed_on(py, &engine, sink, |handing, take| events.session_rows(&rules, handing, take))
    })
}

/// One row per user, video and session, of watched intervals.
#[pyfunction]
pub(super) fn sessions_of_intervals(
    py: Python<'_>,
    intervals: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Reported> {
    guarded(|| {
        let (engine, map, rules) = (engine(threads)?, self::columns(columns)?, self::rules(rules)?);
        let source = Source::new(intervals)?;
        let bound = bind_events(&source, &map)?;
        let (_, batches) = source.all()?;
        let (batches, schema, counts) = interruptible(py, &engine, || {
            let sessions = engine::sessions_of_intervals(&engine, &bound, &batches, &rules)?;
            Ok((sessions.batches(&engine)?, sessions.schema(), *sessions.counts()))
        })?;
        let (batches, schema) = export(py, batches, &schema)?;
        Ok((batches, schema, report(py, &counts)?))
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
        let (engine, map, rules) = (engine(threads)?, self::columns(columns)?, self::rules(rules)?);
        let events = read_events(events, &engine, &map, vocabulary, None)?;
        let (batches, schema) = interruptible(py, &engine, || {
            let sessions = events.sessions(&rules)?;
            Ok((sessions.furthest(&engine)?, sessions.furthest_schema()))
        })?;
        export(py, batches, &schema)
    })
}
