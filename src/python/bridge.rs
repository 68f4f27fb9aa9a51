//! Record batches between Python and Rust, without copying.
//!
//! They come and go by the Arrow C interface: structs by address, in capsules or, with pyarrow before 14 (Databricks
//! runtimes 11.3 to 14.3 ship 7 and 8), by its older `_export_to_c` and `_import_from_c`. That is the only unsafe code of
//! the crate. Nothing that a struct claims is believed before [`super::claims`] has looked at it.
#![allow(unsafe_code, reason = "the C data interface is one of addresses; see each safety comment")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type, to_ffi};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, RecordBatch, RecordBatchIterator, RecordBatchOptions, StructArray};
use arrow_buffer::bit_chunk_iterator::UnalignedBitChunk;
use arrow_schema::{DataType, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::{PyRecordBatch, PyRecordBatchReader, PySchema};

use super::claims::{check_array, check_schema};
use super::errors::SourceError;
use crate::error::{Error, Result};

/// An array of the C data interface, laid out as its specification says. Arrow's own type hides what has to be looked at.
#[repr(C)]
pub(super) struct RawArray {
    pub(super) length: i64,
    pub(super) null_count: i64,
    pub(super) offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const u8,
    children: *const *const RawArray,
    dictionary: *const RawArray,
    release: *const c_void,
    private_data: *const c_void,
}

impl RawArray {
    fn of(array: &FFI_ArrowArray) -> &Self {
        // SAFETY: arrow's type has the layout of the specification, too, and is only looked at.
        unsafe { &*(&raw const *array).cast() }
    }

    pub(super) fn is_released(&self) -> bool {
        self.release.is_null()
    }

    pub(super) const fn buffer_count(&self) -> i64 {
        self.n_buffers
    }

    pub(super) const fn child_count(&self) -> i64 {
        self.n_children
    }

    pub(super) fn has_buffers(&self) -> bool {
        !self.buffers.is_null()
    }

    /// Where that buffer begins: one of those that are there.
    pub(super) fn buffer(&self, index: usize) -> *const u8 {
        // SAFETY: callers have checked that there are buffers, and how many.
        unsafe { *self.buffers.add(index) }
    }

    /// A number in a buffer that has so many, and is not null.
    pub(super) fn number<T: Copy>(&self, buffer: usize, index: usize) -> T {
        // SAFETY: the producer vouches for the size; buffers need not be aligned.
        unsafe { self.buffer(buffer).cast::<T>().add(index).read_unaligned() }
    }

    /// How many of these rows the first buffer, which is not null, says are there.
    pub(super) fn set_bits(&self, rows: Range<usize>) -> usize {
        // SAFETY: the producer vouches for the size.
        let bits = unsafe { std::slice::from_raw_parts(self.buffer(0), rows.end.div_ceil(8)) };
        UnalignedBitChunk::new(bits, rows.start, rows.len()).count_ones()
    }

    /// Its parts, if there are so many.
    pub(super) fn children(&self, count: usize) -> Option<Vec<&Self>> {
        let is_right = usize::try_from(self.n_children) == Ok(count);
        // SAFETY: the struct says that so many pointers stand there.
        is_right.then(|| unsafe { parts(self.children, count) }).flatten()
    }

    pub(super) const fn dictionary(&self) -> Option<&Self> {
        // SAFETY: the pointer is null or one to a struct of the producer's.
        unsafe { self.dictionary.as_ref() }
    }
}

/// The structs that a list of pointers stands for; none if one of these is null.
unsafe fn parts<'a, T>(pointers: *const *const T, count: usize) -> Option<Vec<&'a T>> {
    if count == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the caller knows that so many pointers stand there, each null or one to a struct of the producer's.
    (!pointers.is_null())
        .then(|| (0..count).map(|index| unsafe { (*pointers.add(index)).as_ref() }).collect())
        .flatten()
}

/// The parts of a schema, if they are where it says.
pub(super) fn children(schema: &FFI_ArrowSchema) -> Option<Vec<&FFI_ArrowSchema>> {
    let count = usize::try_from(schema.n_children).ok().filter(|&count| count < 1 << 24)?;
    // SAFETY: the struct says that so many pointers stand there.
    unsafe { parts(schema.children.cast_const().cast(), count) }
}

/// Text that ends with a zero, if there is any.
pub(super) fn text<'a>(address: *const c_char) -> Option<&'a CStr> {
    // SAFETY: an address in a struct is null or one of text that lives as long as the struct.
    (!address.is_null()).then(|| unsafe { CStr::from_ptr(address) })
}

fn unreadable(reason: &(impl ToString + ?Sized)) -> Error {
    Error::Unreadable(reason.to_string())
}

/// The schema of a table.
fn schema_of(schema: &FFI_ArrowSchema) -> Result<SchemaRef> {
    check_schema(schema).map_err(|reason| unreadable(&reason))?;
    if text(schema.format) != Some(c"+s") {
        return Err(unreadable("it is a single column, not a table"));
    }
    Ok(Arc::new(Schema::try_from(schema).map_err(|reason| unreadable(&reason))?))
}

/// The batch of that schema that an array is.
fn batch_of(array: FFI_ArrowArray, schema: &SchemaRef) -> Result<RecordBatch> {
    let data_type = DataType::Struct(schema.fields().clone());
    check_array(RawArray::of(&array), &data_type).map_err(|reason| unreadable(&reason))?;
    // SAFETY: what the struct claims has been checked, and it is released once, by arrow.
    let data = unsafe { from_ffi_and_data_type(array, data_type) }.map_err(|reason| unreadable(&reason))?;
    let (_, columns, nulls) = StructArray::from(data.clone()).into_parts();
    if nulls.is_some_and(|nulls| nulls.null_count() > 0) {
        return Err(unreadable("some of its rows are null as a whole"));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(data.len()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|reason| unreadable(&reason))
}

/// The address in a capsule of that name.
fn address<T>(capsule: &Bound<'_, PyAny>, name: &'static CStr) -> PyResult<*mut T> {
    let pointer =
        capsule.cast::<PyCapsule>().ok().and_then(|capsule| capsule.pointer_checked(Some(name)).ok());
    pointer.map(|pointer| pointer.cast().as_ptr()).ok_or_else(|| {
        let reason = format!("it hands over something else than a capsule of an {}", name.to_string_lossy());
        unreadable(&reason).into()
    })
}

/// Lets pyarrow hold its arrays against the sizes of their buffers: only it knows these, and a file that was changed, or
/// whoever made an array of buffers, may have them too short. That costs next to nothing, as it does not look at rows.
pub(super) fn check_sizes(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let module = object.get_type().module()?;
    if !module.to_cow().is_ok_and(|name| name.starts_with("pyarrow.")) || !object.hasattr("validate")? {
        return Ok(());
    }
    object.call_method0("validate").map(drop).map_err(|error| Error::Unreadable(error.to_string()).into())
}

/// A schema from a Python object that is one.
pub(super) fn import_schema(object: &Bound<'_, PyAny>) -> PyResult<Schema> {
    Ok(import(object, "Schema", schema_of)?.as_ref().clone())
}

/// A type from a Python object that is one.
pub(super) fn import_type(object: &Bound<'_, PyAny>) -> PyResult<DataType> {
    import(object, "DataType", |schema| {
        check_schema(schema).map_err(|reason| unreadable(&reason))?;
        DataType::try_from(schema).map_err(|reason| unreadable(&reason))
    })
}

/// What `read` makes of the struct of an object with a C schema, or of one of pyarrow's class of that name.
fn import<T>(
    object: &Bound<'_, PyAny>,
    class: &str,
    read: impl FnOnce(&FFI_ArrowSchema) -> Result<T>,
) -> PyResult<T> {
    if object.hasattr("__arrow_c_schema__")? {
        let capsule = object.call_method0("__arrow_c_schema__")?;
        let schema: *mut FFI_ArrowSchema = address(&capsule, c"arrow_schema")?;
        // SAFETY: the capsule, which lives until the end of this function, holds such a struct.
        return Ok(read(unsafe { &*schema })?);
    }
    // Objects of other classes would write more than one struct.
    if !object.is_instance(&object.py().import("pyarrow")?.getattr(class)?)? {
        let found = object.get_type().name()?;
        return Err(SourceError::new_err(format!(
            "An Arrow {class} is needed, but this is of type {found}."
        )));
    }
    let mut schema = FFI_ArrowSchema::empty();
    // pyarrow fills the struct, which is empty and lives on this stack frame.
    object.call_method1("_export_to_c", (&raw mut schema as usize,))?;
    Ok(read(&schema)?)
}

/// A record batch from a Python object that is one.
pub(super) fn import_batch(object: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    check_sizes(object)?;
    if object.hasattr("__arrow_c_array__")? {
        let capsules = object.call_method0("__arrow_c_array__")?;
        let pair = capsules.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>();
        let (schema, array) =
            pair.map_err(|_| unreadable("it hands over something else than two capsules"))?;
        let schema: *mut FFI_ArrowSchema = address(&schema, c"arrow_schema")?;
        let array: *mut FFI_ArrowArray = address(&array, c"arrow_array")?;
        // SAFETY: the capsules, which live until the end of this function, hold such structs; taking the array marks the
        // one in the capsule as released.
        let (schema, array) = unsafe { (&*schema, FFI_ArrowArray::from_raw(array)) };
        return Ok(batch_of(array, &schema_of(schema)?)?);
    }
    if !object.hasattr("_export_to_c")? || !object.hasattr("num_columns")? {
        let found = object.get_type().name()?;
        return Err(SourceError::new_err(format!(
            "The input yields objects of type {found}; record batches are needed."
        )));
    }
    let mut array = FFI_ArrowArray::empty();
    let mut schema = FFI_ArrowSchema::empty();
    // pyarrow fills both structs, which are empty and live on this stack frame.
    let addresses = (&raw mut array as usize, &raw mut schema as usize);
    object.call_method1("_export_to_c", addresses)?;
    Ok(batch_of(array, &schema_of(&schema)?)?)
}

/// A stream of record batches, from wherever.
pub(super) struct Stream {
    raw: FFI_ArrowArrayStream,
    pub(super) schema: SchemaRef,
}

impl Stream {
    /// Takes the stream that an object hands over.
    pub(super) fn open(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capsule = object.call_method0("__arrow_c_stream__")?;
        let stream = address(&capsule, c"arrow_array_stream")?;
        // SAFETY: the capsule holds such a struct; taking it marks the one in the capsule as released.
        let mut raw = unsafe { FFI_ArrowArrayStream::from_raw(stream) };
        if raw.release.is_none() {
            return Err(unreadable("its stream is released: somebody else has taken it before").into());
        }
        let mut schema = FFI_ArrowSchema::empty();
        let get = raw.get_schema.ok_or_else(|| unreadable("its stream has no schema"))?;
        // SAFETY: both structs are live, and the schema is empty, as the interface asks.
        let code = unsafe { get(&raw mut raw, &raw mut schema) };
        if code != 0 {
            return Err(failed(&mut raw, code).into());
        }
        Ok(Self { schema: schema_of(&schema)?, raw })
    }

    /// The next batch, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut array = FFI_ArrowArray::empty();
        let get = self.raw.get_next.ok_or_else(|| unreadable("its stream has no batches"))?;
        // SAFETY: both structs are live, and the array is empty, as the interface asks.
        let code = unsafe { get(&raw mut self.raw, &raw mut array) };
        if code != 0 {
            return Err(failed(&mut self.raw, code));
        }
        // What is released ends the stream.
        if array.is_released() { Ok(None) } else { batch_of(array, &self.schema).map(Some) }
    }
}

/// The error of a stream, which need not say more than a number.
fn failed(stream: &mut FFI_ArrowArrayStream, code: c_int) -> Error {
    // SAFETY: the stream is live, and its text lives until it is called again.
    let message = stream.get_last_error.and_then(|get| text(unsafe { get(&raw mut *stream) }));
    let message = message.map(|message| message.to_string_lossy().into_owned());
    Error::Source(message.unwrap_or_else(|| format!("its producer stopped with error {code}.")))
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
