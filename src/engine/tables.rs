//! From accepted events to the tables, partition by partition.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Engine;
use super::events::{AcceptedEvents, Events};
use super::partition::{Estimates, Partition, Walked, Walking, merged};
use super::record::Record;
use super::rows::{Durations, Engaging, Ids, session_batches};
use super::sessions::Sessions;
use super::spill::Part;
use crate::engagement::EngagementOptions;
use crate::error::Result;
use crate::input::{DropCounts, DropReason, EventSchema, KeyType, KeyTypes, Videos};
use crate::output::{Scratch, engagement_table, session_table};
use crate::rules::Rules;
use crate::session::Cutting;

/// A table whose rows were handed on, and what was read for it.
#[derive(Debug)]
pub struct Made {
    /// Its schema.
    pub schema: SchemaRef,
    /// How many events were read, and how many were dropped for which reason.
    pub counts: DropCounts,
}

/// All events, in parts of whole users, in order.
pub(super) enum Partitions<R> {
    /// One part.
    Memory(Partition<R>),
    /// Parts that are read when it is their turn.
    Disk(Vec<Part<R>>),
}

impl<R: Record> Partitions<R> {
    /// How far anybody got in each of the marked videos.
    fn furthest(
        &mut self,
        engine: &Engine,
        walking: Walking<'_>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Estimates> {
        match self {
            Self::Memory(partition) => partition.furthest(engine, walking, is_marked),
            Self::Disk(parts) => {
                let mut all = Estimates::default();
                let read = |part: &Part<R>| part.partition(engine);
                let work = |mut partition: Partition<R>| partition.furthest(engine, walking, &is_marked);
                each_ahead(engine, parts.iter(), read, work, |found| {
                    all = merged(std::mem::take(&mut all), found);
                    Ok(())
                })?;
                Ok(all)
            }
        }
    }

    /// Walks through all events and hands what becomes of the rows on, part by part; tells how many duplicates there
    /// were.
    fn walk<T: Send, S: Default>(
        self,
        engine: &Engine,
        walking: Walking<'_>,
        finish: impl Fn(&mut S, &Walked<'_, R>) -> Result<T> + Sync,
        mut take: impl FnMut(Vec<T>) -> Result<()>,
    ) -> Result<u64> {
        let mut duplicates = 0;
        let work = |partition: Partition<R>| partition.walk(engine, walking, &finish);
        let mut done = |(made, found)| {
            duplicates += found;
            take(made)
        };
        match self {
            Self::Memory(partition) => done(work(partition)?)?,
            // A part's file goes when it has been read.
            Self::Disk(parts) => {
                each_ahead(engine, parts.into_iter(), |part| part.partition(engine), work, done)?;
            }
        }
        Ok(duplicates)
    }
}

/// Works on what is read of each item while the next one is read, which takes one thread.
fn each_ahead<I: Send, T: Send, U: Send>(
    engine: &Engine,
    mut items: impl Iterator<Item = I>,
    read: impl Fn(I) -> Result<T> + Sync,
    work: impl Fn(T) -> Result<U> + Sync,
    mut done: impl FnMut(U) -> Result<()>,
) -> Result<()> {
    let mut ahead = items.next().map(&read).transpose()?;
    while let Some(item) = ahead.take() {
        engine.check()?;
        let next = items.next();
        let (worked, next) = engine.join(|| work(item), || next.map(&read).transpose());
        done(worked?)?;
        ahead = next?;
    }
    Ok(())
}

impl AcceptedEvents<'_> {
    /// One row per user, video and session, kept in memory.
    ///
    /// # Errors
    /// If the work was stopped, or temporary files cannot be read.
    pub fn sessions(self, rules: &Rules) -> Result<Sessions> {
        match self {
            Self::Plain(events) => events.sessions(rules),
            Self::Wide(events) => events.sessions(rules),
        }
    }

