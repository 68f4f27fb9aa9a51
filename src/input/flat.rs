//! Tables of any shape as what the core reads without being told more.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{Field, Schema};

use super::columns::{InputColumn, InputTable, TypeFamily};
use super::lines::UNREADABLE;
use super::mapping::{Bound, ColumnMap};
use super::values::{NumberColumn, TimeColumn};
use crate::error::Result;

/// The columns in use of `batch`, which is of the kind `table`, under their default names; `map` says where they are.
/// What is counted in a unit, or by the clocks of a zone, becomes instants and seconds.
///
/// # Errors
/// If a needed or mapped column is missing, or a type cannot be read.
pub fn flat(batch: &RecordBatch, table: InputTable, map: &ColumnMap) -> Result<RecordBatch> {
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for column in InputColumn::ALL.iter().filter(|column| column.is_in(table)) {
        let bound = if column.required {
            Some(Bound::needed(map, *column, table, batch.schema_ref())?)
        } else {
            Bound::optional(map, *column, table, batch.schema_ref())?
        };
        let Some(bound) = bound else { continue };
        let values = settled(&bound, column.family, bound.array(batch)?)?;
        fields.push(Field::new(column.name, values.data_type().clone(), true));
        columns.push(values);
    }
    if let Some(unreadable) = batch.column_by_name(UNREADABLE) {
        fields.push(Field::new(UNREADABLE, unreadable.data_type().clone(), true));
        columns.push(Arc::clone(unreadable));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// `values` of the column `bound`, without a unit or zone that somebody has to know.
fn settled(bound: &Bound, family: TypeFamily, values: ArrayRef) -> Result<ArrayRef> {
    if bound.unit.is_none() && bound.zone.is_none() {
        return Ok(values);
    }
    let rows = 0..values.len();
    if family == TypeFamily::Instant {
        let times = TimeColumn::bind(bound, &values)?;
        let times: TimestampMicrosecondArray = rows.map(|row| times.get(row).map(|time| time.0)).collect();
        return Ok(Arc::new(times.with_timezone("UTC")));
    }
    let numbers = NumberColumn::bind(bound, &values)?;
    Ok(Arc::new(rows.map(|row| numbers.get(row)).collect::<Float64Array>()))
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};

    use super::super::mapping::ColumnSource;
    use super::super::unit::Unit;
    use super::*;

    #[test]
    fn units_are_gone_and_names_are_the_default_ones() {
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let batch = RecordBatch::try_from_iter([
            ("at", Arc::new(Int64Array::from(vec![1500])) as ArrayRef),
            ("who", text("{\"id\": \"ann\"}")),
            ("videoId", text("v")),
            ("eventName", text("play")),
            ("position", text("2500")),
        ])
        .unwrap();
        let source = |path: &str, unit| {
            Some(ColumnSource { paths: vec![path.to_owned()], unit, ..ColumnSource::default() })
        };
        let map = ColumnMap::new([
            ("timestamp".to_owned(), source("at", Some(Unit::Millis))),
            ("userId".to_owned(), source("who.id", None)),
            ("currentTime".to_owned(), source("position", Some(Unit::Millis))),
        ])
        .unwrap();
        let flat = flat(&batch, InputTable::Events, &map).unwrap();
        let shown = |name: &str| {
            let column = flat.column_by_name(name).unwrap();
            let column = if name == "timestamp" {
                arrow_cast::cast(column, &arrow_schema::DataType::Int64).unwrap()
            } else {
                Arc::clone(column)
            };
            arrow_cast::display::array_value_to_string(&column, 0).unwrap()
        };
        assert_eq!(
            ["timestamp", "userId", "videoId", "eventName", "currentTime"].map(shown),
            ["1500000", "ann", "v", "play", "2.5"]
        );
        assert_eq!(flat.num_columns(), 5);
    }
}
