//! Engagement rows from events.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded};
use super::input::{read_events, read_videos};
use super::options::{columns, engagement_options, engine};
use super::results::{Reported, handed_on};

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
        let (engine, map) = (engine(threads)?, self::columns(columns)?);
        let options = engagement_options(rules, scoring, unique_seconds)?;
        let videos = read_videos(videos, &map)?;
        let events = read_events(events, &engine, &map, vocabulary, memory_limit)?;
        handed_on(py, &engine, sink, |handing, take| events.engagement_rows(&videos, &options, handing, take))
    })
}