    /// The session table, one row per user, video and session: its batches go to `take`, in order.
    ///
    /// # Errors
    /// If the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn session_rows(
        self,
        rules: &Rules,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
    ) -> Result<Made> {
        match self {
            Self::Plain(events) => events.session_rows(rules, take),
            Self::Wide(events) => events.session_rows(rules, take),
        }
    }

    /// The engagement table, one row per user and video: its batches go to `take`, in order. `videos` says how long
    /// videos are.
    ///
    /// # Errors
    /// If the videos' keys are of another type, the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn engagement_rows(
        self,
        videos: &Videos,
        options: &EngagementOptions,
        take: impl FnMut(Vec<RecordBatch>) -> Result<()>,
    ) -> Result<Made> {
        match self {
            Self::Plain(events) => events.engagement_rows(videos, options, take),
            Self::Wide(events) => events.engagement_rows(videos, options, take),
        }
    }
}

impl<R: Record> Events<'_, R> {
    /// Walks all events: one row per user, video and session, kept in memory.
    ///
    /// # Errors
    /// If the work was stopped, or temporary files cannot be read.
    pub fn sessions(mut self, rules: &Rules) -> Result<Sessions> {
        let (engine, ids) = (self.engine, Ids::of(self.schema(), rules));
        let (mut tasks, walking) = (Vec::new(), Walking::new(rules, self.schema().has_session()));
        let finish = |(): &mut (), walked: &Walked<'_, R>| Ok((walked.store().clone(), walked.rows(ids)?));
        let duplicates = self.partitions()?.walk(engine, walking, finish, |made| {
            tasks.extend(made);
            Ok(())
        })?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Sessions::new(tasks, ids, self.counts))
    }

    /// Walks all events and hands the session table on, in order: one row per user, video and session.
    ///
    /// # Errors
    /// If the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn session_rows(
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

    /// Walks all events and hands the engagement table on, in order: one row per user and video.
    ///
    /// # Errors
    /// If the videos' keys are of another type, the work was stopped, temporary files cannot be read, or `take` fails.
    pub fn engagement_rows(
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
        let mut partitions = self.partitions()?;
        let estimates = if options.rules.estimate_duration {
            partitions.furthest(engine, walking, |video| videos.lacks_duration(video))?
        } else {
            Estimates::default()
        };
        let durations = Durations { videos, estimates: &estimates };
        let engaging = Engaging { engine, ids, durations, options };
        let finish = |scratch: &mut Scratch, walked: &Walked<'_, R>| {
            let table = engagement_table();
            let mut made = engaging.rows(&table, walked.store(), scratch);
            walked.each_user(ids, |rows, order| made.add(order.pairs(walked.store(), rows)))?;
            made.finish()
        };
        let duplicates = partitions.walk(engine, walking, finish, |made| take(made.concat()))?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Made { schema: ids.engagement_schema(), counts: self.counts })
    }
}

impl Ids {
    /// How rows of events of that schema show their keys under these rules.
    pub(super) fn of(schema: &EventSchema, rules: &Rules) -> Self {
        let (keys, has_session) = (schema.keys(), schema.has_session());
        let is_trusted = Cutting::new(rules, has_session) == Cutting::Trusted;
        let session = if is_trusted { keys.session } else { KeyType::Text };
        Self { keys: KeyTypes { session, ..keys }, read: has_session.then_some(keys.session) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_next_item_is_read_beside_the_work_on_one() {
        let engine = Engine::new(Some(2)).unwrap();
        let (sender, receiver) = channel();
        let (sender, receiver) = (Mutex::new(sender), Mutex::new(receiver));
        let read = |item: u32| {
            sender.lock().unwrap().send(item).unwrap();
            Ok(item)
        };
        // Each item waits until the one after it has been read.
        let heard = || receiver.lock().unwrap().recv_timeout(Duration::from_mins(1)).unwrap();
        let work = |item| {
            if item == 0 {
                assert_eq!(heard(), 0);
            }
            if item < 9 {
                assert_eq!(heard(), item + 1);
            }
            Ok(item)
        };
        let mut done = Vec::new();
        let take = |item| {
            done.push(item);
            Ok(())
        };
        each_ahead(&engine, 0..10, read, work, take).unwrap();
        assert_eq!(done, (0..10).collect::<Vec<_>>());
    }
}
