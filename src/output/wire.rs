//! The wire form of our tables, for engines that cannot take lists of structs from Arrow.
//!
//! A column of intervals `X` becomes two columns of numbers, `X_start` and `X_end` (or `X_seconds`), which share its
//! offsets and nulls. Integer keys become int64. The wire form is for transport: what people see is the table itself.

use std::sync::Arc;

use arrow_array::types::Float64Type;
use arrow_array::{
    Array, ArrayRef, Float64Array, ListArray, RecordBatch, RecordBatchOptions, StructArray, cast::AsArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Schema};

use super::column::{Key, item, pair_fields};
use crate::error::{Error, Result};
use crate::input::KeyType;

const START: &str = "start";
/// What the second number of a pair is called.
const SECONDS: [&str; 2] = ["end", "seconds"];

/// The wire form of a batch. Columns that are neither lists of pairs nor integer keys stay as they are.
///
/// # Errors
/// If an unsigned key does not fit 64 bits with a sign.
pub fn to_wire(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut columns = Columns::default();
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if let Some((second, list)) = pairs(array) {
            for (name, values) in split(second, list)? {
                columns.push(Arc::new(half(field, name)), Arc::new(values));
            }
        } else if is_integer_key(field) {
            let keys = KeyType::integers(field.name(), array)?;
            columns.push(retyped(field, field.name(), DataType::Int64), Arc::new(keys));
        } else {
            columns.push(Arc::clone(field), Arc::clone(array));
        }
    }
    columns.batch(batch)
}

/// The batch whose wire form this is, except that integer keys stay int64.
///
/// # Errors
/// If the two halves of a list differ.
pub fn from_wire(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema_ref().fields();
    let halves: Vec<_> = fields.iter().map(|field| other_half(field, batch.schema_ref())).collect();
    let joined: Vec<_> = halves.iter().flatten().map(|half| half.index).collect();
    let mut columns = Columns::default();
    for (index, (field, array)) in fields.iter().zip(batch.columns()).enumerate() {
        if joined.contains(&index) {
            continue;
        }
        let Some(half) = &halves[index] else {
            columns.push(Arc::clone(field), Arc::clone(array));
            continue;
        };
        let (first, second) = (Half::of(array)?, Half::of(batch.column(half.index))?);
        if let Some(row) = first.differs(&second) {
            let second = fields[half.index].name().clone();
            return Err(Error::UnevenHalves { first: field.name().clone(), second, row });
        }
        let list = first.join(second, half.name)?;
        columns.push(retyped(field, half.list, list.data_type().clone()), Arc::new(list));
    }
    columns.batch(batch)
}

/// The columns of a batch in the making.
#[derive(Default)]
struct Columns {
    fields: Vec<FieldRef>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn push(&mut self, field: FieldRef, array: ArrayRef) {
        self.fields.push(field);
        self.arrays.push(array);
    }

    /// A batch with as many rows and the same metadata as the one that it is made from.
    fn batch(self, from: &RecordBatch) -> Result<RecordBatch> {
        let schema = Schema::new_with_metadata(self.fields, from.schema_ref().metadata().clone());
        let options = RecordBatchOptions::new().with_row_count(Some(from.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema.into(), self.arrays, &options)?)
    }
}

fn retyped(field: &Field, name: &str, data_type: DataType) -> FieldRef {
    Arc::new(field.clone().with_name(name).with_data_type(data_type))
}

fn half(field: &Field, name: &str) -> Field {
    let name = format!("{}_{name}", field.name());
    field.clone().with_name(name).with_data_type(DataType::List(item(DataType::Float64)))
}

fn is_integer_key(field: &Field) -> bool {
    let is_key = [Key::User, Key::Video, Key::Session].map(Key::column).contains(&field.name().as_str());
    is_key && field.data_type().is_integer()
}

/// The list, if its items are pairs of numbers, and what their second number is called.
fn pairs(array: &ArrayRef) -> Option<(&'static str, &ListArray)> {
    let list = array.as_list_opt::<i32>()?;
    let DataType::Struct(fields) = list.value_type() else { return None };
    let [start, other] = fields.iter().as_slice() else { return None };
    let is_number = |field: &Field| field.data_type() == &DataType::Float64;
    let second = SECONDS.into_iter().find(|name| other.name() == name)?;
    (start.name() == START && is_number(start) && is_number(other)).then_some((second, list))
}

