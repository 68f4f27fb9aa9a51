//! All events in the order of their users: those in memory first, then part by part those that did not fit.

use super::group::{Chunk, Record};
use super::pool::Engine;
use super::spill::Part;
use super::walk::{Estimates, Partition, Walked, Walking, merged};
use crate::error::Result;

/// Into how many portions events in memory are cut.
const PORTIONS: usize = 8;

/// How rows are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing {
    /// All that come of events in memory at once, to who keeps them.
    Whole,
    /// In portions, to who writes them: beside the making of the next portion, so that there is room for what comes of
    /// two, and threads have work where a portion ends.
    Portions,
}

/// All events, in parts of whole users, in order.
pub(super) struct Partitions<R> {
    /// The events of the first users.
    memory: Partition<R>,
    /// Those of all others, in parts that are read when it is their turn.
    disk: Vec<Part<R>>,
}

/// Events that are a part of all, and what has to be done before they can be worked on.
enum Portion<M, D> {
    /// Nothing.
    Memory(M),
    /// They have to be read.
    Disk(D),
}

impl<R: Record> Partitions<R> {
    /// All events of `chunks` and then those of `disk`, whose users come after those of `chunks` and are in order.
    pub(super) fn new(engine: &Engine, chunks: Vec<Chunk<R>>, disk: Vec<Part<R>>) -> Self {
        Self { memory: Partition::new(engine, chunks), disk }
    }

    /// What viewings say of the length of each video that `is_marked` accepts.
    pub(super) fn estimates(
        &mut self,
        engine: &Engine,
        walking: Walking<'_>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Estimates> {
        let memory = std::iter::once(Portion::Memory(&mut self.memory));
        let portions = memory.chain(self.disk.iter().map(Portion::Disk));
        let read = |portion: Portion<_, &Part<R>>| match portion {
            Portion::Memory(partition) => Ok(Portion::Memory(partition)),
            Portion::Disk(part) => part.partition(engine).map(Portion::Disk),
        };
        let work = |portion: Portion<&mut Partition<R>, Partition<R>>| match portion {
            Portion::Memory(partition) => partition.estimates(engine, walking, &is_marked),
            Portion::Disk(mut partition) => partition.estimates(engine, walking, &is_marked),
        };
        let mut all = Estimates::default();
        each_ahead(engine, portions, read, work, |found| {
            all = merged(std::mem::take(&mut all), found);
            Ok(())
        })?;
        Ok(all)
    }

    /// Walks through all events as `walking` says, and hands what `finish` makes of each task to `take`, portion by
    /// portion in the order of users; tells how many duplicates there were. `finish` has scratch memory of its own in
    /// each thread.
    pub(super) fn walk<T: Send, S: Default>(
        self,
        engine: &Engine,
        walking: Walking<'_>,
        handing: Handing,
        finish: impl Fn(&mut S, &Walked<'_, R>) -> Result<T> + Sync,
        mut take: impl FnMut(Vec<T>) -> Result<()> + Send,
    ) -> Result<u64> {
        let is_whole = handing == Handing::Whole && self.disk.is_empty();
        let memory = self.memory.portions(if is_whole { 1 } else { PORTIONS });
        let portions =
            memory.into_iter().map(Portion::Memory).chain(self.disk.into_iter().map(Portion::Disk));
        // A part's file goes when it has been read.
        let read = |portion: Portion<Partition<R>, Part<R>>| match portion {
            Portion::Memory(partition) => Ok(partition),
            Portion::Disk(part) => part.partition(engine),
        };
        let work = |partition: Partition<R>| partition.walk(engine, walking, &finish);
        let mut duplicates = 0;
        each_ahead(engine, portions, read, work, |(made, found)| {
            duplicates += found;
            take(made)
        })?;
        Ok(duplicates)
    }
}

/// Does `work` on what `read` makes of each of `items`. Beside it `done` takes the result of the one before, in
/// order, and the next one is read.
fn each_ahead<I: Send, T: Send, U: Send>(
    engine: &Engine,
    mut items: impl Iterator<Item = I>,
    read: impl Fn(I) -> Result<T> + Sync,
    work: impl Fn(T) -> Result<U> + Sync,
    mut done: impl FnMut(U) -> Result<()> + Send,
) -> Result<()> {
    let mut ahead = items.next().map(&read).transpose()?;
    let mut made = None;
    while let Some(item) = ahead.take() {
        engine.check()?;
        let (next, last) = (items.next(), made.take());
        let beside = || {
            last.map_or(Ok(()), &mut done)?;
            next.map(&read).transpose()
        };
        let (worked, next) = engine.join(|| work(item), beside);
        (made, ahead) = (Some(worked?), next?);
    }
    made.map_or(Ok(()), done)
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
