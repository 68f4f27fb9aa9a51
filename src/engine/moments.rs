//! Key moments over whole tables.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rayon::prelude::*;

use super::pool::Engine;
use super::viewings::{LeftOut, Viewing, Viewings, watched_by};
use crate::error::Result;
use crate::input::Videos;
use crate::moments::{Grid, Settings, Summing, Sums};
use crate::output::{MomentRow, moment_table};

/// How many rows of one video are summed up at a time, so that a video that everybody watched takes all threads.
const ROWS_AT_A_TIME: usize = 1 << 14;

/// The moment table, its schema and the videos that would have too many buckets, of `batches` of session or engagement
/// rows, all of `schema`. `videos` says how long videos are, and `settings` what counts as a moment. Videos whose duration
/// is not known, or a guess, have no moments.
///
/// # Errors
/// If a column is missing or of a type that cannot be read, a value is not one that such a row holds, the videos'
/// keys are of another type, or the work was stopped.
pub fn moments(
    engine: &Engine,
    schema: &Schema,
    batches: &[RecordBatch],
    videos: &Videos,
    settings: Settings,
) -> Result<(Vec<RecordBatch>, SchemaRef, Vec<LeftOut>)> {
    let viewings = Viewings::read(engine, schema, batches, videos)?;
    let table = moment_table();
    let made = viewings.each_range(engine, |rows| {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        for (first, video) in viewings.by_video(rows) {
            engine.check()?;
            let Some(duration) = viewings.duration(first, video, false) else { continue };
            if !settings.fit(duration) {
                left_out.push(viewings.left_out(first, duration));
                continue;
            }
            let grid = Grid::new(duration, settings.buckets)?;
            let sums = summed(&viewings, video, &grid);
            let (key, title) = (viewings.video(first), viewings.title(first, video));
            let moments = crate::moments::moments(&grid, &sums, settings).into_iter();
            found.extend(moments.map(|moment| MomentRow { video: key, title, moment }));
        }
        Ok((table.batch(&found, viewings.keys)?, left_out))
    })?;
    let (batches, left_out): (_, Vec<_>) = made.into_iter().unzip();
    Ok((batches, table.schema(viewings.keys), left_out.concat()))
}

/// What the viewers of the one video of `rows` add up to.
fn summed(viewings: &Viewings<'_>, rows: &[Viewing], grid: &Grid) -> Sums {
    let parts = viewings.users_in(rows, rows.len().div_ceil(ROWS_AT_A_TIME));
    let sum = |part: std::ops::Range<usize>| {
        let mut summing = Summing::new(grid);
        for user in viewings.by_user(&rows[part]) {
            let is_told = user.iter().all(|row| row.replayed.is_some());
            let plays = user
                .iter()
                .flat_map(|row| row.watched.as_slice().iter().chain(row.replayed.iter().flatten()));
            summing.add(&watched_by(user), is_told.then(|| plays.copied()));
        }
        summing.finish()
    };
    let add = |mut all: Sums, part: Sums| {
        all.merge(&part);
        all
    };
    parts.into_par_iter().map(sum).reduce(|| Sums::new(grid.len()), add)
}
