//! Record batches from whatever Python hands over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{Schema, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3_arrow::PyRecordBatch;
use pyo3_arrow::input::AnyRecordBatch;

use super::bridge::import_batch;
use super::errors::SourceError;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// How often a long computation looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

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
    Stream(Box<dyn RecordBatchReader + Send>),
    Iterator(Bound<'py, PyIterator>),
    End,
}

/// Arrow data that is no table, such as a single column; other errors are the producer's own and pass.
fn not_a_table(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyValueError>(py) {
        return SourceError::new_err(format!("The input is Arrow data, but not a table: {error}"));
    }
    error
}

/// Whether an object is a table that knows how many rows it has, as those of pyarrow and polars do and readers do not.
fn is_in_memory(object: &Bound<'_, PyAny>) -> bool {
    let is_number = |name| object.getattr(name).is_ok_and(|rows| rows.extract::<usize>().is_ok());
    ["num_rows", "height"].into_iter().any(is_number)
}

impl<'py> Source<'py> {
    pub(super) fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let is_in_memory = is_in_memory(object);
        let source = |batches, schema, first| Ok(Self { py, batches, schema, first, is_in_memory });
        if object.hasattr("__arrow_c_stream__")? {
            let reader = object.extract::<AnyRecordBatch>().and_then(AnyRecordBatch::into_reader);
            let reader = reader.map_err(|error| not_a_table(py, error))?;
            let schema = reader.schema();
            return source(Batches::Stream(reader), Some(schema), None);
        }
        if object.hasattr("__arrow_c_array__")? {
            let batch =
                object.extract::<PyRecordBatch>().map_err(|error| not_a_table(py, error))?.into_inner();
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
            Batches::Stream(reader) => {
                let next = self.py.detach(|| reader.next());
                next.transpose().map_err(|error| Error::Source(error.to_string()).into())
            }
            Batches::Iterator(iterator) => {
                iterator.next().transpose()?.as_ref().map(import_batch).transpose()
            }
            Batches::End => Ok(None),
        }
    }

    /// The next batch; looks for Ctrl-C.
    pub(super) fn next_batch(&mut self) -> PyResult<Option<RecordBatch>> {
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

/// Runs short work without the GIL.
pub(super) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    // A panic would pass every `except Exception` of Python.
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    Ok(result.unwrap_or_else(|_| Err(Error::Internal("a batch made it panic".to_owned())))?)
}

/// Runs work without the GIL and looks for Ctrl-C meanwhile; the work stops soon after it.
pub(super) fn interruptible<T: Send>(
    py: Python<'_>,
    engine: &Engine,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    beside(py, engine, work, || Ok(())).map(|(result, ())| result)
}

/// The same beside something that is done here, with the GIL; if that fails, the work stops, too.
pub(super) fn beside<T: Send, U>(
    py: Python<'_>,
    engine: &Engine,
    work: impl FnOnce() -> Result<T> + Send,
    here: impl FnOnce() -> PyResult<U>,
) -> PyResult<(T, U)> {
    let switch = engine.cancel_switch();
    std::thread::scope(|scope| {
        let (done, finished) = channel();
        let worker = scope.spawn(move || {
            let result = work();
            // Nobody listens any more if a signal came first; the result is then of no use either.
            let _ = done.send(());
            result
        });
        let found = here();
        switch.fetch_or(found.is_err(), Ordering::Relaxed);
        let (signal, result) = py.detach(move || (signal_before(&finished, &switch), worker.join()));
        let result = result.unwrap_or_else(|_| Err(Error::Internal("a thread panicked".to_owned())));
        match (signal, found, result) {
            (Some(signal), ..) => Err(signal),
            (None, Err(failed), Ok(_) | Err(Error::Interrupted)) => Err(failed),
            (None, _, Err(error)) => Err(error.into()),
            (None, Ok(found), Ok(result)) => Ok((result, found)),
        }
    })
}

/// Waits until work is done and looks for Ctrl-C meanwhile, which switches it off.
fn signal_before(finished: &Receiver<()>, switch: &AtomicBool) -> Option<PyErr> {
    let mut signal = None;
    while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(SIGNAL_INTERVAL) {
        if signal.is_none() {
            signal = Python::attach(|py| py.check_signals().err());
            switch.fetch_or(signal.is_some(), Ordering::Relaxed);
        }
    }
    signal
}
