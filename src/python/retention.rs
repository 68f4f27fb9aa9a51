//! Retention curves from session or engagement rows.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::read_videos;
use super::options::{buckets, columns, engine};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine::{self, LeftOut};

/// The audience per bucket of positions, and the videos that would have too many, each with its duration in seconds.
#[pyfunction]
pub(super) fn retention(
    py: Python<'_>,
    rows: Object<'_, '_>,
    videos: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    buckets: Maybe<'_, '_>,
    bucket_seconds: Maybe<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<(Tables, Vec<(String, f64)>)> {
    guarded(|| {
        let (engine, buckets) = (engine(threads)?, self::buckets(buckets, bucket_seconds)?);
        let videos = read_videos(videos, &self::columns(columns)?)?;
        let (schema, batches) = Source::new(rows)?.all()?;
        let (batches, schema, left_out) =
            interruptible(py, &engine, || engine::retention(&engine, &schema, &batches, &videos, buckets))?;
        let left_out = left_out.into_iter().map(|LeftOut { video, duration }| (video, duration));
        Ok((export(py, batches, &schema)?, left_out.collect()))
    })
}
