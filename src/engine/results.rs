//! From accepted events to the tables.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::build::{Engaging, session_batches};
use super::events::{AcceptedEvents, Events, Layout};
use super::group::Record;
use super::partitions::Handing;
use super::sessions::Sessions;
use super::walk::{Durations, Estimates, Ids, Walked, Walking};
use crate::engagement::EngagementOptions;
use crate::error::Result;
use crate::input::{DropCounts, DropReason, Videos};
use crate::output::{Scratch, engagement_table, session_table};
use crate::rules::Rules;

/// A table whose rows were handed on, and what was read for it.
#[derive(Debug)]
pub struct Made {
    /// Its schema.
    pub schema: SchemaRef,
    /// How many events were read, and how many were dropped for which reason.
    pub counts: DropCounts,
}

impl AcceptedEvents<'_> {
    /// One row per user, video and session, as `rules` tell them apart, kept in memory.
    ///
    /// # Errors
    /// If the work was stopped, or temporary files cannot be read.
    pub fn sessions(self, rules: &Rules) -> Result<Sessions> {
        match self.0 {
            Layout::Plain(events) => events.sessions(rules),
            Layout::Wide(events) => events.sessions(rules),
        }
    }

    /// The schema of the session table, one row per user, video and session, and how many events were read and dropped.
    /// The table's batches go to `take`, in order and as `handing` says; `rules` say what counts as watched.
    ///
    /// # Errors
    /// If the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn session_rows(
        self,
        rules: &Rules,
        handing: Handing,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()> + Send,
    ) -> Result<Made> {
        match self.0 {
            Layout::Plain(events) => events.session_rows(rules, handing, take),
            Layout::Wide(events) => events.session_rows(rules, handing, take),
        }
    }

    /// The schema of the engagement table, one row per user and video, and how many events were read and dropped. The
    /// table's batches go to `take`, in order and as `handing` says; `videos` says how long videos are, and `options` how
    /// rows are computed.
    ///
    /// # Errors
    /// If the videos' keys are of another type, the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn engagement_rows(
        self,
        videos: &Videos,
        options: &EngagementOptions,
        handing: Handing,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()> + Send,
    ) -> Result<Made> {
        match self.0 {
            Layout::Plain(events) => events.engagement_rows(videos, options, handing, take),
            Layout::Wide(events) => events.engagement_rows(videos, options, handing, take),
        }
    }
}

