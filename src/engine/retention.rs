//! Retention over whole tables.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use super::pool::Engine;
use super::viewings::{LeftOut, Viewing, Viewings, watched_by};
use crate::error::Result;
use crate::input::Videos;
use crate::output::{RetentionRow, retention_table};
use crate::retention::{Buckets, Curve};

/// The retention table, its schema and the videos that have no curve, of `batches` of session or engagement rows, all
/// of `schema`. `videos` says how long videos are, and `buckets` how each is cut.
///
/// # Errors
/// If a column is missing or of a type that cannot be read, a value is not one that such a row holds, the videos'
/// keys are of another type, or the work was stopped.
pub fn retention(
    engine: &Engine,
    schema: &Schema,
    batches: &[RecordBatch],
    videos: &Videos,
    buckets: Buckets,
) -> Result<(Vec<RecordBatch>, SchemaRef, Vec<LeftOut>)> {
    let viewings = Viewings::read(engine, schema, batches, videos)?;
    let table = retention_table();
    let curves = viewings.each_range(engine, |rows| {
        let (mut curves, mut left_out) = (Vec::new(), Vec::new());
        for (first, video) in viewings.by_video(rows) {
            engine.check()?;
            let Some(duration) = viewings.duration(first, video, true) else { continue };
            if buckets.fit(duration) {
                curves.extend(curve(&viewings, video, first, Curve::new(duration, buckets)?, duration));
            } else {
                left_out.push(viewings.left_out(first, duration));
            }
        }
        Ok((table.batch(&curves, viewings.keys)?, left_out))
    })?;
    let (batches, left_out): (_, Vec<_>) = curves.into_iter().unzip();
    Ok((batches, table.schema(viewings.keys), left_out.concat()))
}

/// The buckets of the one video of `rows`, the `first` of which is one; it is `duration` seconds long, and its `curve` is
/// empty yet.
fn curve<'a>(
    viewings: &'a Viewings<'_>,
    rows: &'a [Viewing],
    first: &'a Viewing,
    mut curve: Curve,
    duration: f64,
) -> Vec<RetentionRow<'a>> {
    let mut users = 0;
    for user in viewings.by_user(rows) {
        users += 1;
        curve.add_user(&watched_by(user));
        user.iter()
            .for_each(|row| curve.add_plays(&row.watched, row.replayed.as_deref().unwrap_or_default()));
    }
    let (video, title) = (viewings.video(first), viewings.title(first, rows));
    let has_plays = rows.iter().all(|row| row.replayed.is_some());
    let buckets = curve.into_buckets().into_iter().zip(0..);
    buckets
        .map(|(bucket, number)| RetentionRow { video, title, duration, users, number, bucket, has_plays })
        .collect()
}
