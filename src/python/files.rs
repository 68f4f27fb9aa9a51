//! Parquet files as events and videos.

use std::iter::Chain;
use std::option::IntoIter;
use std::path::PathBuf;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use pyo3::prelude::*;

use super::bridge::export_batch;
use super::door::{Maybe, detached, guarded};
use super::options::columns;
use crate::engine::SLICE_ROWS;
use crate::error::{Error, Result};
use crate::files::{Batches, Chosen, Parquet};
use crate::input::{InputTable, Used};

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
            let table = InputTable::named(table);
            let used = self::columns(columns)?.used(table, self.0.schema())?;
            let chosen = used.into_iter().map(|Used { own, path, is_key, .. }| Chosen { own, path, is_key });
            Ok(Self(self.0.only(&chosen.collect::<Vec<_>>(), table == InputTable::Events)?))
        })
    }

    fn __iter__(&self) -> ParquetBatches {
        let nothing = (self.0.rows() == 0).then(|| RecordBatch::new_empty(self.0.schema().clone()));
        ParquetBatches(Mutex::new(nothing.map(Ok).into_iter().chain(self.0.batches(SLICE_ROWS))))
    }
}

/// The batches of Parquet files: at least one, which has their columns.
#[pyclass(frozen, module = "watchspan._core")]
struct ParquetBatches(Mutex<Chain<IntoIter<Result<RecordBatch>>, Batches>>);

#[pymethods]
impl ParquetBatches {
    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        guarded(|| {
            let next = || {
                self.0
                    .lock()
                    .map_err(|_| Error::Internal("a thread that read is gone".to_owned()))?
                    .next()
                    .transpose()
            };
            detached(py, next)?.map(|batch| export_batch(py, batch)).transpose()
        })
    }
}
