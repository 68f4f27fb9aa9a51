//! Which columns are worth a dictionary: those whose values repeat.

use std::collections::HashSet;

use arrow_array::{Array, ArrayRef, RecordBatch, cast::AsArray};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;

/// How many values are looked at.
const SAMPLE: usize = 4_096;
/// How often a value has to come to be worth an entry: looking it up costs more than the 8 bytes of a number do.
const TEXT_OFTEN: usize = 2;
const NUMBER_OFTEN: usize = 8;

/// Of each leaf of the columns of `batches`, in order, whether its values repeat, as far as the first ones tell: a text
/// comes twice, a number eight times, on average.
pub(super) fn repeats(batches: &[RecordBatch]) -> Vec<bool> {
    let Some(first) = batches.first() else { return Vec::new() };
    let (mut rows, mut missing) = (Vec::new(), SAMPLE);
    for batch in batches {
        rows.push(batch.slice(0, batch.num_rows().min(missing)));
        missing -= batch.num_rows().min(missing);
    }
    let mut found = Vec::new();
    // Texts of half a megabyte each have no room in one array.
    let rows = concat_batches(first.schema_ref(), &rows).unwrap_or_else(|_| rows.swap_remove(0));
    rows.columns().iter().for_each(|column| leaves(column, &mut found));
    found
}

fn leaves(array: &ArrayRef, found: &mut Vec<bool>) {
    if let Some(structs) = array.as_struct_opt() {
        return structs.columns().iter().for_each(|column| leaves(column, found));
    }
    if let Some(map) = array.as_map_opt() {
        return map
            .entries()
            .columns()
            .iter()
            .for_each(|column| leaves(&within(column, map.value_offsets()), found));
    }
    if let Some(lists) = array.as_list_opt::<i32>() {
        return leaves(&within(lists.values(), lists.value_offsets()), found);
    }
    if let Some(lists) = array.as_list_opt::<i64>() {
        return leaves(&within(lists.values(), lists.value_offsets()), found);
    }
    if let Some(lists) = array.as_fixed_size_list_opt() {
        return leaves(lists.values(), found);
    }
    found.push(repeat(array));
}

/// The first of the `items` that lie between `offsets`.
fn within<O: Copy + TryInto<usize>>(items: &ArrayRef, offsets: &[O]) -> ArrayRef {
    let offset = |at: Option<&O>| at.and_then(|&at| at.try_into().ok()).unwrap_or_default();
    let (start, end) = (offset(offsets.first()), offset(offsets.last()).min(items.len()));
    items.slice(start, end.saturating_sub(start).min(SAMPLE))
}

/// Whether the values of `array` repeat. What is no text and no number is taken to, as writers do with all that they do not
/// know.
fn repeat(array: &ArrayRef) -> bool {
    let rows = (0..array.len()).filter(|&row| array.is_valid(row));
    let (mut distinct, mut count) = (HashSet::new(), 0);
    let width = array.data_type().primitive_width();
    let data = array.to_data();
    for row in rows {
        count += 1;
        let value: &[u8] = match (array.data_type(), width) {
            (DataType::Utf8, _) => {
                array.as_string_opt::<i32>().map_or(&[], |text| text.value(row).as_bytes())
            }
            (DataType::LargeUtf8, _) => {
                array.as_string_opt::<i64>().map_or(&[], |text| text.value(row).as_bytes())
            }
            (DataType::Utf8View, _) => {
                array.as_string_view_opt().map_or(&[], |text| text.value(row).as_bytes())
            }
            (_, Some(width)) => {
                let start = (data.offset() + row) * width;
                data.buffers().first().and_then(|buffer| buffer.get(start..start + width)).unwrap_or_default()
            }
            _ => return true,
        };
        distinct.insert(value);
    }
    let often = if width.is_some() { NUMBER_OFTEN } else { TEXT_OFTEN };
    often * distinct.len() <= count || count == 0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{BooleanArray, Int64Array, ListArray, StringArray, StructArray};
    use arrow_schema::Field;

    use super::*;

    fn found(columns: Vec<ArrayRef>) -> Vec<bool> {
        let named = columns.into_iter().enumerate().map(|(index, column)| (index.to_string(), column));
        repeats(&[RecordBatch::try_from_iter(named).unwrap()])
    }

    #[test]
    fn what_repeats_is_worth_a_dictionary() {
        let numbers =
            |per: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..10_000).map(|n| n / per))) };
        let text = |per: usize| -> ArrayRef {
            Arc::new((0..10_000).map(|n| Some(format!("user-{}", n / per))).collect::<StringArray>())
        };
        let switch: ArrayRef = Arc::new(BooleanArray::from(vec![true; 10_000]));
        assert_eq!(
            found(vec![numbers(1), numbers(7), numbers(9), text(1), text(3), switch]),
            [false, false, true, false, true, true]
        );
    }

    #[test]
    fn only_the_first_values_are_looked_at_and_nulls_are_none() {
        let late: ArrayRef =
            Arc::new((0..9_000).map(|n| Some(if n < 4_096 { n } else { 1 })).collect::<Int64Array>());
        let sparse: ArrayRef =
            Arc::new((0..9_000).map(|n| (n % 100 == 0).then_some(n)).collect::<Int64Array>());
        let empty: ArrayRef = Arc::new(Int64Array::new_null(9_000));
        assert_eq!(found(vec![late, sparse, empty]), [false, false, true]);
    }

    #[test]
    fn leaves_of_nested_columns_are_looked_at_one_by_one() {
        let lists = (0..6_000).map(|n| Some(vec![Some(n); 9]));
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists).slice(1_000, 5_000);
        let field = |name, array: &ArrayRef| Arc::new(Field::new(name, array.data_type().clone(), true));
        let unique: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5_000));
        let same: ArrayRef = Arc::new(Int64Array::from(vec![7; 5_000]));
        let both = vec![(field("a", &unique), Arc::clone(&unique)), (field("b", &same), Arc::clone(&same))];
        let columns: Vec<ArrayRef> = vec![Arc::new(lists), Arc::new(StructArray::from(both)), unique];
        assert_eq!(found(columns), [true, false, true, false]);
        assert!(repeats(&[]).is_empty());
    }
}