/// The two halves of a list of pairs.
fn split(second: &'static str, list: &ListArray) -> Result<[(&'static str, ListArray); 2]> {
    let wrong = || Error::Internal("a list of pairs holds something else".to_owned());
    let pairs = list.values().as_struct_opt().ok_or_else(wrong)?;
    let half = |index: usize| {
        let values = pairs.column(index).as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let nulls = NullBuffer::union(pairs.nulls(), values.nulls());
        let values = Float64Array::try_new(values.values().clone(), nulls)?;
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        Ok::<_, Error>(ListArray::try_new(item(DataType::Float64), offsets, Arc::new(values), nulls)?)
    };
    Ok([(START, half(0)?), (second, half(1)?)])
}

/// Where the other half of a list is.
struct OtherHalf<'a> {
    /// The list's name.
    list: &'a str,
    /// What its second number is called.
    name: &'static str,
    index: usize,
}

/// The other half of the list that the field is the first half of, if it is one.
fn other_half<'a>(field: &'a Field, schema: &Schema) -> Option<OtherHalf<'a>> {
    let list = field.name().strip_suffix(START)?.strip_suffix('_').filter(|_| is_half(field))?;
    SECONDS.into_iter().find_map(|name| {
        let (index, other) = schema.column_with_name(&format!("{list}_{name}"))?;
        is_half(other).then_some(OtherHalf { list, name, index })
    })
}

fn is_half(field: &Field) -> bool {
    let (DataType::List(item) | DataType::LargeList(item)) = field.data_type() else { return false };
    item.data_type() == &DataType::Float64
}

/// One half of a list, without what no row shows: two halves of one list have equal offsets then.
struct Half {
    offsets: OffsetBuffer<i32>,
    values: Float64Array,
    nulls: Option<NullBuffer>,
}

impl Half {
    fn of(array: &ArrayRef) -> Result<Self> {
        let wrong = || Error::Internal(format!("a list of numbers is of type {}", array.data_type()));
        let lists = arrow_cast::cast(array, &DataType::List(item(DataType::Float64)))?;
        let lists = lists.as_list_opt::<i32>().ok_or_else(wrong)?;
        let values = lists.values().as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let nulls = lists.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        // An empty list array may still have one offset, which is not 0 if it is a slice.
        let first = lists.value_offsets().first().copied().unwrap_or(0);
        let last = lists.value_offsets().last().copied().unwrap_or(0);
        let range = |row: usize| (lists.value_offsets()[row], lists.value_length(row));
        let is_hidden = |row: usize| lists.is_null(row) && lists.value_length(row) > 0;
        if nulls.is_some() && (0..lists.len()).any(is_hidden) {
            let shown: Vec<_> =
                (0..lists.len()).map(|row| if lists.is_null(row) { (0, 0) } else { range(row) }).collect();
            let parts = shown.iter().map(|&(start, length)| values.slice(to_index(start), to_index(length)));
            let offsets = OffsetBuffer::from_lengths(shown.iter().map(|&(_, length)| to_index(length)));
            let values = parts.flat_map(|part| part.iter().collect::<Vec<_>>()).collect();
            return Ok(Self { offsets, values, nulls });
        }
        let offsets = lists.value_offsets().iter().map(|offset| offset - first).collect::<Vec<_>>();
        let values = values.slice(to_index(first), to_index(last - first));
        Ok(Self { offsets: OffsetBuffer::new(offsets.into()), values, nulls })
    }

    /// The first row in which the two halves do not fit together.
    fn differs(&self, other: &Self) -> Option<usize> {
        let is_null = |half: &Self, row: usize| half.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let rows = self.offsets.len().saturating_sub(1);
        (0..rows).find(|&row| {
            self.offsets[row + 1] != other.offsets[row + 1] || is_null(self, row) != is_null(other, row)
        })
    }

    fn join(self, second: Self, name: &'static str) -> Result<ListArray> {
        let columns: Vec<ArrayRef> = vec![Arc::new(self.values), Arc::new(second.values)];
        let pairs = StructArray::try_new(pair_fields(name), columns, None)?;
        let item = item(pairs.data_type().clone());
        Ok(ListArray::try_new(item, self.offsets, Arc::new(pairs), self.nulls)?)
    }
}

/// An offset or length of an array, which is never negative.
fn to_index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}
