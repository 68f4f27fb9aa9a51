//! Where the input columns are in the user's tables.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int8Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Schema};

use super::columns::{InputColumn, InputTable, TypeFamily};
use super::nested::{Place, first_of, without};
use super::path::{Step, steps};
use super::unit::Unit;
use crate::error::{Error, Result};
use crate::time::Zone;

/// Where the values of one column come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnSource {
    /// Names of columns, or paths into nested ones: the first that is there and not null counts.
    pub paths: Vec<String>,
    /// What its numbers count, if not seconds.
    pub unit: Option<Unit>,
    /// Where the clocks stand that made stamps without a zone, if not in UTC.
    pub zone: Option<Zone>,
    /// What it is where nothing is found.
    pub value: Option<String>,
    /// Words, or numbers, that stand for nothing.
    pub missing: Vec<String>,
    /// Whether the column of the default name will do where none of the paths leads anywhere.
    pub or_default: bool,
}

impl From<String> for ColumnSource {
    fn from(name: String) -> Self {
        Self { paths: vec![name], ..Self::default() }
    }
}

/// Where the input columns are in the user's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    mapped: HashMap<&'static str, Option<ColumnSource>>,
}

impl ColumnMap {
    /// A map of `pairs`: the default name of a column, and where it is; nothing means that the column is not to be used.
    ///
    /// # Errors
    /// If a default name does not exist, a column that is needed is not to be used, or a unit is none of such a column.
    pub fn new(pairs: impl IntoIterator<Item = (String, Option<ColumnSource>)>) -> Result<Self> {
        let mut mapped = HashMap::new();
        for (name, source) in pairs {
            let Some(column) = InputColumn::ALL.iter().find(|column| column.name == name) else {
                let known = InputColumn::ALL.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
                return Err(Error::UnknownMapping { column: name, known });
            };
            if source.is_none() && column.required {
                return Err(Error::NeededColumn { column: name });
            }
            if let Some(unit) = source.as_ref().and_then(|source| source.unit)
                && !column.family.units().contains(&unit)
            {
                return Err(Error::WrongUnit { column: name, unit: unit.name() });
            }
            if let Some(zone) = source.as_ref().and_then(|source| source.zone)
                && column.family != TypeFamily::Instant
            {
                return Err(Error::WrongZone { column: name, zone: zone.name() });
            }
            mapped.insert(column.name, source.map(|source| source.or_named(column.name)));
        }
        Ok(Self { mapped })
    }

    /// Where `column` is in a table of `schema`; `None` for an optional one that is not there or not wanted. `table`
    /// says whether these are events or videos, which share `videoId`.
    ///
    /// # Errors
    /// If a needed or mapped column is missing, or its name is not unique.
    fn find(&self, column: InputColumn, table: InputTable, schema: &Schema) -> Result<Option<Made>> {
        let default = ColumnSource::from(column.name.to_owned());
        let source = match self.mapped.get(column.name) {
            Some(None) => return Ok(None),
            Some(Some(source)) if table == column.table || source.is_in(table, schema) => source,
            _ => &default,
        };
        let mut places = source.places(table, schema)?;
        let mut source = source;
        let plain = ColumnSource { value: source.value.clone(), ..default.clone() };
        if places.is_empty() && source.or_default {
            (places, source) = (default.places(table, schema)?, &plain);
        }
        if !places.is_empty() || source.value.is_some() {
            return Ok(Some(Made { places, source: source.clone() }));
        }
        let is_expected = column.required || *source != default;
        let name = source.paths.first().map_or(column.name, String::as_str);
        if is_expected { Err(missing(table.name(), name, column.name, schema)) } else { Ok(None) }
    }

    /// What is used of a table of `schema`: all else need not be read.
    ///
    /// # Errors
    /// If a needed or mapped column is missing, or its name is not unique.
    pub fn used(&self, table: InputTable, schema: &Schema) -> Result<Vec<Used>> {
        let mut used = Vec::new();
        for column in InputColumn::ALL.iter().filter(|column| column.is_in(table)) {
            let Some(made) = self.find(*column, table, schema)? else { continue };
            used.extend(made.places.into_iter().map(|place| {
                let own = schema.field(place.column).name().clone();
                let path = if place.steps.is_empty() { own.clone() } else { place.path };
                Used { column: column.name, is_key: column.family == TypeFamily::Key, own, path }
            }));
        }
        Ok(used)
    }
}

/// A column of the user's table that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// For which input column.
    pub column: &'static str,
    /// Whether that is a key.
    pub is_key: bool,
    /// Its name in the table.
    pub own: String,
    /// The path into it; its name, if it is used as it is.
    pub path: String,
}

impl ColumnSource {
    /// The same; without paths and value it is the column of its default `name`.
    fn or_named(mut self, name: &str) -> Self {
        if self.paths.is_empty() && self.value.is_none() {
            self.paths.push(name.to_owned());
        }
        self
    }

    fn is_in(&self, table: InputTable, schema: &Schema) -> bool {
        self.places(table, schema).is_ok_and(|places| !places.is_empty())
    }

