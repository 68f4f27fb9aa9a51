//! Lines of JSON as a table of text.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use rayon::prelude::*;

use super::json::Tree;
use super::path::{Step, steps};
use crate::error::Result;

/// The column that says of which rows nothing could be read.
pub const UNREADABLE: &str = "_unreadable";
/// About how many bytes one thread reads at a time.
const PART_BYTES: usize = 1 << 18;

/// Which values of lines become columns.
#[derive(Debug)]
pub struct LineReader {
    tree: Tree,
    /// What is read of each item of the list of which every item is a row.
    items: Option<Items>,
    schema: Arc<Schema>,
}

/// A list whose items are the rows.
#[derive(Debug)]
struct Items {
    /// The number of its path among those of the object.
    list: usize,
    tree: Tree,
}

/// Rows in the making.
struct Rows {
    columns: Vec<StringBuilder>,
    unreadable: BooleanBuilder,
    /// What the line at hand has in each column: whether there is a value, and memory that stays.
    found: Vec<(bool, String)>,
}

impl LineReader {
    /// A reader of the values at `paths`: of each, a column of text of that name. Those that are among `names`, or are no
    /// paths, are keys of the objects as they are. If `unnest` is the key of a list, each of its items is a row, as if it
    /// stood in the list's place.
    #[must_use]
    pub fn new(paths: &[String], names: &[String], unnest: Option<&str>) -> Self {
        let key = |path: &String| vec![Step::Field(path.clone())];
        let step =
            |path| if names.contains(path) { key(path) } else { steps(path).unwrap_or_else(|_| key(path)) };
        let steps: Vec<_> = paths.iter().map(step).collect();
        let text = |path: &String| Field::new(path, DataType::Utf8, true);
        let fields = paths.iter().map(text).chain([Field::new(UNREADABLE, DataType::Boolean, false)]);
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let Some(key) = unnest else {
            return Self { tree: Tree::new(steps.iter().map(Vec::as_slice)), items: None, schema };
        };
        let list = vec![Step::Field(key.to_owned())];
        let is_in_items = |steps: &&Vec<Step>| steps.first() == list.first();
        // The numbers of paths are those of columns in both trees: what the other one reads is nowhere in this one.
        let of = |wanted: bool, extra: Option<&Vec<Step>>| {
            let own = steps.iter().map(|steps| (is_in_items(&steps) == wanted).then_some(steps));
            let own = own.map(|steps| steps.map(|steps| &steps[usize::from(wanted)..]));
            Tree::numbered(own.chain(extra.map(|steps| Some(steps.as_slice()))))
        };
        let items = Items { list: steps.len(), tree: of(true, None) };
        Self { tree: of(false, Some(&list)), items: Some(items), schema }
    }

    /// The columns that it gives.
    #[must_use]
    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The rows of `block`: whole lines, each with an object, before which something else may stand. Blank lines are no
    /// rows.
    ///
    /// # Errors
    /// If there are more than 2 GiB of values in one column.
    pub fn read(&self, block: &[u8]) -> Result<RecordBatch> {
        let batches = parts(block).into_par_iter().map(|part| {
            let mut rows = self.rows();
            part.split(|&byte| byte == b'\n').for_each(|line| self.add(line, &mut rows));
            self.batch(rows)
        });
        let batches = batches.collect::<Result<Vec<_>>>()?;
        Ok(concat_batches(&self.schema, &batches)?)
    }

    fn rows(&self) -> Rows {
        let count = self.schema.fields().len() - 1;
        Rows {
            columns: (0..count).map(|_| StringBuilder::new()).collect(),
            unreadable: BooleanBuilder::new(),
            found: vec![(false, String::new()); count + 1],
        }
    }

    fn add(&self, line: &[u8], rows: &mut Rows) {
        if line.iter().all(|byte| byte.is_ascii_whitespace() || BOM.contains(byte)) {
            return;
        }
        rows.found.iter_mut().for_each(|(is_there, _)| *is_there = false);
        let found = &mut rows.found;
        let mut take = |number: usize, text: Option<std::borrow::Cow<'_, str>>| {
            if let Some((is_there, value)) = found.get_mut(number) {
                *is_there = text.is_some();
                value.clear();
                value.push_str(&text.unwrap_or_default());
            }
        };
        let object = line.iter().position(|&byte| byte == b'{').map(|start| &line[start..]);
        let text = object.and_then(|object| std::str::from_utf8(object).ok());
        let is_read = text.is_some_and(|text| self.tree.read(text.trim_end(), &mut take));
        match &self.items {
            Some(items) if is_read => items.add(rows),
            _ => rows.push(is_read),
        }
    }

    fn batch(&self, mut rows: Rows) -> Result<RecordBatch> {
        let columns = rows.columns.iter_mut().map(|column| -> ArrayRef { Arc::new(column.finish()) });
        let unreadable: ArrayRef = Arc::new(rows.unreadable.finish());
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns.chain([unreadable]).collect())?)
    }
}

