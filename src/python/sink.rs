//! Parquet files that the core writes.

use std::io::{BufWriter, Write};
use std::sync::Mutex;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::door::{Maybe, Object, guarded, interruptible};
use super::options::engine;
use super::source::Source;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::files::ParquetWriter;

/// How many bytes are handed to a stream of Python's at a time.
const WRITE_BYTES: usize = 1 << 20;

/// A Parquet file in the making, whose bytes go to a stream of Python's.
#[pyclass(frozen, module = "watchspan._core")]
pub(super) struct ParquetSink {
    engine: Engine,
    writer: Mutex<Option<ParquetWriter<BufWriter<Stream>>>>,
}

#[pymethods]
impl ParquetSink {
    /// A file for `stream`, which `threads` threads encode.
    #[new]
    #[pyo3(signature = (stream, threads = None))]
    fn new(stream: Object<'_, '_>, threads: Maybe<'_, '_>) -> PyResult<Self> {
        let stream = BufWriter::with_capacity(WRITE_BYTES, Stream(stream.clone().unbind()));
        Ok(Self { engine: engine(threads)?, writer: Mutex::new(Some(ParquetWriter::new(stream))) })
    }

    /// How many rows were added.
    #[getter]
    fn rows(&self) -> u64 {
        let writer = self.writer.lock();
        writer.ok().and_then(|writer| writer.as_ref().map(ParquetWriter::rows)).unwrap_or_default()
    }

    /// Adds the rows of `table`.
    fn add(&self, py: Python<'_>, table: Object<'_, '_>) -> PyResult<()> {
        guarded(|| {
            let (_, batches) = Source::new(table)?.all()?;
            interruptible(py, &self.engine, || self.take(&self.engine, batches))
        })
    }

    /// Ends the file, whose columns and metadata are those of `table`.
    fn finish(&self, py: Python<'_>, table: Object<'_, '_>) -> PyResult<()> {
        guarded(|| {
            let (schema, _) = Source::new(table)?.all()?;
            interruptible(py, &self.engine, || {
                let writer = self.writer.lock().map_err(|_| broken())?.take().ok_or_else(broken)?;
                self.engine.run(|| writer.finish(&schema))
            })
        })
    }
}

impl ParquetSink {
    /// Adds `batches`, which the threads of `engine` encode.
    pub(super) fn take(&self, engine: &Engine, batches: Vec<RecordBatch>) -> Result<()> {
        let mut writer = self.writer.lock().map_err(|_| broken())?;
        let writer = writer.as_mut().ok_or_else(broken)?;
        engine.run(|| writer.add(batches))
    }
}

fn broken() -> Error {
    Error::Source("the file was ended before, or its writing failed.".to_owned())
}

/// A stream of Python's.
struct Stream(Py<PyAny>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Python::attach(|py| {
            self.0.call_method1(py, "write", (PyBytes::new(py, bytes),))?;
            Ok(bytes.len())
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
