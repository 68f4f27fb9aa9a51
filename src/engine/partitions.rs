//! All events in the order of their users: at once where they fit in memory, else part by part.

use super::group::Record;
use super::pool::Engine;
use super::spill::Part;
use super::walk::{Estimates, Partition, Walked, Walking, merged};
use crate::error::Result;

/// All events, in parts of whole users, in order.
pub(super) enum Partitions<R> {
    /// One part.
    Memory(Partition<R>),
    /// Parts that are read when it is their turn.
    Disk(Vec<Part<R>>),
}

impl<R: Record> Partitions<R> {
    /// What viewings say of the length of each video that `is_marked` accepts.
    pub(super) fn estimates(
        &mut self,
        engine: &Engine,
        walking: Walking<'_>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Estimates> {
        match self {
            Self::Memory(partition) => partition.estimates(engine, walking, is_marked),
            Self::Disk(parts) => {
                let mut all = Estimates::default();
                let read = |part: &Part<R>| part.partition(engine);
                let work = |mut partition: Partition<R>| partition.estimates(engine, walking, &is_marked);
                each_ahead(engine, parts.iter(), read, work, |found| {
                    all = merged(std::mem::take(&mut all), found);
                    Ok(())
                })?;
                Ok(all)
            }
        }
    }

    /// Walks through all events as `walking` says, and hands what `finish` makes of each task to `take`, partition by
    /// partition in the order of users; tells how many duplicates there were. `finish` has scratch memory of its own in
    /// each thread.
    pub(super) fn walk<T: Send, S: Default>(
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

/// Does `work` on what `read` makes of each of `items`, while it reads the next one, which takes one thread; `done`
/// gets each result, in order.
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
