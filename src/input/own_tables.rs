//! Our own tables read back: session rows for engagement, session or engagement rows for retention.

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field, Schema};

use super::columns::TypeFamily;
use super::keys::{KeyColumn, KeyType, KeyTypes, cast};
use super::mapping::Bound;
use super::values::{NumberColumn, TextColumn, TimeColumn};
use crate::duration::DurationSource;
use crate::error::{Error, Result};
use crate::intervals::{Interval, IntervalSet};
use crate::session::SessionStats;
use crate::time::Micros;
use crate::walk::Stretch;

const PAIRS: &str = "a list of structs of two numbers";

/// Which of our tables it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTable {
    /// One row per user, video and session.
    Sessions,
    /// One row per user and video.
    Engagement,
}

impl OwnTable {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Engagement => "engagement",
        }
    }
}

/// Where the keys of such a table are.
#[derive(Debug, Clone)]
pub struct OwnSchema {
    /// Which table it is.
    pub table: OwnTable,
    user: Bound,
    video: Bound,
    session: Option<Bound>,
    schema: Schema,
    keys: KeyTypes,
}

impl OwnSchema {
    /// Where the keys are in a sessions table of `schema`.
    ///
    /// # Errors
    /// If a key column is missing or of a type that cannot be read.
    pub fn sessions(schema: &Schema) -> Result<Self> {
        Self::bind(schema, OwnTable::Sessions)
    }

    /// Where the keys are in a table of `schema`: a sessions table if it has a session column, else an engagement
    /// table.
    ///
    /// # Errors
    /// If a key column is missing or of a type that cannot be read.
    pub fn either(schema: &Schema) -> Result<Self> {
        let has_session = schema.fields().iter().any(|field| field.name() == "sessionId");
        Self::bind(schema, if has_session { OwnTable::Sessions } else { OwnTable::Engagement })
    }

    fn bind(schema: &Schema, table: OwnTable) -> Result<Self> {
        let key = |name| Bound::own(table.name(), name, TypeFamily::Key.accepted(), schema);
        let (user, video) = (key("userId")?, key("videoId")?);
        let session = if table == OwnTable::Sessions { Some(key("sessionId")?) } else { None };
        let keys = KeyTypes {
            user: KeyType::of_column(&user, schema)?,
            video: KeyType::of_column(&video, schema)?,
            session: session.as_ref().map(|s| KeyType::of_column(s, schema)).transpose()?.unwrap_or_default(),
        };
        Ok(Self { table, user, video, session, schema: schema.clone(), keys })
    }

    /// The logical types of the keys.
    #[must_use]
    pub const fn keys(&self) -> KeyTypes {
        self.keys
    }

    /// Where the column `name` is, and its array in `batch`; errors say that `accepted` types can be read.
    fn column(
        &self,
        batch: &RecordBatch,
        name: &'static str,
        accepted: &'static str,
    ) -> Result<(Bound, ArrayRef)> {
        let bound = Bound::own(self.table.name(), name, accepted, &self.schema)?;
        let array = bound.array(batch)?;
        Ok((bound, array))
    }

    /// The column `name` of numbers in `batch`.
    fn number(&self, batch: &RecordBatch, name: &'static str) -> Result<NumberColumn> {
        let (bound, array) = self.column(batch, name, TypeFamily::Number.accepted())?;
        NumberColumn::bind(&bound, &array)
    }

    /// The error for a `value` in `row` of `column` that is not of what is `accepted` there.
    fn bad(
        &self,
        column: &'static str,
        row: usize,
        value: impl std::fmt::Display,
        accepted: &'static str,
    ) -> Error {
        Error::Row { table: self.table.name(), column, row, value: value.to_string(), accepted }
    }

