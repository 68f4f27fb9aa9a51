//! Engagement rows from session rows.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::read_videos;
use super::options::{columns, engagement_options, engine};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine;

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
        let (engine, map) = (engine(threads)?, self::columns(columns)?);
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