    /// Where its paths are that lead somewhere in a table of `schema`.
    fn places(&self, table: InputTable, schema: &Schema) -> Result<Vec<Place>> {
        let places = self.paths.iter().map(|path| place(path, table.name(), schema));
        places.filter_map(Result::transpose).collect()
    }
}

/// Where `path` leads in a `table` of `schema`: an exact name wins, then a path, then the one name that is spelled
/// otherwise.
fn place(path: &str, table: &'static str, schema: &Schema) -> Result<Option<Place>> {
    let named = |is_it: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let fields = schema.fields().iter().enumerate();
        fields.filter(|(_, field)| is_it(field.name())).map(|(column, _)| column).collect()
    };
    let whole = |column| Some(Place { column, steps: Vec::new(), path: path.to_owned() });
    match named(&|name| name == path)[..] {
        [] => {}
        [column] => return Ok(whole(column)),
        ref several => {
            let count = several.len();
            return Err(Error::AmbiguousColumn { table, column: path.to_owned(), count });
        }
    }
    let steps = steps(path)?;
    if let [Step::Field(name)] = &steps[..] {
        let alike = named(&|other| spelling(other) == spelling(name));
        return Ok(if let [column] = alike[..] { whole(column) } else { None });
    }
    Ok(Place::find(path, &steps, schema))
}

/// A name without what spellings differ by.
fn spelling(name: &str) -> String {
    name.chars().filter(|&c| c != '_').flat_map(char::to_lowercase).collect()
}

fn missing(table: &'static str, name: &str, default: &'static str, schema: &Schema) -> Error {
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let found = if names.is_empty() { "no columns".to_owned() } else { names.join(", ") };
    Error::MissingColumn { table, column: name.to_owned(), default, found }
}

/// How a column is made of those of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    places: Vec<Place>,
    source: ColumnSource,
}

impl Made {
    /// Whether it is a column of the table as it is.
    fn is_plain(&self) -> bool {
        let [place] = &self.places[..] else { return false };
        place.steps.is_empty() && self.source.value.is_none() && self.source.missing.is_empty()
    }

    /// The values in `batch`: `None` if its arrays break the rules of Arrow.
    fn values(&self, batch: &RecordBatch) -> Option<Result<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.places.len() + 1);
        for place in &self.places {
            match place.values(batch)?.and_then(|column| without(column, &self.source.missing)) {
                Ok(column) => columns.push(column),
                Err(error) => return Some(Err(error)),
            }
        }
        let rows = batch.num_rows();
        columns.extend(self.source.value.as_ref().map(|value| constant(value, rows)));
        Some(first_of(columns, rows))
    }
}

fn constant(value: &str, rows: usize) -> ArrayRef {
    let codes = Int8Array::from(vec![0; rows]);
    Arc::new(DictionaryArray::new(codes, Arc::new(StringArray::from(vec![value]))))
}

/// A column found in a table: where, and how to speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) table: &'static str,
    pub(crate) accepted: &'static str,
    /// What its numbers count, if somebody said so.
    pub(crate) unit: Option<Unit>,
    /// Where the clocks stand that made stamps without a zone, if somebody said so.
    pub(crate) zone: Option<Zone>,
    /// How it is made, if it is no column of the table as it is.
    made: Option<Box<Made>>,
}

impl Bound {
    /// Where the optional input `column` is in a table of `schema`, as `map` tells; `None` if it is not there or not
    /// wanted.
    pub(crate) fn optional(
        map: &ColumnMap,
        column: InputColumn,
        table: InputTable,
        schema: &Schema,
    ) -> Result<Option<Self>> {
        let Some(made) = map.find(column, table, schema)? else { return Ok(None) };
        let accepted = column.family.accepted();
        let index = made.places.first().map(|place| place.column);
        let (unit, zone, is_plain) = (made.source.unit, made.source.zone, made.is_plain());
        let name = made.source.paths.first().cloned().unwrap_or_else(|| column.name.to_owned());
        let name = if let (true, Some(index)) = (is_plain, index) {
            schema.field(index).name().clone()
        } else {
            name
        };
        let made = (!is_plain).then(|| Box::new(made));
        Ok(Some(Self {
            index: index.unwrap_or_default(),
            name,
            table: table.name(),
            accepted,
            unit,
            zone,
            made,
        }))
    }

    /// Where the needed input `column` is in a table of `schema`, as `map` tells.
    pub(crate) fn needed(
        map: &ColumnMap,
        column: InputColumn,
        table: InputTable,
        schema: &Schema,
    ) -> Result<Self> {
        Self::optional(map, column, table, schema)?
            .ok_or_else(|| missing(table.name(), column.name, column.name, schema))
    }

