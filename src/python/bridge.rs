//! Record batches between pyarrow and Rust, without copying.
//!
//! pyarrow before 14 has no `PyCapsule` protocol (Databricks runtimes 11.3 to 14.3 ship 7 and 8), so there its older
//! `_export_to_c` and `_import_from_c` are used. That is the only unsafe code of the crate.
#![allow(
    unsafe_code,
    reason = "the C data interface by address, for pyarrow before 14; see each safety comment"
)]

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::{Array, RecordBatch, RecordBatchIterator, StructArray};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader, PySchema};

use super::errors::SourceError;
use crate::error::Error;

fn unreadable(error: &ArrowError) -> PyErr {
    SourceError::new_err(format!("The input holds Arrow data that cannot be read: {error}"))
}

/// A record batch from a Python object that is one.
pub(super) fn import_batch(object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    if object.hasattr("__arrow_c_array__")? {
        return Ok(object.extract::<PyRecordBatch>()?.into_inner());
    }
    if !object.hasattr("_export_to_c")? || !object.hasattr("num_columns")? {
        let found = object.get_type().name()?;
        return Err(SourceError::new_err(format!(
            "The input yields objects of type {found}; record batches are needed."
        )));
    }
    let mut array = FFI_ArrowArray::empty();
    let mut schema = FFI_ArrowSchema::empty();
    let addresses = (&raw mut array as usize, &raw mut schema as usize);
    object.call_method1("_export_to_c", addresses)?;
    // SAFETY: pyarrow has just filled both structs, which were empty and live on this stack frame, as the C data
    // interface prescribes; `from_ffi` takes the array over, and releases it once.
    let data = unsafe { from_ffi(array, &schema) }.map_err(|error| unreadable(&error))?;
    let schema = Schema::try_from(&schema).map_err(|error| unreadable(&error))?;
    let columns = StructArray::from(data);
    let rows = columns.len();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = columns.columns().to_vec();
    RecordBatch::try_new_with_options(schema.into(), columns, &options).map_err(|error| unreadable(&error))
}

/// A pyarrow record batch.
pub(super) fn export_batch(py: Python<'_>, batch: RecordBatch) -> PyResult<Py<PyAny>> {
    let class = py.import("pyarrow")?.getattr("RecordBatch")?;
    if class.hasattr("__arrow_c_array__")? {
        return Ok(PyRecordBatch::new(batch).into_pyarrow(py)?.unbind());
    }
    // A struct array has a batch's columns, but not the metadata of its schema.
    let schema = FFI_ArrowSchema::try_from(batch.schema_ref().as_ref()).map_err(Error::from)?;
    let data = StructArray::from(batch).into_data();
    let (array, _) = to_ffi(&data).map_err(Error::from)?;
    let addresses = (&raw const array as usize, &raw const schema as usize);
    // pyarrow moves the contents out of both structs and marks them released, so dropping them here frees nothing.
    Ok(class.call_method1("_import_from_c", addresses)?.unbind())
}

/// pyarrow record batches of that schema: by one stream, so that it is told once.
pub(super) fn export_batches(
    py: Python<'_>,
    batches: Vec<RecordBatch>,
    schema: &SchemaRef,
) -> PyResult<Vec<Py<PyAny>>> {
    if !py.import("pyarrow")?.getattr("RecordBatch")?.hasattr("__arrow_c_array__")? {
        return batches.into_iter().map(|batch| export_batch(py, batch)).collect();
    }
    let batches = RecordBatchIterator::new(batches.into_iter().map(Ok), SchemaRef::clone(schema));
    let reader = PyRecordBatchReader::new(Box::new(batches)).into_pyarrow(py)?;
    reader.try_iter()?.map(|batch| Ok(batch?.unbind())).collect()
}

/// A pyarrow schema.
pub(super) fn export_schema(py: Python<'_>, schema: &Schema) -> PyResult<Py<PyAny>> {
    let class = py.import("pyarrow")?.getattr("Schema")?;
    if class.hasattr("__arrow_c_schema__")? {
        return Ok(PySchema::new(schema.clone().into()).into_pyarrow(py)?.unbind());
    }
    let schema = FFI_ArrowSchema::try_from(schema).map_err(Error::from)?;
    Ok(class.call_method1("_import_from_c", (&raw const schema as usize,))?.unbind())
}
