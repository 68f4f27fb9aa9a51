//! Retention curves from session or engagement rows.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::read_videos;
use super::options::{buckets, columns, engine};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine;

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
        let (engine, buckets) = (engine(threads)?, self::buckets(buckets, bucket_seconds)?);
        let videos = read_videos(videos, &self::columns(columns)?)?;
        let (schema, batches) = Source::new(rows)?.all()?;
        let (batches, schema) =
            interruptible(py, &engine, || engine::retention(&engine, &schema, &batches, &videos, buckets))?;
        export(py, batches, &schema)
    })
}
