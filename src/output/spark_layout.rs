//! Spark's layout of our tables: Spark cannot take lists of structs from Arrow.
//!
//! A column of intervals `X` becomes two columns of numbers, `X_start` and `X_end` (or `X_seconds`), which share its
//! offsets and nulls. Integer keys become int64. It is for transport: what people see is the table itself.

use std::sync::Arc;

use arrow_array::types::Float64Type;
use arrow_array::{
    Array, ArrayRef, Float64Array, ListArray, RecordBatch, RecordBatchOptions, StructArray, cast::AsArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Schema};

use super::types::{Key, item, pair_fields};
use crate::error::{Error, Result};
use crate::input::KeyType;

const START: &str = "start";
/// What the second number of a pair is called.
const SECONDS: [&str; 2] = ["end", "seconds"];

/// `batch` in Spark's layout. Columns that are neither lists of pairs nor integer keys stay as they are.
///
/// # Errors
/// If an unsigned key does not fit 64 bits with a sign.
pub fn to_spark_layout(batch: &RecordBatch) -> Result<RecordBatch> {
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

/// The batch whose layout for Spark `batch` is, except that integer keys stay int64.
///
/// # Errors
/// If the two halves of a list differ.
pub fn from_spark_layout(batch: &RecordBatch) -> Result<RecordBatch> {
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

#[cfg(test)]
mod tests {
    use arrow_array::{Int32Array, Int64Array, StringArray, UInt32Array, UInt64Array};
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    type List = Option<Vec<(f64, f64)>>;

    /// A list column; where `hidden`, null rows have an extent all the same, which nothing forbids.
    fn pairs_array(lists: &[List], second: &str, hidden: bool) -> ArrayRef {
        let unseen = vec![(7.0, 8.0); usize::from(hidden)];
        let shown: Vec<_> = lists.iter().map(|list| list.as_ref().unwrap_or(&unseen)).collect();
        let offsets = OffsetBuffer::from_lengths(shown.iter().map(|list| list.len()));
        let (starts, others): (Vec<_>, Vec<_>) = shown.iter().copied().flatten().copied().unzip();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Float64Array::from(starts)), Arc::new(Float64Array::from(others))];
        let pairs = StructArray::try_new(pair_fields(second), columns, None).unwrap();
        let valid = lists.iter().map(Option::is_some).collect::<NullBuffer>();
        let valid = (valid.null_count() > 0).then_some(valid);
        Arc::new(
            ListArray::try_new(item(pairs.data_type().clone()), offsets, Arc::new(pairs), valid).unwrap(),
        )
    }

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
            .unwrap()
    }

    fn names(batch: &RecordBatch) -> Vec<&str> {
        batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn numbers(batch: &RecordBatch, name: &str, row: usize) -> Option<Vec<f64>> {
        let lists = batch.column_by_name(name).unwrap().as_list_opt::<i32>().unwrap();
        lists
            .is_valid(row)
            .then(|| lists.value(row).as_primitive_opt::<Float64Type>().unwrap().values().to_vec())
    }

    #[test]
    fn a_list_of_pairs_becomes_two_lists_in_its_place_and_integer_keys_become_int64() {
        let lists = [Some(vec![(0.0, 30.0), (40.0, 50.0)]), None, Some(vec![])];
        let table = batch(vec![
            ("userId", Arc::new(Int32Array::from(vec![3, 1, 2]))),
            ("watchedIntervals", pairs_array(&lists, "end", false)),
            ("videoId", Arc::new(UInt32Array::from(vec![u32::MAX, 0, 1]))),
            ("unobserved", pairs_array(&lists, "seconds", false)),
            ("other", Arc::new(Int32Array::from(vec![1, 2, 3]))),
            ("sessionId", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ]);
        let layout = to_spark_layout(&table).unwrap();
        let expected = [
            "userId",
            "watchedIntervals_start",
            "watchedIntervals_end",
            "videoId",
            "unobserved_start",
            "unobserved_seconds",
            "other",
            "sessionId",
        ];
        assert_eq!(names(&layout), expected);
        let int64 = |name: &str| layout.column_by_name(name).unwrap().as_primitive_opt().cloned();
        assert_eq!(int64("userId"), Some(Int64Array::from(vec![3, 1, 2])));
        assert_eq!(int64("videoId"), Some(Int64Array::from(vec![u32::MAX.into(), 0, 1])));
        assert_eq!(layout.column(6).data_type(), &DataType::Int32);
        for (name, first) in [
            ("watchedIntervals_start", vec![0.0, 40.0]),
            ("watchedIntervals_end", vec![30.0, 50.0]),
            ("unobserved_start", vec![0.0, 40.0]),
            ("unobserved_seconds", vec![30.0, 50.0]),
        ] {
            let rows = [0, 1, 2].map(|row| numbers(&layout, name, row));
            assert_eq!(rows, [Some(first), None, Some(vec![])], "{name}");
        }
    }

    #[test]
    fn what_only_looks_like_half_a_list_stays() {
        let lists = pairs_array(&[Some(vec![(1.0, 2.0)])], "end", false);
        let half = Arc::clone(to_spark_layout(&batch(vec![("x", lists)])).unwrap().column(0));
        let number: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        for columns in [
            vec![("a_start", half.clone()), ("a_end", number.clone())],
            vec![("a_start", number.clone()), ("a_end", half.clone())],
            vec![("a_start", half.clone()), ("b_end", half.clone())],
            vec![("_start", number), ("start", half)],
        ] {
            let table = batch(columns);
            assert_eq!(from_spark_layout(&table).unwrap(), table);
        }
    }

    #[test]
    fn halves_that_differ_are_refused() {
        let lists = [Some(vec![(1.0, 2.0)]), None, Some(vec![(1.0, 2.0), (3.0, 4.0)])];
        let other = [Some(vec![(1.0, 2.0)]), None, Some(vec![(3.0, 4.0)])];
        let third = [Some(vec![(1.0, 2.0)]), Some(vec![]), Some(vec![(1.0, 2.0), (3.0, 4.0)])];
        let layout =
            |lists: &[List]| to_spark_layout(&batch(vec![("x", pairs_array(lists, "end", false))])).unwrap();
        for (other, row) in [(other, 2), (third, 1)] {
            let (first, second) = (layout(&lists), layout(&other));
            let columns = [&first, &second];
            let mixed = batch(vec![
                ("x_start", Arc::clone(columns[0].column(0))),
                ("x_end", Arc::clone(columns[1].column(1))),
            ]);
            let error = from_spark_layout(&mixed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.to_string().contains(&format!("row {row}")), "{error}");
        }
    }

    #[test]
    fn a_key_that_no_int64_holds_is_refused() {
        let table = batch(vec![("userId", Arc::new(UInt64Array::from(vec![1 << 63])))]);
        assert_eq!(to_spark_layout(&table).unwrap_err().kind(), ErrorKind::ColumnType);
    }

    #[test]
    fn a_batch_without_columns_keeps_its_rows() {
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let empty = RecordBatch::try_new_with_options(Schema::empty().into(), vec![], &options).unwrap();
        assert_eq!(to_spark_layout(&empty).unwrap().num_rows(), 3);
        assert_eq!(from_spark_layout(&empty).unwrap().num_rows(), 3);
    }

    proptest! {
        #[test]
        fn the_way_there_and_back_changes_nothing(
            lists in prop::collection::vec(
                prop::option::of(prop::collection::vec((0u8..9, 0u8..9), 0..4)), 0..12
            ),
            start in 0usize..12,
            length in 0usize..12,
            hidden: bool,
        ) {
            let lists: Vec<List> = lists
                .into_iter()
                .map(|list| Some(list?.into_iter().map(|(a, b)| (a.into(), b.into())).collect()))
                .collect();
            let rows = Arc::new(Int64Array::from_iter_values((0..).take(lists.len())));
            let table = batch(vec![
                ("watchedIntervals", pairs_array(&lists, "end", hidden)),
                ("videoId", rows),
                ("unobserved", pairs_array(&lists, "seconds", hidden)),
            ]);
            let start = start.min(lists.len());
            let table = table.slice(start, length.min(lists.len() - start));
            let layout = to_spark_layout(&table).unwrap();
            prop_assert_eq!(from_spark_layout(&layout).unwrap(), table.clone());

            // An engine may write one half anew and not the other.
            let all = Int64Array::from_iter_values((0..).take(table.num_rows()));
            for anew in 0..layout.num_columns() {
                let mut columns = layout.columns().to_vec();
                columns[anew] = arrow_select::take::take(&columns[anew], &all, None).unwrap();
                let mixed = RecordBatch::try_new(layout.schema(), columns).unwrap();
                prop_assert_eq!(from_spark_layout(&mixed).unwrap(), table.clone());
            }
        }
    }
}