impl<R: Record> Events<'_, R> {
    /// What [`AcceptedEvents::sessions`] says, of events in one layout.
    ///
    /// # Errors
    /// If the work was stopped, or temporary files cannot be read.
    fn sessions(mut self, rules: &Rules) -> Result<Sessions> {
        let (engine, ids) = (self.engine, Ids::of(self.schema(), rules));
        let (mut portions, walking) = (Vec::new(), Walking::new(rules, self.schema().has_session()));
        let finish = |(): &mut (), walked: &Walked<'_, R>| Ok((walked.store().clone(), walked.rows(ids)?));
        let duplicates = self.partitions()?.walk(engine, walking, Handing::Whole, finish, |made| {
            portions.extend(made);
            Ok(())
        })?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Sessions::new(portions, ids, self.counts))
    }

    /// What [`AcceptedEvents::session_rows`] says, of events in one layout.
    ///
    /// # Errors
    /// If the work was stopped, temporary files cannot be read, or `take` fails.
    fn session_rows(
        mut self,
        rules: &Rules,
        handing: Handing,
        mut take: impl FnMut(Vec<RecordBatch>) -> Result<()> + Send,
    ) -> Result<Made> {
        let (engine, ids) = (self.engine, Ids::of(self.schema(), rules));
        let walking = Walking::new(rules, self.schema().has_session());
        let finish = |scratch: &mut Scratch, walked: &Walked<'_, R>| {
            session_batches(engine, walked.store(), ids, &walked.rows(ids)?, scratch)
        };
        let duplicates =
            self.partitions()?.walk(engine, walking, handing, finish, |made| take(made.concat()))?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Made { schema: session_table().schema(ids.keys), counts: self.counts })
    }

    /// What [`AcceptedEvents::engagement_rows`] says, of events in one layout.
    ///
    /// # Errors
    /// If the videos' keys are of another type, the work was stopped, temporary files cannot be read, or `take` fails.
    fn engagement_rows(
        mut self,
        videos: &Videos,
        options: &EngagementOptions,
        handing: Handing,
        mut take: impl FnMut(Vec<RecordBatch>) -> Result<()> + Send,
    ) -> Result<Made> {
        let (engine, ids) = (self.engine, Ids::of(self.schema(), &options.rules));
        if self.counts.kept() > 0 {
            videos.check_key(ids.keys.video)?;
        }
        let walking = Walking::new(&options.rules, self.schema().has_session());
        let has_duration = self.schema().has_duration();
        let mut partitions = self.partitions()?;
        let may_estimate = options.rules.estimate_duration;
        let estimates = if may_estimate || has_duration {
            partitions.estimates(engine, walking, |video| videos.lacks_duration(video))?
        } else {
            Estimates::default()
        };
        let durations = Durations { videos, estimates: &estimates, may_estimate };
        let engaging = Engaging { engine, ids, durations, options };
        let finish = |scratch: &mut Scratch, walked: &Walked<'_, R>| {
            let table = engagement_table();
            let mut made = engaging.rows(&table, walked.store(), scratch);
            walked.each_user(ids, |rows, order| made.add(order.pairs(walked.store(), rows)))?;
            made.finish()
        };
        let duplicates = partitions.walk(engine, walking, handing, finish, |made| take(made.concat()))?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Made { schema: engagement_table().schema(ids.keys), counts: self.counts })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};
    use arrow_select::concat::concat_batches;
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Engine;
    use crate::event::Vocabulary;
    use crate::input::{ColumnMap, EventSchema};
    use crate::scoring::Scoring;

    /// User, video, session, event name and time.
    type Row = (u8, u8, u8, u8, i32);

    fn batch(rows: &[Row], is_plain: bool) -> RecordBatch {
        let text = |of: fn(&Row) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
        };
        let names = |row: &Row| ["play", "pause", "heartbeat"][usize::from(row.3)].to_owned();
        let times = rows.iter().map(|row| i64::from(row.4) * 1_000_000);
        let rates: ArrayRef = Arc::new(Float64Array::from(vec![1.0; rows.len()]));
        let columns: [(&str, ArrayRef); 6] = [
            ("userId", text(|row| format!("user {:03}", row.0))),
            ("videoId", text(|row| format!("v{}", row.1))),
            ("sessionId", text(|row| format!("s{}", row.2))),
            ("eventName", text(names)),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from_iter_values(times))),
            (
                "currentTime",
                Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| f64::from(row.4)))),
            ),
        ];
        let rate = (!is_plain).then_some(("playbackRate", rates));
        RecordBatch::try_from_iter(columns.into_iter().chain(rate)).unwrap()
    }

    /// The session table and the engagement table of `batches`, and how much of what was read was dropped.
    fn tables(
        batches: &[RecordBatch],
        limit: Option<usize>,
        handing: Handing,
    ) -> [(RecordBatch, DropCounts); 2] {
        let engine = Engine::new(Some(2)).unwrap();
        let schema = EventSchema::bind(batches[0].schema_ref(), &ColumnMap::default()).unwrap();
        let events = || {
            let mut events = AcceptedEvents::new(&engine, schema.clone(), Vocabulary::default(), limit);
            batches.iter().for_each(|batch| events.push(std::slice::from_ref(batch)).unwrap());
            events
        };
        let options =
            EngagementOptions { rules: Rules::default(), scoring: Scoring::default(), unique_seconds: true };
        let (mut sessions, mut engagement) = (Vec::new(), Vec::new());
        let made = [
            events().session_rows(&options.rules, handing, |rows| {
                sessions.extend(rows);
                Ok(())
            }),
            events().engagement_rows(&Videos::default(), &options, handing, |rows| {
                engagement.extend(rows);
                Ok(())
            }),
        ];
        let [first, second] = made.map(Result::unwrap);
        [(first, sessions), (second, engagement)]
            .map(|(made, rows)| (concat_batches(&made.schema, &rows).unwrap(), made.counts))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn tables_are_the_same_with_any_memory_limit_and_in_portions(
            rows in prop::collection::vec((0u8..200, 0u8..3, 0u8..3, 0u8..3, 0i32..500), 1..2000),
            size in 1usize..300,
            share in 0usize..150,
            is_plain: bool,
        ) {
            let batches: Vec<_> = rows.chunks(size).map(|rows| batch(rows, is_plain)).collect();
            let expected = tables(&batches, None, Handing::Whole);
            // About what a chunk takes; half of the limit is for chunks.
            let bytes = rows.len() * if is_plain { 60 } else { 100 };
            let limited = tables(&batches, Some(bytes * 2 * share / 100), Handing::Whole);
            prop_assert_eq!(&limited, &expected);
            prop_assert_eq!(tables(&batches, None, Handing::Portions), expected);
        }
    }
}
