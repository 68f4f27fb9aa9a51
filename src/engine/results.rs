//! From accepted events to the tables.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::build::{Engaging, session_batches};
use super::events::{AcceptedEvents, Events, Layout};
use super::group::Record;
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
    /// The table's batches go to `take`, in order; `rules` say what counts as watched.
    ///
    /// # Errors
    /// If the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn session_rows(
        self,
        rules: &Rules,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
    ) -> Result<Made> {
        match self.0 {
            Layout::Plain(events) => events.session_rows(rules, take),
            Layout::Wide(events) => events.session_rows(rules, take),
        }
    }

    /// The schema of the engagement table, one row per user and video, and how many events were read and dropped. The
    /// table's batches go to `take`, in order; `videos` says how long videos are, and `options` how rows are computed.
    ///
    /// # Errors
    /// If the videos' keys are of another type, the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn engagement_rows(
        self,
        videos: &Videos,
        options: &EngagementOptions,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
    ) -> Result<Made> {
        match self.0 {
            Layout::Plain(events) => events.engagement_rows(videos, options, take),
            Layout::Wide(events) => events.engagement_rows(videos, options, take),
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
        let duplicates = self.partitions()?.walk(engine, walking, finish, |made| {
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
        mut take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
    ) -> Result<Made> {
        let (engine, ids) = (self.engine, Ids::of(self.schema(), rules));
        let walking = Walking::new(rules, self.schema().has_session());
        let finish = |scratch: &mut Scratch, walked: &Walked<'_, R>| {
            session_batches(engine, walked.store(), ids, &walked.rows(ids)?, scratch)
        };
        let duplicates = self.partitions()?.walk(engine, walking, finish, |made| take(made.concat()))?;
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
        mut take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
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
        let duplicates = partitions.walk(engine, walking, finish, |made| take(made.concat()))?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Made { schema: engagement_table().schema(ids.keys), counts: self.counts })
    }
}