    /// Where the column `name` is in one of our own tables, of `schema`; errors say that `accepted` types can be read.
    pub(crate) fn own(
        table: &'static str,
        name: &'static str,
        accepted: &'static str,
        schema: &Schema,
    ) -> Result<Self> {
        let found: Vec<_> =
            schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name).collect();
        match found[..] {
            [(index, _)] => {
                Ok(Self { index, name: name.to_owned(), table, accepted, unit: None, zone: None, made: None })
            }
            [] => Err(missing(table, name, name, schema)),
            _ => Err(Error::AmbiguousColumn { table, column: name.to_owned(), count: found.len() }),
        }
    }

    /// The type of the column in a table of `schema`.
    pub(crate) fn data_type(&self, schema: &Schema) -> Result<DataType> {
        Ok(self.array(&RecordBatch::new_empty(Arc::new(schema.clone())))?.data_type().clone())
    }

    /// The column in `batch`.
    pub(crate) fn array(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        if let Some(made) = &self.made {
            return made
                .values(batch)
                .unwrap_or_else(|| Err(self.corrupt("a nested value that points nowhere")));
        }
        batch.columns().get(self.index).cloned().ok_or_else(|| {
            Error::Source(format!("A batch has {} columns, fewer than the schema says.", batch.num_columns()))
        })
    }

    /// The error for a column whose arrays break the rules of Arrow, as `reason` says.
    pub(crate) fn corrupt(&self, reason: &'static str) -> Error {
        Error::Corrupt { table: self.table, column: self.name.clone(), reason }
    }

    /// The error for a column of the type `found`, which cannot be read.
    pub(crate) fn wrong_type(&self, found: &DataType) -> Error {
        Error::ColumnType {
            table: self.table,
            column: self.name.clone(),
            found: found.to_string(),
            accepted: self.accepted,
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;

    use super::*;

    fn table(names: &[&str]) -> Schema {
        Schema::new(names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect::<Vec<_>>())
    }

    fn mapped<const N: usize>(pairs: [(&str, &[&str]); N]) -> ColumnMap {
        let source = |paths: &[&str]| ColumnSource {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
            ..ColumnSource::default()
        };
        ColumnMap::new(pairs.map(|(name, paths)| (name.to_owned(), Some(source(paths))))).unwrap()
    }

    fn used(map: &ColumnMap, names: &[&str]) -> Result<Vec<String>> {
        let used = map.used(InputTable::Events, &table(names))?;
        Ok(used.into_iter().map(|used| used.path).collect())
    }

    const NAMES: [&str; 5] = ["timestamp", "userId", "videoId", "eventName", "currentTime"];

    #[test]
    fn an_exact_name_wins_and_one_that_is_spelled_otherwise_will_do() {
        let default = ColumnMap::default();
        assert_eq!(used(&default, &NAMES).unwrap(), NAMES);
        let otherwise = ["Timestamp", "user_id", "VIDEOID", "event_name", "CurrentTime"];
        assert_eq!(used(&default, &otherwise).unwrap(), otherwise);
        let both = ["timestamp", "user_id", "userId", "videoId", "eventName", "currentTime"];
        assert_eq!(used(&default, &both).unwrap(), NAMES);
        let doubtful = ["timestamp", "user_id", "USERID", "videoId", "eventName", "currentTime"];
        assert!(used(&default, &doubtful).unwrap_err().to_string().contains("no column \"userId\""));
        let dotted = mapped([("userId", &["user.id"])]);
        let names = ["timestamp", "user", "user.id", "videoId", "eventName", "currentTime"];
        assert_eq!(used(&dotted, &names).unwrap()[1], "user.id");
    }

    #[test]
    fn one_column_may_serve_several() {
        let map = mapped([("userId", &["who"]), ("sessionId", &["who"])]);
        let names = ["timestamp", "who", "videoId", "eventName", "currentTime"];
        assert_eq!(
            used(&map, &names).unwrap(),
            ["timestamp", "who", "videoId", "who", "eventName", "currentTime"]
        );
    }

    #[test]
    fn the_first_of_several_places_counts_and_all_are_read() {
        let map = mapped([("userId", &["none", "context.user_id", "uid"])]);
        let names = ["timestamp", "context", "uid", "videoId", "eventName", "currentTime"];
        let paths = ["timestamp", "context.user_id", "uid", "videoId", "eventName", "currentTime"];
        assert_eq!(used(&map, &names).unwrap(), paths);
        let lacking = mapped([("userId", &["none", "nothing"])]);
        assert!(
            used(&lacking, &NAMES)
                .unwrap_err()
                .to_string()
                .contains("no column \"none\" (mapped to \"userId\")")
        );
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        let new = |name: &str, source| ColumnMap::new([(name.to_owned(), source)]).unwrap_err().to_string();
        let unit = |unit| Some(ColumnSource { unit: Some(unit), ..ColumnSource::default() });
        assert!(new("user", None).contains("\"user\", which is not a column"));
        assert!(new("userId", None).contains("maps \"userId\" to None"));
        assert!(new("eventName", unit(Unit::Millis)).contains("\"eventName\" the unit \"ms\""));
        assert!(ColumnMap::new([("currentTime".to_owned(), unit(Unit::Ticks))]).is_ok());
        let error = used(&mapped([("userId", &["a["])]), &NAMES).unwrap_err();
        assert!(error.to_string().contains("\"a[\" is no path"), "{error}");
    }
}