impl Rows {
    /// Adds a row of the values found, if the line is one.
    fn push(&mut self, is_read: bool) {
        for (column, (is_there, value)) in self.columns.iter_mut().zip(&self.found) {
            column.append_option((*is_there && is_read).then_some(value.as_str()));
        }
        self.unreadable.append_value(!is_read);
    }
}

impl Items {
    /// Adds a row for each item of the list in `rows.found`: its values, and those of the object that holds it. An object
    /// without such a list is a row.
    fn add(&self, rows: &mut Rows) {
        let list = rows.found.get_mut(self.list).map(std::mem::take);
        let Some((true, list)) = list else { return rows.push(true) };
        let outside: Vec<bool> = rows.found.iter().map(|(is_there, _)| *is_there).collect();
        self.tree.read_items(&list, &mut |item| {
            let found = &mut rows.found;
            found.iter_mut().zip(&outside).for_each(|((is_there, _), outside)| *is_there = *outside);
            item(&mut |number, text| {
                if let (Some((is_there, value)), Some(text)) = (found.get_mut(number), text) {
                    *is_there = true;
                    value.clear();
                    value.push_str(&text);
                }
            });
            rows.push(true);
        });
    }
}

/// With which some programs begin a file.
const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// `block` cut at ends of lines.
fn parts(block: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), block);
    while rest.len() > PART_BYTES {
        let end = rest[PART_BYTES..]
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |at| PART_BYTES + at + 1);
        let (part, later) = rest.split_at(end);
        parts.push(part);
        rest = later;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::super::nested::text_of;
    use super::*;

    /// Each row as its values, `-` for none and `!` for a row that could not be read.
    fn read(block: &str, paths: &[&str]) -> Vec<String> {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        let batch = LineReader::new(&paths, &["a.key".to_owned()], None).read(block.as_bytes()).unwrap();
        let row = |row: usize| {
            if batch.column(paths.len()).as_boolean().value(row) {
                return "!".to_owned();
            }
            let texts = batch.columns()[..paths.len()].iter().map(|column| text_of(column).unwrap());
            let values = texts.map(|texts| texts.iter().nth(row).flatten().unwrap_or("-").to_owned());
            values.collect::<Vec<_>>().join(" ")
        };
        (0..batch.num_rows()).map(row).collect()
    }

    #[test]
    fn each_item_of_a_list_is_a_row() {
        let block = "{\"who\": \"ann\", \"events\": [{\"at\": 1}, {\"at\": 2, \"who\": \"bob\"}, 3]}\n{\"who\": \"cid\"}\nx\n\
                     {\"events\": []}";
        let paths = ["who".to_owned(), "events.at".to_owned()];
        let batch = LineReader::new(&paths, &[], Some("events")).read(block.as_bytes()).unwrap();
        let texts = |column: usize| {
            let texts = text_of(batch.column(column)).unwrap();
            texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!([texts(0), texts(1)], ["ann ann ann cid -", "1 2 - - -"]);
    }

    #[test]
    fn a_key_may_look_like_a_path() {
        let line = "{\"a.key\": 1, \"a\": {\"key\": 2, \"b\": 3}}";
        assert_eq!(read(line, &["a.key", "a.b"]), ["1 3"]);
    }

    #[test]
    fn each_line_is_a_row() {
        let block =
            "\u{feff}{\"a\": 1, \"b\": {\"c\": \"x\"}}\r\n\n{\"a\": null}\n  \n{\"b\": {\"c\": 2.50}}";
        assert_eq!(read(block, &["a", "b.c"]), ["1 x", "- -", "- 2.50"]);
        assert_eq!(read("", &["a"]), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_no_object_is_told_and_stops_nothing() {
        let block = "{\"a\": 1}\nnonsense\n{\"a\": \n[1]\n{\"a\": 2}}\n7\n{\"a\": 3}\n";
        assert_eq!(read(block, &["a"]), ["1", "!", "!", "!", "!", "!", "3"]);
    }

    #[test]
    fn what_a_log_writes_before_the_object_is_passed_over() {
        let block = "Jan 15 10:00:00 host [tracking] - {\"a\": \"{x}\"}";
        assert_eq!(read(block, &["a"]), ["{x}"]);
    }

    #[test]
    fn names_that_are_no_paths_are_names() {
        assert_eq!(read("{\"a[\": 1, \"b c\": 2}", &["a[", "b c"]), ["1 2"]);
    }

    #[test]
    fn parts_are_cut_between_lines() {
        let line = format!("{{\"a\": \"{}\"}}\n", "x".repeat(1000));
        let block = line.repeat(1000);
        assert!(parts(block.as_bytes()).len() > 2);
        let rows = read(&block, &["a"]);
        assert_eq!(rows.len(), 1000);
        assert!(rows.iter().all(|row| row.len() == 1000));
    }
}
