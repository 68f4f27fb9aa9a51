//! Which columns the input tables have, under which names.

use std::collections::HashMap;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;

use crate::error::{Error, Result};

/// Which table a column belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputTable {
    /// Player events.
    Events,
    /// Video metadata.
    Videos,
}

impl InputTable {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Videos => "videos",
        }
    }
}

/// One column of an input table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputColumn {
    /// Its default name, by which mappings refer to it.
    pub name: &'static str,
    /// Its table.
    pub table: InputTable,
    /// Whether the table must have it.
    pub required: bool,
    /// Which types are read.
    pub accepted: &'static str,
    /// What it means.
    pub doc: &'static str,
}

macro_rules! input_columns {
    ($($constant:ident: $table:ident $name:literal, required: $required:literal, $accepted:expr, $doc:literal;)+) => {
        impl InputColumn {
            $(#[doc = $doc] pub const $constant: Self = Self {
                name: $name, table: InputTable::$table, required: $required, accepted: $accepted, doc: $doc,
            };)+

            /// Every input column.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)+];
        }
    };
}

pub(crate) const KEY: &str = "text (utf8, large, view or dictionary) or an integer";
pub(crate) const NUMBER: &str = "a number (integer, float or decimal)";
pub(crate) const TEXT: &str = "text (utf8, large, view or dictionary)";

input_columns! {
    TIMESTAMP: Events "timestamp", required: true, "a timestamp of any unit and zone, or RFC 3339 text",
        "When it happened. Without a zone it is UTC; what is finer than microseconds is cut off.";
    USER: Events "userId", required: true, KEY, "Who watched.";
    VIDEO: Events "videoId", required: true, KEY, "What was watched; in the videos table, which video the row is about.";
    SESSION: Events "sessionId", required: false, KEY,
        "The viewing session. Without this column sessions are cut by inactivity.";
    EVENT: Events "eventName", required: true, TEXT, "What happened, as a name of the vocabulary.";
    POSITION: Events "currentTime", required: true, NUMBER,
        "Position in the video when the event fired, in seconds; for a seek the destination.";
    RATE: Events "playbackRate", required: false, NUMBER,
        "Playback speed in force from this event on; null leaves it unchanged.";
    SEEK_FROM: Events "seekFrom", required: false, NUMBER, "For a seek: the position before it, in seconds.";
    SEQUENCE: Events "sequence", required: false, "an integer",
        "The player's own order of events, which breaks ties between timestamps.";
    DURATION: Videos "duration", required: true, NUMBER,
        "The length in seconds; null, NaN, infinite, 0 or less counts as unknown.";
    DURATION_SOURCE: Videos "durationSource", required: false, TEXT,
        "Where the duration comes from: `estimated` makes it count as one; anything else, or null, as metadata.";
    TITLE: Videos "title", required: false, TEXT, "The title, shown in results.";
}

/// The names that input columns have in the user's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    mapped: HashMap<&'static str, Option<String>>,
}

impl ColumnMap {
    /// A map of `pairs`: the default name of a column, and its name in the table; no name means that the column is not
    /// to be used.
    ///
    /// # Errors
    /// If a default name does not exist, or a column that is needed is not to be used.
    pub fn new(pairs: impl IntoIterator<Item = (String, Option<String>)>) -> Result<Self> {
        let mut mapped = HashMap::new();
        for (name, actual) in pairs {
            let Some(column) = InputColumn::ALL.iter().find(|column| column.name == name) else {
                let known = InputColumn::ALL.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
                return Err(Error::UnknownMapping { column: name, known });
            };
            if actual.is_none() && column.required {
                return Err(Error::NeededColumn { column: name });
            }
            mapped.insert(column.name, actual);
        }
        Ok(Self { mapped })
    }

    /// Where `column` stands in a table of `schema`; `None` for an optional one that is not there or not wanted.
    /// `table` says whether these are events or videos, which share `videoId`.
    ///
    /// # Errors
    /// If a needed or mapped column is missing, or its name is not unique.
    pub(crate) fn find(
        &self,
        column: InputColumn,
        table: InputTable,
        schema: &Schema,
    ) -> Result<Option<usize>> {
        let name = match self.mapped.get(column.name) {
            Some(None) => return Ok(None),
            Some(Some(actual)) if table == column.table || has(schema, actual) => actual,
            _ => column.name,
        };
        let found: Vec<_> = positions(schema, name).collect();
        match found[..] {
            [index] => Ok(Some(index)),
            [] if !column.required && name == column.name => Ok(None),
            [] => Err(missing(table.name(), name, column.name, schema)),
            _ => Err(Error::AmbiguousColumn {
                table: table.name(),
                column: name.to_owned(),
                count: found.len(),
            }),
        }
    }
}

fn positions<'a>(schema: &'a Schema, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    schema.fields().iter().enumerate().filter(move |(_, field)| field.name() == name).map(|(index, _)| index)
}

fn has(schema: &Schema, name: &str) -> bool {
    positions(schema, name).next().is_some()
}

fn missing(table: &'static str, name: &str, default: &'static str, schema: &Schema) -> Error {
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let found = if names.is_empty() { "no columns".to_owned() } else { names.join(", ") };
    Error::MissingColumn { table, column: name.to_owned(), default, found }
}

/// A column found in a table: where, and how to speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) table: &'static str,
    pub(crate) accepted: &'static str,
}

impl Bound {
    /// Where the optional input `column` is in a table of `schema`, whose names `map` tells; `None` if it is not there
    /// or not wanted.
    pub(crate) fn optional(
        map: &ColumnMap,
        column: InputColumn,
        table: InputTable,
        schema: &Schema,
    ) -> Result<Option<Self>> {
        let index = map.find(column, table, schema)?;
        Ok(index.map(|index| Self::at(index, table.name(), column.accepted, schema)))
    }

    /// Where the needed input `column` is in a table of `schema`, whose names `map` tells.
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
        let found: Vec<_> = positions(schema, name).collect();
        match found[..] {
            [index] => Ok(Self::at(index, table, accepted, schema)),
            [] => Err(missing(table, name, name, schema)),
            _ => Err(Error::AmbiguousColumn { table, column: name.to_owned(), count: found.len() }),
        }
    }

    fn at(index: usize, table: &'static str, accepted: &'static str, schema: &Schema) -> Self {
        Self { index, name: schema.field(index).name().clone(), table, accepted }
    }

    /// The column in `batch`.
    pub(crate) fn array<'a>(&self, batch: &'a RecordBatch) -> Result<&'a ArrayRef> {
        batch.columns().get(self.index).ok_or_else(|| {
            Error::Source(format!("A batch has {} columns, fewer than the schema says.", batch.num_columns()))
        })
    }

    /// The error for a column whose arrays break the rules of Arrow, as `reason` says.
    pub(crate) fn corrupt(&self, reason: &'static str) -> Error {
        Error::Corrupt { table: self.table, column: self.name.clone(), reason }
    }

    /// The error for a column of the type `found`, which cannot be read.
    pub(crate) fn wrong_type(&self, found: &arrow_schema::DataType) -> Error {
        Error::ColumnType {
            table: self.table,
            column: self.name.clone(),
            found: found.to_string(),
            accepted: self.accepted,
        }
    }
}
