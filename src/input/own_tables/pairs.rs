//! Lists of pairs of numbers: stretches of a video.

use arrow_array::types::Float64Type;
use arrow_array::{Array, Float64Array, ListArray, RecordBatch, cast::AsArray};
use arrow_schema::{DataType, Field};

use super::super::keys::cast;
use super::schema::OwnSchema;
use crate::error::Result;
use crate::intervals::{Interval, IntervalSet};

const PAIRS: &str = "a list of structs of two numbers";

/// A column of lists of pairs of numbers.
pub(super) struct PairsColumn {
    pub(super) name: &'static str,
    lists: ListArray,
    first: Float64Array,
    second: Float64Array,
}

impl PairsColumn {
    pub(super) fn bind(
        schema: &OwnSchema,
        batch: &RecordBatch,
        name: &'static str,
        second: &'static str,
    ) -> Result<Self> {
        let (bound, array) = schema.column(batch, name, PAIRS)?;
        let wrong = || bound.wrong_type(array.data_type());
        let fields = ["start", second].map(|name| Field::new(name, DataType::Float64, true));
        let target = DataType::new_list(DataType::Struct(fields.into_iter().collect()), true);
        let lists = cast(&bound, &array, &target)?;
        let lists = lists.as_list_opt::<i32>().ok_or_else(wrong)?.clone();
        let pairs = lists.values().as_struct_opt().ok_or_else(wrong)?;
        let child =
            |index: usize| pairs.column(index).as_primitive_opt::<Float64Type>().cloned().ok_or_else(wrong);
        Ok(Self { name, first: child(0)?, second: child(1)?, lists })
    }

    /// The pairs in `row` of a table of `schema`; `None` if the list is null.
    pub(super) fn get(&self, schema: &OwnSchema, row: usize) -> Result<Option<Vec<(f64, f64)>>> {
        if self.lists.is_null(row) {
            return Ok(None);
        }
        let offsets = self.lists.value_offsets();
        let range =
            usize::try_from(offsets[row]).unwrap_or(0)..usize::try_from(offsets[row + 1]).unwrap_or(0);
        let pair = |index: usize| {
            let (first, second) = (self.first.value(index), self.second.value(index));
            let is_null =
                self.lists.values().is_null(index) || self.first.is_null(index) || self.second.is_null(index);
            if is_null || ![first, second].iter().all(|x| x.is_finite() && *x >= 0.0) {
                let accepted = "finite numbers that are not negative";
                return Err(schema.bad(self.name, row, format!("({first}, {second})"), accepted));
            }
            Ok((first, second))
        };
        range.map(pair).collect::<Result<Vec<_>>>().map(Some)
    }

    /// The pairs in `row` of a table of `schema` as the union of intervals; `None` if the list is null.
    pub(super) fn union(&self, schema: &OwnSchema, row: usize) -> Result<Option<IntervalSet>> {
        Ok(self.intervals(schema, row)?.map(IntervalSet::union))
    }

    /// The pairs in `row` of a table of `schema` as intervals, which are refused if the list is null.
    pub(super) fn all(&self, schema: &OwnSchema, row: usize) -> Result<Vec<Interval>> {
        self.intervals(schema, row)?.ok_or_else(|| schema.bad(self.name, row, "null", "a list"))
    }

    /// The pairs in `row` of a table of `schema` as intervals; `None` if the list is null.
    pub(super) fn intervals(&self, schema: &OwnSchema, row: usize) -> Result<Option<Vec<Interval>>> {
        let Some(pairs) = self.get(schema, row)? else { return Ok(None) };
        if let Some((start, end)) = pairs.iter().find(|(start, end)| end < start) {
            return Err(schema.bad(
                self.name,
                row,
                format!("({start}, {end})"),
                "an end that is not before its start",
            ));
        }
        Ok(Some(pairs.into_iter().map(|(start, end)| Interval { start, end }).collect()))
    }
}
