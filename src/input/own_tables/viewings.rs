//! Session or engagement rows read back, as far as retention and moments need them.

use arrow_array::RecordBatch;

use super::super::columns::TypeFamily;
use super::super::keys::KeyColumn;
use super::super::values::{NumberColumn, TextColumn};
use super::pairs::PairsColumn;
use super::schema::{OwnSchema, OwnTable};
use crate::duration::DurationSource;
use crate::error::Result;
use crate::intervals::{Interval, IntervalSet};

/// One batch of session or engagement rows, as far as retention and moments need them.
pub struct ViewingBatch<'a> {
    schema: &'a OwnSchema,
    /// Users.
    pub user: KeyColumn,
    /// Videos.
    pub video: KeyColumn,
    watched: PairsColumn,
    replayed: Option<PairsColumn>,
    max_position: NumberColumn,
    duration: Option<NumberColumn>,
    source: Option<TextColumn>,
    title: Option<TextColumn>,
}

impl<'a> ViewingBatch<'a> {
    /// The columns of `batch`, session or engagement rows of `schema`.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read.
    pub fn bind(schema: &'a OwnSchema, batch: &RecordBatch) -> Result<Self> {
        let (user, video, _) = schema.keys_of(batch)?;
        let watched = PairsColumn::bind(schema, batch, "watchedIntervals", "end")?;
        // Tables of older versions have no such column.
        let has = |name| schema.schema.fields().iter().any(|field| field.name() == name);
        let replayed =
            has("replayedIntervals").then(|| PairsColumn::bind(schema, batch, "replayedIntervals", "end"));
        let replayed = replayed.transpose()?;
        let text = |name| {
            let (bound, array) = schema.column(batch, name, TypeFamily::Text.accepted())?;
            TextColumn::bind(&bound, &array)
        };
        let rows = |max_position, duration, source, title| Self {
            schema,
            user,
            video,
            watched,
            replayed,
            max_position,
            duration,
            source,
            title,
        };
        if schema.table == OwnTable::Sessions {
            let reported =
                has("reportedDuration").then(|| schema.number(batch, "reportedDuration")).transpose()?;
            return Ok(rows(schema.number(batch, "maxPosition")?, reported, None, None));
        }
        let (title, max_position) = (text("videoTitle")?, schema.number(batch, "maxPositionReached")?);
        let source = has("durationSource").then(|| text("durationSource")).transpose()?;
        Ok(rows(max_position, Some(schema.number(batch, "videoDuration")?), source, Some(title)))
    }

    /// What the session or the user in `row` watched.
    ///
    /// # Errors
    /// If the list is null or holds what no row of ours would.
    pub fn watched(&self, row: usize) -> Result<IntervalSet> {
        self.watched.union(self.schema, row)?.ok_or_else(|| {
            let accepted = "a list (aggregate with unique_seconds=True)";
            self.schema.bad("watchedIntervals", row, "null", accepted)
        })
    }

    /// Where more than one play of `row` lies; none if it does not tell.
    ///
    /// # Errors
    /// If the list holds what no row of ours would.
    pub fn replayed(&self, row: usize) -> Result<Option<Vec<Interval>>> {
        self.replayed.as_ref().map_or(Ok(None), |replayed| replayed.intervals(self.schema, row))
    }

    /// The largest position reported in `row`, in seconds; 0 if it is unknown.
    #[must_use]
    pub fn max_position(&self, row: usize) -> f64 {
        self.max_position.position(row).unwrap_or(0.0)
    }

    /// The duration that the engagement row `row` states, or the session row reports, in seconds.
    #[must_use]
    pub fn duration(&self, row: usize) -> Option<f64> {
        self.duration.as_ref().and_then(|duration| duration.positive(row))
    }

    /// Where that duration is from.
    #[must_use]
    pub fn duration_source(&self, row: usize) -> DurationSource {
        DurationSource::named(self.source.as_ref().and_then(|source| source.text(row)).map(str::as_bytes))
    }

    /// The title that the engagement row `row` states.
    #[must_use]
    pub fn title(&self, row: usize) -> Option<&str> {
        self.title.as_ref().and_then(|title| title.text(row))
    }
}
