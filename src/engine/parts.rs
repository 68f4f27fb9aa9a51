//! Reading events out of files: each thread decodes and groups rows by itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::events::{AcceptedEvents, Events, Layout};
use super::group::{Chunk, Grouper, Record, Rejects, SLICE_ROWS};
use crate::error::{Error, Result};
use crate::files::{Batches, Part};
use crate::input::{Dictionaries, DropCounts, EventBatch};

impl AcceptedEvents<'_> {
    /// Takes in all rows of `parts`, in parallel.
    ///
    /// # Errors
    /// If a part cannot be read, the work was stopped, or temporary files cannot be written.
    pub fn read(&mut self, parts: Vec<Part>) -> Result<()> {
        match &mut self.0 {
            Layout::Plain(events) => events.read(parts),
            Layout::Wide(events) => events.read(parts),
        }
    }
}

/// What is left to read, and how much of it may stay in memory.
struct Left {
    parts: Mutex<std::vec::IntoIter<Part>>,
    /// How many bytes were kept since somebody looked, and may be until somebody looks again.
    bytes: AtomicUsize,
    room: usize,
}

/// A thread's reading.
struct Reading<R> {
    /// The part at hand.
    batches: Option<Batches>,
    /// The values of its dictionaries.
    dictionaries: Dictionaries,
    grouper: Grouper<R>,
    is_done: bool,
}

impl<R: Record> Default for Reading<R> {
    fn default() -> Self {
        Self {
            batches: None,
            dictionaries: Dictionaries::default(),
            grouper: Grouper::default(),
            is_done: false,
        }
    }
}

impl<R: Record> Events<'_, R> {
    /// What [`AcceptedEvents::read`] says, of events in one layout.
    fn read(&mut self, parts: Vec<Part>) -> Result<()> {
        let mut readings: Vec<Reading<R>> = (0..self.engine.threads()).map(|_| Reading::default()).collect();
        let mut left = Left { parts: Mutex::new(parts.into_iter()), bytes: AtomicUsize::new(0), room: 0 };
        while readings.iter().any(|reading| !reading.is_done) {
            (left.bytes, left.room) = (AtomicUsize::new(0), self.room());
            let read = |reading: &mut Reading<R>| reading.read(self, &left);
            let read = self
                .engine
                .run(|| readings.par_iter_mut().with_max_len(1).map(read).collect::<Result<Vec<_>>>())?;
            for (chunks, counts) in read {
                self.keep(chunks, &counts);
            }
            self.fit()?;
        }
        Ok(())
    }
}

impl<R: Record> Reading<R> {
    /// The chunks of batches that are `left`, until there are none or what is kept needs looking at.
    fn read(&mut self, events: &Events<'_, R>, left: &Left) -> Result<(Vec<Chunk<R>>, DropCounts)> {
        let (mut chunks, mut counts) = (Vec::new(), DropCounts::default());
        while !self.is_done {
            events.engine.check()?;
            let Some(batch) = self.next(left)? else { break };
            let batch = EventBatch::bind(events.schema(), &batch, &self.dictionaries)?;
            self.dictionaries = batch.dictionaries();
            // None of them is told as an example, so they need no numbers.
            let mut rejects = Rejects::new(0);
            let (made, found) =
                self.grouper.group(&batch, |row| row as u64, events.cleaner(), &mut rejects)?;
            counts.merge(&found);
            let bytes = made.iter().map(Chunk::bytes).sum();
            chunks.extend(made);
            if left.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > left.room {
                break;
            }
        }
        Ok((chunks, counts))
    }

    /// The next batch of the part at hand, or of the next one.
    fn next(&mut self, left: &Left) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batches.as_mut().and_then(Iterator::next) {
                return batch.map(Some);
            }
            let next = left
                .parts
                .lock()
                .map_err(|_| Error::Internal("a thread that read is gone".to_owned()))?
                .next();
            self.dictionaries = Dictionaries::default();
            self.is_done = next.is_none();
            self.batches = next.map(|part| part.batches(SLICE_ROWS));
            if self.is_done {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};
    use arrow_select::concat::concat_batches;

    use super::*;
    use crate::engine::Engine;
    use crate::event::Vocabulary;
    use crate::files::{Parquet, ParquetWriter};
    use crate::input::{ColumnMap, EventSchema};
    use crate::rules::Rules;

    /// Events of some hundred users, a few of each at a time.
    fn events(count: u32) -> RecordBatch {
        let text = |of: &dyn Fn(u32) -> String| -> ArrayRef {
            Arc::new((0..count).map(|n| Some(of(n))).collect::<StringArray>())
        };
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(
            (0..count).map(|n| i64::from(n) * 5_000_000),
        ));
        let positions: ArrayRef =
            Arc::new(Float64Array::from_iter_values((0..count).map(|n| f64::from(n % 700))));
        RecordBatch::try_from_iter([
            ("timestamp", times),
            ("userId", text(&|n| format!("user-{}", n / 7 % 311))),
            ("videoId", text(&|n| format!("video-{}", n / 7 % 3))),
            ("eventName", text(&|n| if n % 7 == 0 { "play" } else { "timeupdate" }.to_owned())),
            ("currentTime", positions),
        ])
        .unwrap()
    }

    #[test]
    fn parts_give_what_batches_give_within_any_limit() {
        let folder = tempfile::tempdir().unwrap();
        let (path, events) = (folder.path().join("events"), events(400_000));
        let mut writer = ParquetWriter::new(std::fs::File::create(&path).unwrap());
        writer.add(vec![events.clone()]).unwrap();
        writer.finish(&events.schema()).unwrap();
        let files = Parquet::open(&[path]).unwrap();
        assert!(files.parts().len() > 3, "one row group a part");
        let schema = |files: &Parquet| EventSchema::bind(files.schema(), &ColumnMap::default()).unwrap();
        for threads in [1, 3] {
            let engine = Engine::new(Some(threads)).unwrap();
            let accepted = |limit| AcceptedEvents::new(&engine, schema(&files), Vocabulary::default(), limit);
            let sessions = |accepted: AcceptedEvents<'_>| {
                let batches = accepted.sessions(&Rules::default()).unwrap().batches(&engine).unwrap();
                concat_batches(&batches[0].schema(), &batches).unwrap()
            };
            let mut expected = accepted(None);
            expected.push(std::slice::from_ref(&events)).unwrap();
            let expected = sessions(expected);
            assert!(expected.num_rows() > 900, "{} rows", expected.num_rows());
            for limit in [None, Some(1), Some(4 << 20), Some(1 << 30)] {
                let mut read = accepted(limit);
                read.read(files.parts()).unwrap();
                assert!(sessions(read) == expected, "{threads} threads, {limit:?}");
            }
        }
    }
}
