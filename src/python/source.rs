//! Record batches from whatever Python hands over.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use super::bridge::{Stream, check_sizes, import_batch};
use super::errors::SourceError;
use super::files::ParquetFiles;
use crate::engine::SLICE_ROWS;
use crate::error::Error;
use crate::files;

/// Batches, one after the other.
pub(super) struct Source<'py> {
    py: Python<'py>,
    batches: Batches<'py>,
    /// The schema, if there is any batch or the producer tells it without one.
    pub(super) schema: Option<SchemaRef>,
    first: Option<RecordBatch>,
    /// Whether all of it lies in memory already.
    is_in_memory: bool,
}

enum Batches<'py> {
    Stream(Stream),
    Iterator(Bound<'py, PyIterator>),
    Files(Box<files::Batches>),
    End,
}

/// Whether an object is a table that knows how many rows it has, as those of pyarrow and polars do and readers do not.
fn is_in_memory(object: &Bound<'_, PyAny>) -> bool {
    let is_number = |name| object.getattr(name).is_ok_and(|rows| rows.extract::<usize>().is_ok());
    ["num_rows", "height"].into_iter().any(is_number)
}

impl<'py> Source<'py> {
    pub(super) fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        check_sizes(object)?;
        let is_in_memory = is_in_memory(object);
        let source = |batches, schema, first| Ok(Self { py, batches, schema, first, is_in_memory });
        if let Ok(files) = object.cast::<ParquetFiles>() {
            let files = &files.get().0;
            let batches = Batches::Files(Box::new(files.batches(SLICE_ROWS)));
            return source(batches, Some(SchemaRef::clone(files.schema())), None);
        }
        if object.hasattr("__arrow_c_stream__")? {
            let stream = Stream::open(object)?;
            let schema = SchemaRef::clone(&stream.schema);
            return source(Batches::Stream(stream), Some(schema), None);
        }
        if object.hasattr("__arrow_c_array__")? {
            let batch = import_batch(object)?;
            return source(Batches::End, Some(batch.schema()), Some(batch));
        }
        let iterator = object.try_iter().map_err(|_| {
            let found = object.get_type().name().map_or_else(|_| "unknown".to_owned(), |name| name.to_string());
            SourceError::new_err(format!(
                "The input is of type {found}; needed is something with __arrow_c_stream__ or an iterator of record batches."
            ))
        })?;
        let mut source =
            Self { py, batches: Batches::Iterator(iterator), schema: None, first: None, is_in_memory: false };
        source.first = source.pull()?;
        source.schema = source.first.as_ref().map(RecordBatch::schema);
        Ok(source)
    }

    fn pull(&mut self) -> PyResult<Option<RecordBatch>> {
        match &mut self.batches {
            Batches::Stream(stream) => Ok(self.py.detach(|| stream.next())?),
            Batches::Iterator(iterator) => {
                let Some(item) = iterator.next().transpose()? else { return Ok(None) };
                import_batch(&item).map(Some)
            }
            Batches::Files(batches) => Ok(self.py.detach(|| batches.next().transpose())?),
            Batches::End => Ok(None),
        }
    }

    /// The next batch; looks for Ctrl-C.
    fn next_batch(&mut self) -> PyResult<Option<RecordBatch>> {
        self.py.check_signals()?;
        let batch = match self.first.take() {
            Some(first) => Some(first),
            None => self.pull()?,
        };
        batch.map(|batch| self.checked(batch)).transpose()
    }

    /// Refuses a batch whose columns are not those of the first one.
    fn checked(&self, batch: RecordBatch) -> PyResult<RecordBatch> {
        let Some(schema) = &self.schema else { return Ok(batch) };
        let fields = schema.fields().iter().zip(batch.schema_ref().fields());
        for (first, later) in fields {
            if first.name() != later.name() {
                let message = format!(
                    "The batches have different columns: {:?} stands where the first batch has {:?}.",
                    later.name(),
                    first.name()
                );
                return Err(Error::Source(message).into());
            }
            if first.data_type() != later.data_type() {
                return Err(Error::ChangedType {
                    column: first.name().clone(),
                    first: first.data_type().to_string(),
                    later: later.data_type().to_string(),
                }
                .into());
            }
        }
        Ok(batch)
    }

    /// The next batches, of about so many rows together, or all if they lie in memory; empty at the end.
    pub(super) fn next_some(&mut self, rows: usize) -> PyResult<Vec<RecordBatch>> {
        self.next_batches(if self.is_in_memory { usize::MAX } else { rows })
    }

    fn next_batches(&mut self, rows: usize) -> PyResult<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let mut read = 0;
        while read < rows {
            let Some(batch) = self.next_batch()? else { break };
            // A batch without rows still has to be counted, or a stream of nothing but those would never end a call.
            read += batch.num_rows().max(1);
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Everything that is left.
    pub(super) fn all(mut self) -> PyResult<(Schema, Vec<RecordBatch>)> {
        let batches = self.next_batches(usize::MAX)?;
        let schema = self.schema.map_or_else(Schema::empty, |schema| schema.as_ref().clone());
        Ok((schema, batches))
    }
}
