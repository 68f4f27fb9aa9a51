//! Columns by paths out of nested ones: through structs, maps, lists, and text that holds JSON.

use std::sync::Arc;

use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, MapArray, PrimitiveArray, RecordBatch, StringArray, UInt64Array,
    cast::AsArray, new_null_array,
};
use arrow_schema::{DataType, Schema};

use super::json::Tree;
use super::path::Step;
use crate::error::Result;

/// A column, or what lies in one at the end of some steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) steps: Vec<Step>,
    /// How it was written.
    pub(super) path: String,
}

impl Place {
    /// The place at the end of the `steps` of `path` in a table of `schema`, if there can be something: the first one
    /// names a column.
    pub(super) fn find(path: &str, steps: &[Step], schema: &Schema) -> Option<Self> {
        let (Step::Field(name), steps) = steps.split_first().map(|(first, rest)| (first, rest.to_vec()))?
        else {
            return None;
        };
        let column = schema.fields().iter().position(|field| field.name() == name)?;
        leads_on(schema.field(column).data_type(), &steps).then(|| Self {
            column,
            steps,
            path: path.to_owned(),
        })
    }

    /// The values in `batch`, which must be whole: `None` if its arrays break the rules of Arrow.
    pub(super) fn values(&self, batch: &RecordBatch) -> Option<Result<ArrayRef>> {
        let array = batch.columns().get(self.column)?;
        if self.steps.is_empty() {
            return Some(Ok(Arc::clone(array)));
        }
        array.to_data().validate_full().ok()?;
        Some(walk(Arc::clone(array), &self.steps))
    }
}

/// Whether `steps` can lead on in values of `data_type`. Text may hold anything.
fn leads_on(data_type: &DataType, steps: &[Step]) -> bool {
    use DataType::{
        Dictionary, FixedSizeList, LargeList, LargeUtf8, List, Map, Null, Struct, Utf8, Utf8View,
    };
    let Some((step, rest)) = steps.split_first() else { return true };
    match (data_type, step) {
        (Utf8 | LargeUtf8 | Utf8View | Null, _) => true,
        (Dictionary(_, values), _) => leads_on(values, steps),
        (Struct(fields), Step::Field(name)) => {
            fields.iter().any(|field| field.name() == name && leads_on(field.data_type(), rest))
        }
        (Map(entries, _), Step::Field(_)) => match entries.data_type() {
            Struct(fields) if fields.len() == 2 => leads_on(fields[1].data_type(), rest),
            _ => false,
        },
        (List(item) | LargeList(item) | FixedSizeList(item, _), Step::Item(_)) => {
            leads_on(item.data_type(), rest)
        }
        (List(item) | LargeList(item) | FixedSizeList(item, _), Step::Where(field, _)) => {
            leads_on(item.data_type(), &[Step::Field(field.clone())]) && leads_on(item.data_type(), rest)
        }
        _ => false,
    }
}

