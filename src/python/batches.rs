//! Batches of other engines: checked, and in Spark's layout and back.

use arrow_array::RecordBatch;
use pyo3::prelude::*;

use super::bridge::{export_batch, import_batch};
use super::door::{Object, detached, guarded};
use super::results::{Tables, export};
use super::source::Source;
use crate::error::{Error, Result};
use crate::{input, output};

/// The batches of any table, as pyarrow's, and their schema: checked, which pyarrow's own import is not.
#[pyfunction]
pub(super) fn batches(py: Python<'_>, table: Object<'_, '_>) -> PyResult<Tables> {
    guarded(|| {
        let source = Source::new(table)?;
        if source.schema.is_none() {
            return Err(Error::Source("it holds no batch, so nobody knows its columns.".to_owned()).into());
        }
        let (schema, batches) = source.all()?;
        // Where text ends is all that pyarrow will know of its size.
        detached(py, || batches.iter().try_for_each(input::check_text))?;
        export(py, batches, &schema.into())
    })
}

/// `batch` in Spark's layout.
#[pyfunction]
pub(super) fn to_spark_layout(py: Python<'_>, batch: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| changed(py, batch, output::to_spark_layout))
}

/// The batch of which `batch` is Spark's layout.
#[pyfunction]
pub(super) fn from_spark_layout(py: Python<'_>, batch: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| changed(py, batch, output::from_spark_layout))
}

/// What `change` makes of `batch`, whose columns it hands on or copies as they are.
pub(super) fn changed(
    py: Python<'_>,
    batch: Object<'_, '_>,
    change: impl FnOnce(&RecordBatch) -> Result<RecordBatch> + Send,
) -> PyResult<Py<PyAny>> {
    let batch = import_batch(batch)?;
    let changed = detached(py, || {
        input::check_text(&batch)?;
        change(&batch)
    })?;
    export_batch(py, changed)
}
