//! Of which types columns are.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

use crate::input::{KeyType, KeyTypes};

/// The zone of every timestamp that comes out.
pub(super) const UTC: &str = "UTC";

/// Which key a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The user.
    User,
    /// The video.
    Video,
    /// The session.
    Session,
}

impl Key {
    /// The name of its column.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::User => "userId",
            Self::Video => "videoId",
            Self::Session => "sessionId",
        }
    }
}

impl KeyTypes {
    pub(super) fn of(self, key: Key) -> KeyType {
        match key {
            Key::User => self.user,
            Key::Video => self.video,
            Key::Session => self.session,
        }
    }
}

/// Of what type a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    Key(Key),
    Int,
    Float,
    Bool,
    Time,
    Text,
    Floats,
    Texts,
    /// Pairs of numbers: `start`, and one of that name.
    Pairs(&'static str),
}

impl Data {
    pub(super) fn data_type(self, keys: KeyTypes) -> DataType {
        match self {
            Self::Key(key) => keys.of(key).data_type(),
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Text => DataType::Utf8,
            Self::Floats => DataType::List(item(DataType::Float64)),
            Self::Texts => DataType::List(item(DataType::Utf8)),
            Self::Pairs(second) => DataType::List(item(DataType::Struct(pair_fields(second)))),
        }
    }

    /// Its name in documentation.
    pub(super) fn name(self) -> String {
        match self {
            Self::Key(_) => "string or integer, as in the input".to_owned(),
            Self::Int => "int64".to_owned(),
            Self::Float => "double".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Time => "timestamp[us, tz=UTC]".to_owned(),
            Self::Text => "string".to_owned(),
            Self::Floats => "list<double>".to_owned(),
            Self::Texts => "list<string>".to_owned(),
            Self::Pairs(second) => format!("list<struct<start: double, {second}: double>>"),
        }
    }
}

/// The field of the items of a list.
pub(super) fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, true))
}

/// The fields of a pair of numbers.
pub(super) fn pair_fields(second: &str) -> Fields {
    ["start", second].map(|name| Field::new(name, DataType::Float64, true)).into_iter().collect()
}
