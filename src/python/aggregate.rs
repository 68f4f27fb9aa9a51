//! Engagement rows from events.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded};
use super::input::{bind_events, push_all, read_events, read_videos};
use super::options::{columns, engagement_options, engine, vocabulary};
use super::results::{Reported, handed_on};
use super::source::Source;
use crate::engine::{AcceptedEvents, Engine};
use crate::event::Vocabulary;
use crate::input::{ColumnMap, VideoReader, Videos};

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
        let (engine, map, vocabulary) =
            (engine(threads)?, self::columns(columns)?, self::vocabulary(vocabulary)?);
        let mut options = engagement_options(rules, scoring, unique_seconds)?;
        // These may be some of a video's events: they cannot tell how far anybody got in it.
        options.rules.estimate_duration = false;
        let (events, videos) = read_joined(events, &engine, &map, vocabulary)?;
        handed_on(py, &engine, None, |handing, take| events.engagement_rows(&videos, &options, handing, take))
    })
}

/// All of `events`, and what they state of their videos.
fn read_joined<'e>(
    events: Object<'_, '_>,
    engine: &'e Engine,
    map: &ColumnMap,
    vocabulary: Vocabulary,
) -> PyResult<(AcceptedEvents<'e>, Videos)> {
    let source = Source::new(events)?;
    let mut accepted = AcceptedEvents::new(engine, bind_events(&source, map)?, vocabulary, None);
    let videos = source.schema.as_ref().map(|schema| VideoReader::of_events(schema, map));
    let mut videos = videos.transpose()?;
    push_all(events.py(), engine, source, |batches| {
        videos.as_mut().map_or(Ok(()), |videos| videos.read(batches))?;
        accepted.push(batches)
    })?;
    Ok((accepted, videos.map_or_else(Videos::default, VideoReader::finish)))
}
