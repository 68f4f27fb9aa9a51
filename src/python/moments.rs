//! Key moments from session or engagement rows.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::read_videos;
use super::options::{MomentArguments, buckets, columns, engine, moment_settings};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine::{self, LeftOut};

/// The moments of each video, and the videos that would have too many buckets, each with its duration in seconds.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn moments(
    py: Python<'_>,
    rows: Object<'_, '_>,
    videos: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    buckets: Maybe<'_, '_>,
    bucket_seconds: Maybe<'_, '_>,
    settings: MomentArguments,
    threads: Maybe<'_, '_>,
) -> PyResult<(Tables, Vec<(String, f64)>)> {
    guarded(|| {
        let (engine, buckets) = (engine(threads)?, self::buckets(buckets, bucket_seconds)?);
        let settings = moment_settings(buckets, settings)?;
        let videos = read_videos(videos, &self::columns(columns)?)?;
        let (schema, batches) = Source::new(rows)?.all()?;
        let (batches, schema, left_out) =
            interruptible(py, &engine, || engine::moments(&engine, &schema, &batches, &videos, settings))?;
        let left_out = left_out.into_iter().map(|LeftOut { video, duration }| (video, duration));
        Ok((export(py, batches, &schema)?, left_out.collect()))
    })
}
