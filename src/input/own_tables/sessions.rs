//! Session rows read back, which engagement is made of.

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, Int64Array, ListArray, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Schema};

use super::super::columns::TypeFamily;
use super::super::keys::{KeyColumn, cast};
use super::super::values::{NumberColumn, TimeColumn};
use super::pairs::PairsColumn;
use super::schema::OwnSchema;
use crate::error::{Error, Result};
use crate::intervals::IntervalSet;
use crate::session::SessionStats;
use crate::time::Micros;
use crate::walk::Stretch;

/// One batch of session rows.
pub struct SessionBatch<'a> {
    schema: &'a OwnSchema,
    /// Users.
    pub user: KeyColumn,
    /// Videos.
    pub video: KeyColumn,
    /// Sessions.
    pub session: KeyColumn,
    times: [(&'static str, TimeColumn); 2],
    numbers: [(&'static str, NumberColumn); 3],
    counts: [(&'static str, Int64Array); 6],
    reported_duration: NumberColumn,
    watched: PairsColumn,
    replayed: PairsColumn,
    unobserved: PairsColumn,
    ends: ListArray,
}

impl<'a> SessionBatch<'a> {
    /// The schema `schema` of session rows, every column of which can be read.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read.
    pub fn schema_of(schema: &Schema) -> Result<OwnSchema> {
        let own = OwnSchema::sessions(schema)?;
        SessionBatch::bind(&own, &RecordBatch::new_empty(schema.clone().into()))?;
        Ok(own)
    }

    /// The columns of `batch`, session rows of `schema`.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read.
    pub fn bind(schema: &'a OwnSchema, batch: &RecordBatch) -> Result<Self> {
        let (user, video, session) = schema.keys_of(batch)?;
        let time = |name| {
            let (bound, array) = schema.column(batch, name, TypeFamily::Instant.accepted())?;
            Ok::<_, Error>((name, TimeColumn::bind(&bound, &array)?))
        };
        let number = |name| Ok::<_, Error>((name, schema.number(batch, name)?));
        let count = |name| {
            let (bound, array) = schema.column(batch, name, TypeFamily::Integer.accepted())?;
            let wrong = || bound.wrong_type(array.data_type());
            let counts = cast(&bound, &array, &DataType::Int64)?;
            Ok::<_, Error>((name, counts.as_primitive_opt::<Int64Type>().cloned().ok_or_else(wrong)?))
        };
        let (bound, array) = schema.column(batch, "endPositions", "a list of numbers")?;
        let wrong = || bound.wrong_type(array.data_type());
        let ends = cast(&bound, &array, &DataType::new_list(DataType::Float64, true))?;
        Ok(Self {
            schema,
            user,
            video,
            session,
            times: [time("sessionStart")?, time("sessionEnd")?],
            numbers: [number("watchTime")?, number("playTime")?, number("maxPosition")?],
            counts: [
                count("eventCount")?,
                count("pauseCount")?,
                count("forwardSkipCount")?,
                count("backwardSkipCount")?,
                count("rejectedSegmentCount")?,
                count("openSegmentCount")?,
            ],
            reported_duration: schema.number(batch, "reportedDuration")?,
            watched: PairsColumn::bind(schema, batch, "watchedIntervals", "end")?,
            replayed: PairsColumn::bind(schema, batch, "replayedIntervals", "end")?,
            unobserved: PairsColumn::bind(schema, batch, "unobserved", "seconds")?,
            ends: ends.as_list_opt::<i32>().ok_or_else(wrong)?.clone(),
        })
    }

    /// What the session in `row` saw.
    ///
    /// # Errors
    /// If a value is null or not one that a session row holds.
    pub fn stats(&self, row: usize) -> Result<SessionStats> {
        let time = |i: usize| self.time(i, row);
        let number = |i: usize| self.number(i, row);
        let count = |i: usize| self.count(i, row);
        Ok(SessionStats {
            start: time(0)?,
            end: time(1)?,
            watch_time: number(0)?,
            play_time: number(1)?,
            max_position: number(2)?,
            event_count: count(0)?,
            pause_count: count(1)?,
            forward_skips: count(2)?,
            backward_skips: count(3)?,
            rejected: count(4)?,
            open: count(5)?,
            watched: self.watched(row)?,
            // Rows of an older version that could not be made anew do not tell.
            replayed: self.replayed.intervals(self.schema, row)?.unwrap_or_default(),
            reported_duration: self.reported_duration.positive(row),
            unobserved: self.stretches(row)?.into(),
            end_positions: self.end_positions(row)?.into(),
        })
    }

    fn time(&self, index: usize, row: usize) -> Result<Micros> {
        let (name, times) = &self.times[index];
        times.get(row).ok_or_else(|| self.schema.bad(name, row, "no time", "a time in the years 1 to 9999"))
    }

    fn number(&self, index: usize, row: usize) -> Result<f64> {
        let (name, numbers) = &self.numbers[index];
        let value = numbers.get(row).ok_or_else(|| self.schema.bad(name, row, "null", "a number"))?;
        if !value.is_finite() || value < 0.0 {
            return Err(self.schema.bad(name, row, value, "a finite number that is not negative"));
        }
        Ok(value)
    }

    fn count(&self, index: usize, row: usize) -> Result<i64> {
        let (name, counts) = &self.counts[index];
        let value = counts.is_valid(row).then(|| counts.value(row));
        value.filter(|&count| count >= 0).ok_or_else(|| {
            let value = value.map_or("null".to_owned(), |count| count.to_string());
            self.schema.bad(name, row, value, "a count that is not negative")
        })
    }

    fn watched(&self, row: usize) -> Result<IntervalSet> {
        Ok(IntervalSet::union(self.watched.all(self.schema, row)?))
    }

    fn stretches(&self, row: usize) -> Result<Vec<Stretch>> {
        let pairs = self.unobserved.get(self.schema, row)?;
        let pairs = pairs.ok_or_else(|| self.schema.bad(self.unobserved.name, row, "null", "a list"))?;
        Ok(pairs.into_iter().map(|(start, seconds)| Stretch { start, seconds }).collect())
    }

    fn end_positions(&self, row: usize) -> Result<Vec<f64>> {
        let bad = || {
            let accepted = "a list of finite numbers that are not negative";
            self.schema.bad("endPositions", row, "something else", accepted)
        };
        if self.ends.is_null(row) {
            return Err(bad());
        }
        let list = self.ends.value(row);
        let list = list.as_primitive_opt::<Float64Type>().ok_or_else(bad)?;
        list.iter().map(|end| end.filter(|end| end.is_finite() && *end >= 0.0).ok_or_else(bad)).collect()
    }
}