    /// The `key` that `row` has in `column`, if it is one.
    ///
    /// # Errors
    /// If it is null or empty, which no row of ours has.
    pub(crate) fn key<'k>(
        &self,
        column: &'static str,
        row: usize,
        key: Option<&'k [u8]>,
    ) -> Result<&'k [u8]> {
        key.ok_or_else(|| self.bad(column, row, "null or \"\"", "a key"))
    }

    /// The columns of users, videos and sessions in `batch`.
    fn keys_of(&self, batch: &RecordBatch) -> Result<(KeyColumn, KeyColumn, KeyColumn)> {
        let bind = |column: &Bound| KeyColumn::bind(column, &column.array(batch)?);
        let session = self.session.as_ref().map(bind).transpose()?.unwrap_or(KeyColumn::Null);
        Ok((bind(&self.user)?, bind(&self.video)?, session))
    }
}

/// A column of lists of pairs of numbers.
struct PairsColumn {
    name: &'static str,
    lists: ListArray,
    first: Float64Array,
    second: Float64Array,
}

impl PairsColumn {
    fn bind(
        schema: &OwnSchema,
        batch: &RecordBatch,
        name: &'static str,
        second: &'static str,
    ) -> Result<Self> {
        let (bound, array) = schema.column(batch, name, PAIRS)?;
        let wrong = || bound.wrong_type(array.data_type());
        let fields = ["start", second].map(|name| Field::new(name, DataType::Float64, true));
        let target = DataType::new_list(DataType::Struct(fields.into_iter().collect()), true);
        let lists = cast(&bound, &array, &target)?;
        let lists = lists.as_list_opt::<i32>().ok_or_else(wrong)?.clone();
        let pairs = lists.values().as_struct_opt().ok_or_else(wrong)?;
        let child =
            |index: usize| pairs.column(index).as_primitive_opt::<Float64Type>().cloned().ok_or_else(wrong);
        Ok(Self { name, first: child(0)?, second: child(1)?, lists })
    }

    /// The pairs in `row` of a table of `schema`; `None` if the list is null.
    fn get(&self, schema: &OwnSchema, row: usize) -> Result<Option<Vec<(f64, f64)>>> {
        if self.lists.is_null(row) {
            return Ok(None);
        }
        let offsets = self.lists.value_offsets();
        let range =
            usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
        let pair = |index: usize| {
            let (first, second) = (self.first.value(index), self.second.value(index));
            let is_null =
                self.lists.values().is_null(index) || self.first.is_null(index) || self.second.is_null(index);
            if is_null || ![first, second].iter().all(|x| x.is_finite() && *x >= 0.0) {
                let accepted = "finite numbers that are not negative";
                return Err(schema.bad(self.name, row, format!("({first}, {second})"), accepted));
            }
            Ok((first, second))
        };
        range.map(pair).collect::<Result<Vec<_>>>().map(Some)
    }
}

impl PairsColumn {
    /// The pairs in `row` of a table of `schema` as the union of intervals; `None` if the list is null.
    fn union(&self, schema: &OwnSchema, row: usize) -> Result<Option<IntervalSet>> {
        Ok(self.intervals(schema, row)?.map(IntervalSet::union))
    }

    /// The pairs in `row` of a table of `schema` as intervals, which are refused if the list is null.
    fn all(&self, schema: &OwnSchema, row: usize) -> Result<Vec<Interval>> {
        self.intervals(schema, row)?.ok_or_else(|| schema.bad(self.name, row, "null", "a list"))
    }

    /// The pairs in `row` of a table of `schema` as intervals; `None` if the list is null.
    fn intervals(&self, schema: &OwnSchema, row: usize) -> Result<Option<Vec<Interval>>> {
        let Some(pairs) = self.get(schema, row)? else { return Ok(None) };
        if let Some((start, end)) = pairs.iter().find(|(start, end)| end < start) {
            return Err(schema.bad(
                self.name,
                row,
                format!("({start}, {end})"),
                "an end that is not before its start",
            ));
        }
        Ok(Some(pairs.into_iter().map(|(start, end)| Interval { start, end }).collect()))
    }
}

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

/// One batch of session or engagement rows, as far as retention needs them.
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
