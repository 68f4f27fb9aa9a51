//! From accepted events to the tables, partition by partition.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Engine;
use super::events::Events;
use super::fragments::Chunk;
use super::partition::{Estimates, Partition, Walking, merged};
use super::record::Record;
use super::rows::{Durations, Ids, Row, Rows};
use super::sessions::Sessions;
use super::spill::Part;
use super::store::KeyStore;
use crate::engagement::EngagementOptions;
use crate::error::Result;
use crate::input::{DropCounts, DropReason, EventSchema, KeyType, KeyTypes, Videos};
use crate::output::session_table;
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
    Memory(Vec<Chunk<R>>),
    /// Parts that are read when it is their turn.
    Disk(Vec<Part<R>>),
}

impl<R: Record> Partitions<R> {
    /// Works through the parts one by one, as often as asked; the fragments of some videos are marked.
    fn ordered<M: Mark>(self, engine: &Engine, is_marked: M) -> Ordered<'_, R, M> {
        let (whole, parts) = match self {
            Self::Memory(chunks) => (Some(Partition::new(engine, chunks, &is_marked)), Vec::new()),
            Self::Disk(parts) => (None, parts),
        };
        Ordered { engine, whole, parts, is_marked }
    }
}

/// Tells whether a video is to be marked.
trait Mark: Fn(&[u8]) -> bool + Sync {}

impl<M: Fn(&[u8]) -> bool + Sync> Mark for M {}

/// Parts of whole users, each put in order when it is its turn.
struct Ordered<'a, R, M> {
    engine: &'a Engine,
    whole: Option<Partition<R>>,
    parts: Vec<Part<R>>,
    is_marked: M,
}

impl<R: Record, M: Mark> Ordered<'_, R, M> {
    fn each(&self, mut work: impl FnMut(&Partition<R>) -> Result<()>) -> Result<()> {
        self.whole.iter().try_for_each(&mut work)?;
        for part in &self.parts {
            self.engine.check()?;
            let chunks = part.chunks()?.collect::<Result<_>>()?;
            work(&Partition::new(self.engine, chunks, &self.is_marked))?;
        }
        Ok(())
    }

    /// How far anybody got in each of the marked videos.
    fn furthest(&self, walking: Walking<'_>) -> Result<Estimates> {
        let mut all = Estimates::default();
        self.each(|partition| {
            all = merged(std::mem::take(&mut all), partition.furthest(self.engine, walking)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Walks through all events and hands what becomes of the rows on, part by part; tells how many duplicates there
    /// were.
    fn walk<T: Send>(
        &self,
        walking: Walking<'_>,
        finish: impl Fn(&mut KeyStore, Vec<Row>) -> Result<T> + Sync,
        mut take: impl FnMut(Vec<T>) -> Result<()>,
    ) -> Result<u64> {
        let mut duplicates = 0;
        self.each(|partition| {
            let (made, found) = partition.walk(self.engine, walking, &finish)?;
            duplicates += found;
            take(made)
        })?;
        Ok(duplicates)
    }
}

impl<R: Record> Events<'_, R> {
    /// Walks all events: one row per user, video and session, kept in memory.
    ///
    /// # Errors
    /// If the work was stopped, or temporary files cannot be read.
    pub fn sessions(mut self, rules: &Rules) -> Result<Sessions> {
        let ids = Ids::of(self.schema(), rules);
        let ordered = self.partitions()?.ordered(self.engine, |_| false);
        let (mut tasks, walking) = (Vec::new(), Walking::new(rules, self.schema().has_session()));
        let finish = |store: &mut KeyStore, rows| {
            let rows = ids.sorted(store, rows);
            Ok((std::mem::take(store), rows))
        };
        let duplicates = ordered.walk(walking, finish, |made| {
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
        let ordered = self.partitions()?.ordered(engine, |_| false);
        let walking = Walking::new(rules, self.schema().has_session());
        let finish = |store: &mut KeyStore, rows| {
            let all = ids.sorted(store, rows);
            Rows { store, ids, all: &all }.sessions(engine)
        };
        let duplicates = ordered.walk(walking, finish, &mut take)?;
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
        let wanted = options.rules.estimate_duration;
        let ordered = self.partitions()?.ordered(engine, |video| wanted && videos.lacks_duration(video));
        let walking = Walking::new(&options.rules, self.schema().has_session());
        let estimates = if wanted { ordered.furthest(walking)? } else { Estimates::default() };
        let durations = Durations { videos, estimates: &estimates };
        let finish = |store: &mut KeyStore, rows| {
            let all = ids.sorted(store, rows);
            Rows { store, ids, all: &all }.engagement(engine, durations, options)
        };
        let duplicates =
            ordered.walk(walking, finish, |batches| take(batches.into_iter().flatten().collect()))?;
        self.counts.add(DropReason::Duplicate, duplicates);
        Ok(Made { schema: ids.engagement_schema(), counts: self.counts })
    }
}

impl Ids {
    /// How rows of events of that schema show their keys under these rules.
    fn of(schema: &EventSchema, rules: &Rules) -> Self {
        let (keys, has_session) = (schema.keys(), schema.has_session());
        let is_trusted = Cutting::new(rules, has_session) == Cutting::Trusted;
        let session = if is_trusted { keys.session } else { KeyType::Text };
        Self { keys: KeyTypes { session, ..keys }, read: has_session.then_some(keys.session) }
    }
}
