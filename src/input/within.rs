//! The events of a time span that each row states for itself.

use arrow_array::types::Int64Type;
use arrow_array::{Array, BooleanArray, Int64Array, RecordBatch, cast::AsArray};
use arrow_schema::DataType;

use super::columns::{InputColumn, InputTable};
use super::mapping::{Bound, ColumnMap};
use super::values::TimeColumn;
use crate::error::Result;
use crate::time::Micros;

const BOUND: &str = "an int64 of microseconds since 1970 UTC";

/// The rows of `batch`, which are events, whose timestamp lies in the row's own span, from `_first` to `_last`, both
/// included; `map` tells the name of the timestamp.
///
/// The two columns are taken out. A row without a readable timestamp, or with a bound that is null, lies in no span.
///
/// # Errors
/// If a column is missing or of a type that cannot be read.
pub fn within(batch: &RecordBatch, map: &ColumnMap) -> Result<RecordBatch> {
    let (table, schema) = (InputTable::Events, batch.schema_ref());
    let time = Bound::needed(map, InputColumn::TIMESTAMP, table, schema)?;
    let times = TimeColumn::bind(&time, &time.array(batch)?)?;
    let first = Bound::own(table.name(), "_first", BOUND, schema)?;
    let last = Bound::own(table.name(), "_last", BOUND, schema)?;
    let (firsts, lasts) = (instants(&first, batch)?, instants(&last, batch)?);
    let is_within = |row: usize| {
        let bounds = firsts.is_valid(row) && lasts.is_valid(row);
        let span = firsts.value(row)..=lasts.value(row);
        bounds && times.get(row).is_some_and(|Micros(time)| span.contains(&time))
    };
    let wanted = (0..batch.num_rows()).map(is_within).collect::<Vec<_>>();
    let others: Vec<_> =
        (0..batch.num_columns()).filter(|index| ![first.index, last.index].contains(index)).collect();
    let events = batch.project(&others)?;
    if wanted.iter().all(|&wanted| wanted) {
        return Ok(events);
    }
    Ok(arrow_select::filter::filter_record_batch(&events, &BooleanArray::from(wanted))?)
}

fn instants(column: &Bound, batch: &RecordBatch) -> Result<Int64Array> {
    let array = column.array(batch)?;
    let wrong = || column.wrong_type(array.data_type());
    match array.data_type() {
        DataType::Int64 => array.as_primitive_opt::<Int64Type>().cloned().ok_or_else(wrong),
        DataType::Null => Ok(Int64Array::new_null(array.len())),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray, TimestampSecondArray};

    use super::*;
    use crate::error::ErrorKind;

    fn batch(time: ArrayRef) -> RecordBatch {
        let columns: [(&str, ArrayRef); 4] = [
            ("_first", Arc::new(Int64Array::from(vec![Some(1_000_000); 7]))),
            ("n", Arc::new(Int64Array::from_iter_values(0..7))),
            (
                "_last",
                Arc::new(Int64Array::from(vec![
                    Some(3_000_000),
                    Some(3_000_000),
                    Some(3_000_000),
                    Some(3_000_000),
                    Some(3_000_000),
                    None,
                    Some(999_999),
                ])),
            ),
            ("timestamp", time),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    fn rows(batch: &RecordBatch) -> Vec<i64> {
        let names: Vec<_> = batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["n", "timestamp"]);
        batch.column(0).as_primitive_opt::<Int64Type>().unwrap().values().to_vec()
    }

    #[test]
    fn both_ends_are_within_and_what_cannot_be_told_is_not() {
        let seconds = [Some(0), Some(1), Some(3), Some(4), None, Some(2), Some(1)];
        let stamps = batch(Arc::new(TimestampSecondArray::from(seconds.to_vec())));
        assert_eq!(rows(&within(&stamps, &ColumnMap::default()).unwrap()), [1, 2]);
        assert_eq!(rows(&within(&stamps.slice(2, 5), &ColumnMap::default()).unwrap()), [2]);
        assert_eq!(rows(&within(&stamps.slice(1, 2), &ColumnMap::default()).unwrap()), [1, 2]);
        let text = seconds.map(|second| second.map(|s| format!("1970-01-01T01:00:0{s}+01:00")));
        let text = batch(Arc::new(StringArray::from(text.to_vec())));
        assert_eq!(rows(&within(&text, &ColumnMap::default()).unwrap()), [1, 2]);
    }

    #[test]
    fn a_bound_of_another_type_is_refused() {
        let stamps: ArrayRef = Arc::new(TimestampSecondArray::from(vec![0]));
        let columns = [("timestamp", stamps.clone()), ("_first", stamps.clone()), ("_last", stamps)];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let error = within(&batch, &ColumnMap::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ColumnType, "{error}");
    }
}
