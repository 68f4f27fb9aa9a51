//! Tables whose values, offsets, codes and views are whatever the fuzzer says, in buffers of the right length: what is
//! left to the core after its bindings have looked at lengths and buffers.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    cast::AsArray, make_array, types::Float64Type,
};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

/// The bytes that the fuzzer made, read from the front; zeros once they are used up.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// The next bytes.
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut found = [0; N];
        let count = N.min(self.0.len());
        found[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        found
    }

    /// The next byte.
    pub fn byte(&mut self) -> usize {
        usize::from(self.take::<1>()[0])
    }
}

const ROWS: i64 = 24;

fn texts(values: [Option<&str>; 4], every: i64) -> ArrayRef {
    Arc::new((0..ROWS).map(|row| values[usize::try_from(row / every % 4).unwrap()]).collect::<StringArray>())
}

fn coded(codes: DataType, values: DataType) -> DataType {
    DataType::Dictionary(Box::new(codes), Box::new(values))
}

/// Sound events in one of some layouts.
pub fn events(layout: usize) -> RecordBatch {
    let keys = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        coded(DataType::Int32, DataType::Utf8),
        coded(DataType::UInt8, DataType::LargeUtf8),
        coded(DataType::Int64, DataType::Utf8View),
    ];
    let times = [
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("+00:00".into())),
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Utf8,
    ];
    let numbers = [DataType::Float64, DataType::Float32, DataType::Int16, DataType::Decimal128(38, 4)];
    let (key, time, number) = (&keys[layout % 6], &times[layout / 6 % 4], &numbers[layout / 24 % 4]);
    let micros = TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|row| row * 10_000_000));
    let positions =
        Float64Array::from_iter((0..ROWS).map(|row| (row % 7 != 6).then_some((row % 12 * 10) as f64)));
    let long = Some("an id that is longer than a view's twelve bytes");
    let cast = |array: &dyn Array, to: &DataType| arrow_cast::cast(array, to).unwrap();
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("timestamp", cast(&micros, time)),
        ("userId", cast(&texts([Some("ann"), Some("bob"), long, None], 5), key)),
        ("videoId", cast(&texts([Some("v1"), Some("v2"), long, Some("v1")], 3), key)),
        ("eventName", cast(&texts([Some("play"), Some("pause"), Some("seek"), Some("ended")], 1), key)),
        ("currentTime", cast(&positions, number)),
    ];
    if layout % 2 == 0 {
        columns.push(("sessionId", cast(&texts([Some("s1"), Some("s2"), Some("s1"), long], 7), key)));
    }
    if layout % 3 == 0 {
        columns.push(("playbackRate", cast(&positions, &DataType::Float64)));
        columns.push(("seekFrom", cast(&positions, number)));
        columns.push(("sequence", Arc::new(Int64Array::from_iter_values(0..ROWS))));
    }
    let fields: Vec<_> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// The batch with other bytes in its buffers, as long as the fuzzer has any. Where lists begin and end stays as it is.
pub fn scrambled(batch: &RecordBatch, bytes: &mut Bytes<'_>) -> RecordBatch {
    let mut columns: Vec<ArrayData> = batch.columns().iter().map(Array::to_data).collect();
    while !bytes.0.is_empty() {
        let column = bytes.byte() % columns.len();
        columns[column] = changed(&columns[column], bytes);
    }
    let arrays = columns.into_iter().map(make_array).collect();
    // SAFETY: lengths and types are those of a sound batch; what the values are is what is tested.
    unsafe { RecordBatch::new_unchecked(batch.schema(), arrays, batch.num_rows()) }
}

fn changed(data: &ArrayData, bytes: &mut Bytes<'_>) -> ArrayData {
    let mut builder = data.clone().into_builder();
    let children = data.child_data();
    let is_list = matches!(data.data_type(), DataType::List(_) | DataType::LargeList(_));
    if !children.is_empty() && (is_list || data.buffers().is_empty() || bytes.byte() % 2 == 1) {
        let mut children = children.to_vec();
        let child = bytes.byte() % children.len();
        children[child] = changed(&children[child], bytes);
        builder = builder.child_data(children);
    } else if !data.buffers().is_empty() {
        let mut buffers = data.buffers().to_vec();
        let number = bytes.byte() % buffers.len();
        buffers[number] = written(&buffers[number], bytes);
        builder = builder.buffers(buffers);
    }
    // SAFETY: the buffers are as long as they were.
    unsafe { builder.build_unchecked() }
}

fn written(buffer: &Buffer, bytes: &mut Bytes<'_>) -> Buffer {
    let mut found = buffer.to_vec();
    let width = 1 << (bytes.byte() % 4);
    let place = usize::from(u16::from_le_bytes(bytes.take())) * width;
    let value = bytes.take::<8>();
    if found.len() >= width {
        let place = place % (found.len() - width + 1);
        found[place..place + width].copy_from_slice(&value[..width]);
    }
    Buffer::from_slice_ref(&found)
}

/// Looks at what came out: valid arrays of finite numbers.
pub fn check(batches: &[RecordBatch]) {
    for batch in batches {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            column.to_data().validate_full().unwrap();
            let values = column.as_list_opt::<i32>().map_or(column, |lists| lists.values());
            let parts = values.as_struct_opt().map_or(std::slice::from_ref(values), |parts| parts.columns());
            let numbers = parts.iter().filter_map(|part| part.as_primitive_opt::<Float64Type>());
            assert!(numbers.flat_map(|part| part.iter().flatten()).all(f64::is_finite), "{}", field.name());
        }
    }
}
