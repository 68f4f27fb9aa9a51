//! A temporary file of fragments.
//!
//! It holds an Arrow IPC stream, compressed, of one row per fragment. It has no name, so it is gone as soon as it is closed,
//! however the process ends.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch, cast::AsArray};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::engine::group::{Chunk, Record};
use crate::engine::order::At;
use crate::error::{Error, Result};
use crate::input::KeyArena;

/// How many bytes a batch of fragments has, about.
const BATCH_BYTES: usize = 8 << 20;

const COLUMNS: [&str; 4] = ["user", "video", "session", "events"];

fn schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::LargeBinary, false);
    Arc::new(Schema::new(COLUMNS.map(field).to_vec()))
}

/// A file without a name, while it is written and after that.
enum Written {
    Open(Box<StreamWriter<BufWriter<File>>>),
    Closed(File),
    /// Between the two, or broken there.
    Lost,
}

/// Fragments in a temporary file.
pub(super) struct FragmentFile<R> {
    file: Written,
    records: PhantomData<R>,
}

impl<R: Record> FragmentFile<R> {
    /// A file without fragments.
    ///
    /// # Errors
    /// If the system makes none.
    pub(super) fn new() -> Result<Self> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let writer = StreamWriter::try_new_with_options(BufWriter::new(file()?), &schema(), options);
        let file = Written::Open(Box::new(writer.map_err(failed)?));
        Ok(Self { file, records: PhantomData })
    }

    /// Adds the fragments at `places` in `chunks`.
    pub(super) fn write(&mut self, chunks: &[Chunk<R>], places: &[At]) -> Result<()> {
        let Written::Open(writer) = &mut self.file else { return Err(lost()) };
        let mut batch = FragmentBatch::default();
        for &at in places {
            let chunk = &chunks[at.chunk as usize];
            batch.add(chunk.keys.get(at.fragment), chunk.records(at.fragment));
            if batch.bytes > BATCH_BYTES {
                writer.write(&batch.take()?).map_err(failed)?;
            }
        }
        if batch.bytes > 0 {
            writer.write(&batch.take()?).map_err(failed)?;
        }
        Ok(())
    }

    /// Ends the writing: fragments can be read from then on.
    pub(super) fn close(&mut self) -> Result<()> {
        self.file = match std::mem::replace(&mut self.file, Written::Lost) {
            Written::Open(writer) => {
                let buffer = writer.into_inner().map_err(failed)?;
                Written::Closed(buffer.into_inner().map_err(|error| no_room(error.error()))?)
            }
            file => file,
        };
        Ok(())
    }

    /// Its fragments, batch by batch as they were written.
    pub(super) fn chunks(&self) -> Result<impl Iterator<Item = Result<Chunk<R>>> + '_> {
        let Written::Closed(file) = &self.file else { return Err(lost()) };
        let mut file = file;
        file.seek(SeekFrom::Start(0)).map_err(|error| no_room(&error))?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(failed)?;
        Ok(reader.map(|batch| read(&batch.map_err(failed)?)))
    }
}

/// A batch of fragments in the making.
#[derive(Default)]
struct FragmentBatch {
    columns: [LargeBinaryBuilder; 4],
    events: Vec<u8>,
    bytes: usize,
}

impl FragmentBatch {
    /// Adds a fragment with these `keys` and events.
    fn add<R: Record>(&mut self, keys: [&[u8]; 3], records: &[R]) {
        let [user, video, session, events] = &mut self.columns;
        self.events.clear();
        records.iter().for_each(|record| record.write(&mut self.events));
        for (column, value) in [user, video, session].into_iter().zip(keys) {
            column.append_value(value);
            self.bytes += value.len();
        }
        events.append_value(&self.events);
        self.bytes += self.events.len();
    }

    fn take(&mut self) -> Result<RecordBatch> {
        self.bytes = 0;
        let columns = self.columns.each_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        Ok(RecordBatch::try_new(schema(), columns.to_vec())?)
    }
}

/// The fragments that `batch` holds.
fn read<R: Record>(batch: &RecordBatch) -> Result<Chunk<R>> {
    let column = |index: usize| -> Result<&LargeBinaryArray> {
        let found = batch.columns().get(index).and_then(|column| column.as_binary_opt::<i64>());
        found.ok_or_else(|| Error::Internal("a temporary file has lost a column".to_owned()))
    };
    let (user, video, session, events) = (column(0)?, column(1)?, column(2)?, column(3)?);
    let mut keys = KeyArena::default();
    let mut records = Vec::with_capacity(events.value_data().len() / R::BYTES);
    let mut counts = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        keys.push([user.value(row), video.value(row), session.value(row)]);
        let events = events.value(row).chunks_exact(R::BYTES);
        counts.push(events.len());
        records.extend(events.map(R::read));
    }
    keys.check()?;
    Ok(Chunk::new(keys, &counts, records))
}

/// A file that only this process knows.
fn file() -> Result<File> {
    tempfile::tempfile().map_err(|error| no_room(&error))
}

fn lost() -> Error {
    Error::Internal("a temporary file is not open".to_owned())
}

/// What systems say to a process that has too many files open, or when all processes together have.
const TOO_MANY: &[i32] = if cfg!(windows) { &[4] } else { &[23, 24] };

fn no_room(error: &std::io::Error) -> Error {
    let reason = error.to_string();
    if error.raw_os_error().is_some_and(|code| TOO_MANY.contains(&code)) {
        return Error::OpenFiles { reason };
    }
    Error::Spill { folder: std::env::temp_dir().display().to_string(), reason }
}

fn failed(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(reason, _) => {
            Error::Spill { folder: std::env::temp_dir().display().to_string(), reason }
        }
        other => other.into(),
    }
}