/// What lies in `array`, which is whole, at the end of `steps`.
fn walk(array: ArrayRef, steps: &[Step]) -> Result<ArrayRef> {
    let Some((step, rest)) = steps.split_first() else { return settled(array) };
    if let DataType::Dictionary(_, values) = array.data_type() {
        let plain = arrow_cast::cast(&array, values)?;
        return walk(plain, steps);
    }
    if let Some(structs) = array.as_struct_opt() {
        let Step::Field(name) = step else { return nothing(array.len()) };
        return structs.column_by_name(name).map_or_else(
            || nothing(array.len()),
            |child| walk(arrow_select::nullif::nullif(child, &BooleanArray::from(is_null(structs)))?, rest),
        );
    }
    if let Some(map) = array.as_map_opt() {
        let Step::Field(key) = step else { return nothing(array.len()) };
        return walk(of_key(map, key)?, rest);
    }
    match array.data_type() {
        DataType::FixedSizeList(item, _) => {
            let lists = arrow_cast::cast(&array, &DataType::List(Arc::clone(item)))?;
            walk(lists, steps)
        }
        DataType::List(_) | DataType::LargeList(_) => walk(item(&array, step)?, rest),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(Arc::new(in_json(&text_of(&array)?, steps)))
        }
        _ => nothing(array.len()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a walk leads to")]
fn nothing(rows: usize) -> Result<ArrayRef> {
    Ok(new_null_array(&DataType::Null, rows))
}

fn is_null(array: &dyn Array) -> Vec<bool> {
    (0..array.len()).map(|row| array.is_null(row)).collect()
}

/// The end of a path: of a struct the first of its values that is one, as key/value arrays say of which type a value is.
fn settled(array: ArrayRef) -> Result<ArrayRef> {
    let Some(structs) = array.as_struct_opt() else { return Ok(array) };
    let parts = structs.columns().iter().filter(|column| !column.data_type().is_nested());
    let hidden = BooleanArray::from(is_null(structs));
    let parts =
        parts.map(|part| Ok(arrow_select::nullif::nullif(part, &hidden)?)).collect::<Result<Vec<_>>>()?;
    first_of(parts, structs.len())
}

/// The first of `columns`, each of `rows` rows, that is not null, row by row. Columns of several types become numbers
/// if all are some, and text otherwise.
pub(super) fn first_of(columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef> {
    let columns: Vec<_> = columns.into_iter().filter(|column| !column.data_type().is_null()).collect();
    let Some(first) = columns.first() else { return nothing(rows) };
    let common = if columns.iter().all(|column| column.data_type() == first.data_type()) {
        first.data_type().clone()
    } else if columns.iter().all(|column| column.data_type().is_integer()) {
        DataType::Int64
    } else if columns.iter().all(|column| column.data_type().is_numeric()) {
        DataType::Float64
    } else {
        DataType::Utf8
    };
    let mut found: Option<ArrayRef> = None;
    for column in columns {
        let column = arrow_cast::cast(&column, &common)?;
        found = Some(match found {
            Some(found) => arrow_select::zip::zip(&BooleanArray::from(is_null(&found)), &column, &found)?,
            None => column,
        });
    }
    found.map_or_else(|| nothing(rows), Ok)
}

/// Of each row of `map` the value of `key`.
fn of_key(map: &MapArray, key: &str) -> Result<ArrayRef> {
    let keys = text_of(map.keys())?;
    let offsets = map.value_offsets();
    let index = |row: usize| {
        let entries = index_of(offsets[row])..index_of(offsets[row + 1]);
        // Of a key that comes twice the last one counts, as in JSON.
        entries.rev().find(|&entry| keys.is_valid(entry) && keys.value(entry) == key)
    };
    taken(map.values(), (0..map.len()).map(|row| if map.is_null(row) { None } else { index(row) }))
}

fn index_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

/// Of each list of `array` the item that `step` means.
fn item(array: &ArrayRef, step: &Step) -> Result<ArrayRef> {
    if let Some(lists) = array.as_list_opt::<i64>() {
        let offsets = lists.value_offsets().iter().map(|&offset| usize::try_from(offset).unwrap_or_default());
        return item_of(array, lists.values(), &offsets.collect::<Vec<_>>(), step);
    }
    let lists = array.as_list::<i32>();
    let offsets = lists.value_offsets().iter().map(|&offset| index_of(offset));
    item_of(array, lists.values(), &offsets.collect::<Vec<_>>(), step)
}

/// The same of lists whose items are `items`, up to `offsets`.
fn item_of(lists: &ArrayRef, items: &ArrayRef, offsets: &[usize], step: &Step) -> Result<ArrayRef> {
    let names = match step {
        Step::Where(field, _) => {
            let names = walk(Arc::clone(items), &[Step::Field(field.clone())])?;
            Some(text_of(&names)?)
        }
        _ => None,
    };
    let index = |row: usize| {
        let mut entries = offsets[row]..offsets[row + 1];
        match (step, &names) {
            (Step::Item(index), _) => entries.nth(*index),
            (Step::Where(_, wanted), Some(names)) => {
                entries.find(|&entry| names.is_valid(entry) && names.value(entry) == wanted)
            }
            _ => None,
        }
    };
    taken(items, (0..lists.len()).map(|row| if lists.is_null(row) { None } else { index(row) }))
}

/// The values of `array` as text.
pub(super) fn text_of(array: &dyn Array) -> Result<StringArray> {
    let texts = arrow_cast::cast(array, &DataType::Utf8)?;
    Ok(texts.as_string_opt().cloned().unwrap_or_else(|| StringArray::new_null(array.len())))
}

fn taken(values: &ArrayRef, indices: impl Iterator<Item = Option<usize>>) -> Result<ArrayRef> {
    let indices: UInt64Array =
        indices.map(|index| index.and_then(|index| u64::try_from(index).ok())).collect();
    Ok(arrow_select::take::take(values, &indices as &PrimitiveArray<UInt64Type>, None)?)
}

/// What `texts`, which hold JSON, say at the end of `steps`.
fn in_json(texts: &StringArray, steps: &[Step]) -> StringArray {
    let tree = Tree::new([steps]);
    let value = |text: Option<&str>| {
        let mut value = None;
        tree.read_text(text?, &mut |_, text| value = text.map(std::borrow::Cow::into_owned));
        value
    };
    texts.iter().map(value).collect()
}

/// `array` without what stands for nothing: the words of `missing`, as text or as the number that they are.
pub(super) fn without(array: ArrayRef, missing: &[String]) -> Result<ArrayRef> {
    if missing.is_empty() || array.data_type().is_null() {
        return Ok(array);
    }
    let is_missing: BooleanArray = if array.data_type().is_numeric() {
        let words: Vec<f64> = missing.iter().filter_map(|word| super::text::number(word)).collect();
        let numbers = arrow_cast::cast(&array, &DataType::Float64)?;
        let is_word = |number: Option<f64>| number.map(|number| words.contains(&number));
        numbers.as_primitive_opt::<Float64Type>().into_iter().flatten().map(is_word).collect()
    } else {
        let is_word = |text: &str| missing.iter().any(|word| word == text);
        text_of(&array)?.iter().map(|text| text.map(is_word)).collect()
    };
    Ok(arrow_select::nullif::nullif(&array, &is_missing)?)
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{
        Float64Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder, StructBuilder,
    };
    use arrow_array::{Int64Array, StructArray};
    use arrow_schema::{Field, Fields};

    use super::super::path::steps;
    use super::*;

    /// What `path` is in a table of the column `column`, as text; nothing if it can lead nowhere.
    fn read(name: &str, column: ArrayRef, path: &str) -> Option<Vec<Option<String>>> {
        let batch = RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap();
        let place = Place::find(path, &steps(path).unwrap(), batch.schema_ref())?;
        let values = place.values(&batch).unwrap().unwrap();
        Some(text_of(&values).unwrap().iter().map(|text| text.map(str::to_owned)).collect())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what `read` gives")]
    fn texts<const N: usize>(texts: [Option<&str>; N]) -> Option<Vec<Option<String>>> {
        Some(texts.map(|text| text.map(str::to_owned)).to_vec())
    }

    #[test]
    fn through_structs() {
        let times = Int64Array::from(vec![Some(1), None, Some(3)]);
        let fields = Fields::from(vec![Field::new("time", DataType::Int64, true)]);
        let nulls = Some(vec![true, true, false].into());
        let structs = StructArray::new(fields, vec![Arc::new(times)], nulls);
        assert_eq!(read("event", Arc::new(structs.clone()), "event.time"), texts([Some("1"), None, None]));
        assert_eq!(read("event", Arc::new(structs.slice(1, 2)), "event.time"), texts([None, None]));
        for path in ["event.none", "event[0]", "event.time.more", "other.time"] {
            assert_eq!(read("event", Arc::new(structs.clone()), path), None, "{path}");
        }
    }

    #[test]
    fn through_maps() {
        let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
            maps.keys().append_value(key);
            maps.values().append_value(value);
        }
        maps.append(true).unwrap();
        maps.append(false).unwrap();
        maps.append(true).unwrap();
        let maps = maps.finish();
        assert_eq!(read("m", Arc::new(maps.clone()), "m.a"), texts([Some("3"), None, None]));
        assert_eq!(read("m", Arc::new(maps.slice(0, 1)), "m[\"b\"]"), texts([Some("2")]));
        assert_eq!(read("m", Arc::new(maps), "m[0]"), None);
    }

    #[test]
    fn through_lists() {
        let mut lists = ListBuilder::new(Float64Builder::new());
        lists.append_value([Some(1.5), None]);
        lists.append_null();
        lists.append_value([]);
        lists.append_value([Some(2.5)]);
        let lists = lists.finish();
        assert_eq!(read("l", Arc::new(lists.clone()), "l[0]"), texts([Some("1.5"), None, None, Some("2.5")]));
        assert_eq!(read("l", Arc::new(lists.slice(2, 2)), "l[0]"), texts([None, Some("2.5")]));
        assert_eq!(read("l", Arc::new(lists), "l[1]"), texts([None; 4]));
    }

    /// Parameters as the export of Google Analytics has them.
    fn parameters() -> ArrayRef {
        let values = Fields::from(vec![
            Field::new("string_value", DataType::Utf8, true),
            Field::new("int_value", DataType::Int64, true),
        ]);
        let items = Fields::from(vec![
            Field::new("key", DataType::Utf8, true),
            Field::new("value", DataType::Struct(values), true),
        ]);
        let mut lists = ListBuilder::new(StructBuilder::from_fields(items, 4));
        for (key, text, number) in
            [("title", Some("A"), None), ("time", None, Some(12)), ("time", None, Some(13))]
        {
            let item = lists.values();
            item.field_builder::<StringBuilder>(0).unwrap().append_value(key);
            let value = item.field_builder::<StructBuilder>(1).unwrap();
            value.field_builder::<StringBuilder>(0).unwrap().append_option(text);
            value.field_builder::<Int64Builder>(1).unwrap().append_option(number);
            value.append(true);
            item.append(true);
        }
        lists.append(true);
        Arc::new(lists.finish())
    }

    #[test]
    fn through_key_value_arrays() {
        assert_eq!(read("p", parameters(), "p[key=\"time\"].value"), texts([Some("12")]));
        assert_eq!(read("p", parameters(), "p[key=\"title\"].value"), texts([Some("A")]));
        assert_eq!(read("p", parameters(), "p[key=\"time\"].value.int_value"), texts([Some("12")]));
        assert_eq!(read("p", parameters(), "p[key=\"none\"].value"), texts([None]));
        assert_eq!(read("p", parameters(), "p[name=\"time\"].value"), None);
    }

    #[test]
    fn through_text_that_holds_json() {
        let json: ArrayRef = Arc::new(StringArray::from(vec![Some("{\"a\": {\"b\": 1}}"), Some("x"), None]));
        for layout in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
            let column = arrow_cast::cast(&json, &layout).unwrap();
            assert_eq!(read("j", column, "j.a.b"), texts([Some("1"), None, None]), "{layout}");
        }
        let coded = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let list: ArrayRef = Arc::new(StringArray::from(vec![Some("[7, {\"a\": 8}]"), Some("[7, 8"), None]));
        assert_eq!(read("j", Arc::clone(&list), "j[0]"), texts([Some("7"), None, None]));
        assert_eq!(read("j", list, "j[1].a"), texts([Some("8"), None, None]));
        assert_eq!(
            read("j", arrow_cast::cast(&json, &coded).unwrap(), "j.a"),
            texts([Some("1"), None, None])
        );
    }

    #[test]
    fn the_first_value_that_is_there() {
        let [first, second] = [[Some(1), None], [Some(7), Some(8)]]
            .map(|column| -> ArrayRef { Arc::new(Int64Array::from(column.to_vec())) });
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), Some("y")]));
        let shown = |columns: Vec<ArrayRef>| {
            let values = first_of(columns, 2).unwrap();
            let texts = text_of(&values).unwrap();
            let texts: Vec<_> = texts.iter().map(|text| text.unwrap_or("-")).collect();
            (values.data_type().clone(), texts.join(" "))
        };
        assert_eq!(shown(vec![first.clone(), second.clone()]), (DataType::Int64, "1 8".to_owned()));
        assert_eq!(shown(vec![first.clone(), text]), (DataType::Utf8, "1 y".to_owned()));
        assert_eq!(
            shown(vec![new_null_array(&DataType::Null, 2), first]),
            (DataType::Int64, "1 -".to_owned())
        );
        assert_eq!(shown(Vec::new()), (DataType::Null, "- -".to_owned()));
    }

    #[test]
    fn words_that_stand_for_nothing() {
        let missing = ["undefined".to_owned(), "-1".to_owned()];
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["undefined", "-1", "5"]));
        assert_eq!(without(texts, &missing).unwrap().null_count(), 2);
        let numbers: ArrayRef = Arc::new(arrow_array::Float64Array::from(vec![-1.0, 5.0, 0.0]));
        assert_eq!(without(numbers, &missing).unwrap().null_count(), 1);
    }
}
