//! Parquet files as events and videos.

use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::prelude::*;

use super::bridge::export_batch;
use super::door::{Maybe, detached, guarded};
use super::options::columns;
use crate::error::Error;
use crate::files::{Batches, Chosen, Parquet};
use crate::input::InputTable;

/// Parquet files, of which the columns in use are read.
#[pyclass(frozen, module = "watchspan._core")]
pub(super) struct ParquetFiles(pub(super) Parquet);

#[pymethods]
impl ParquetFiles {
    /// The files at `paths`.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it makes of a list")]
    fn open(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Self> {
        guarded(|| detached(py, || Parquet::open(&paths)).map(Self))
    }

    /// The names of the columns of each file.
    #[getter]
    fn names(&self) -> Vec<Vec<&str>> {
        self.0.names().collect()
    }

    /// How many rows there are.
    #[getter]
    fn rows(&self) -> u64 {
        self.0.rows()
    }

    /// How many rows were read so far.
    #[getter]
    fn rows_read(&self) -> u64 {
        self.0.rows_read()
    }

    /// The same files, of which only what a `table` of `columns` uses is read.
    fn only(&self, table: &str, columns: Maybe<'_, '_>) -> PyResult<Self> {
        guarded(|| {
            let used = self::columns(columns)?.used(InputTable::named(table), self.0.schema())?;
            let keys = used.iter().filter(|used| used.is_key).map(|used| used.path.clone());
            let keys: Vec<_> = keys.collect();
            let chosen = used.into_iter().map(|used| Chosen { own: used.own, path: used.path });
            Ok(Self(self.0.only(&chosen.collect::<Vec<_>>(), &keys)?))
        })
    }

    fn __iter__(&self) -> ParquetBatches {
        ParquetBatches(Mutex::new(self.0.batches()))
    }
}

/// The batches of Parquet files.
#[pyclass(frozen, module = "watchspan._core")]
struct ParquetBatches(Mutex<Batches>);

#[pymethods]
impl ParquetBatches {
    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        guarded(|| {
            let next = || self.0.lock().map_err(|_| Error::Interrupted)?.next().transpose();
            detached(py, next)?.map(|batch| export_batch(py, batch)).transpose()
        })
    }
}
