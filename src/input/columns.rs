//! Which columns the input tables have.

use arrow_schema::{DataType, Field, TimeUnit};

use super::unit::Unit;

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

    /// The table of that name; events under any other.
    #[must_use]
    pub fn named(name: &str) -> Self {
        if name == Self::Videos.name() { Self::Videos } else { Self::Events }
    }
}

/// What a column's values are, which decides the types that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeFamily {
    /// Moments: timestamps, or text that names one.
    Instant,
    /// What tells users, videos or sessions apart.
    Key,
    /// Positions in a video, and lengths of one, in seconds.
    Seconds,
    /// Other numbers.
    Number,
    /// Whole numbers.
    Integer,
    /// Names and titles.
    Text,
}

impl TypeFamily {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Key => "key",
            Self::Seconds => "seconds",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Text => "text",
        }
    }

    /// Whether its values are numbers.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Seconds | Self::Number | Self::Integer)
    }

    /// In which units its numbers may be: none says that they have none.
    #[must_use]
    pub const fn units(self) -> &'static [Unit] {
        match self {
            Self::Instant | Self::Seconds => &Unit::ALL,
            _ => &[],
        }
    }

    /// Which types are read, as the end of a sentence.
    #[must_use]
    pub const fn accepted(self) -> &'static str {
        match self {
            Self::Instant => {
                "a timestamp of any unit and zone, text such as 2026-01-15T10:00:00Z, or a number with a unit"
            }
            Self::Key => {
                "text (utf8, large, view or dictionary), an integer, a decimal without a fraction or a UUID"
            }
            Self::Seconds | Self::Number => "a number (integer, float or decimal), or text that is one",
            Self::Integer => "an integer, or text that is one",
            Self::Text => "text (utf8, large, view or dictionary)",
        }
    }

    /// The one of these types that whoever makes such a column had best choose.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Key | Self::Text => DataType::Utf8,
            Self::Seconds | Self::Number => DataType::Float64,
            Self::Integer => DataType::Int64,
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
    /// What its values are.
    pub family: TypeFamily,
    /// What it means.
    pub doc: &'static str,
}

macro_rules! input_columns {
    ($($constant:ident: $table:ident $name:literal, required: $required:literal, $family:ident, $doc:literal;)+) => {
        impl InputColumn {
            $(#[doc = $doc] pub const $constant: Self = Self {
                name: $name, table: InputTable::$table, required: $required, family: TypeFamily::$family, doc: $doc,
            };)+

            /// Every input column.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)+];
        }
    };
}

impl InputColumn {
    /// Whether it is one of `table`: the key of videos is one of both.
    #[must_use]
    pub fn is_in(&self, table: InputTable) -> bool {
        self.table == table || *self == Self::VIDEO
    }

    /// A field of its name, and of the type that its family names.
    #[must_use]
    pub fn field(&self) -> Field {
        Field::new(self.name, self.family.data_type(), !self.required)
    }
}

input_columns! {
    TIMESTAMP: Events "timestamp", required: true, Instant,
        "When it happened. Without a zone it is UTC; what is finer than microseconds is cut off.";
    USER: Events "userId", required: true, Key, "Who watched.";
    VIDEO: Events "videoId", required: true, Key, "What was watched; in the videos table, which video the row is about.";
    SESSION: Events "sessionId", required: false, Key,
        "The viewing session. Without this column sessions are cut by inactivity.";
    EVENT: Events "eventName", required: true, Text, "What happened, as a name of the vocabulary.";
    POSITION: Events "currentTime", required: true, Seconds,
        "Position in the video when the event fired, in seconds; for a seek the destination. It may be unknown for a \
         pause, close, end or rate change.";
    RATE: Events "playbackRate", required: false, Number,
        "Playback speed in force from this event on; null leaves it unchanged. Until a session's first value it is \
         unstated: at most `max_unstated_speed`.";
    SEEK_FROM: Events "seekFrom", required: false, Seconds, "For a seek: the position before it, in seconds.";
    SEQUENCE: Events "sequence", required: false, Integer,
        "The player's own order of events, which breaks ties between timestamps.";
    REPORTED_DURATION: Events "videoDuration", required: false, Seconds,
        "The video's length as the player says it, in seconds: what most viewers' players say is the duration of a \
         video that the videos table does not know.";
    DURATION: Videos "duration", required: true, Seconds,
        "The length in seconds; null, NaN, infinite, 0 or less counts as unknown.";
    DURATION_SOURCE: Videos "durationSource", required: false, Text,
        "Where the duration comes from: `estimated` or `reported` make it count as one; anything else, or null, as \
         metadata.";
    TITLE: Videos "title", required: false, Text, "The title, shown in results.";
}

#[cfg(test)]
mod tests {
    use arrow_schema::Schema;

    use super::*;
    use crate::input::{ColumnMap, EventSchema, VideoReader};

    #[test]
    fn every_column_is_read_as_the_type_that_its_family_names() {
        assert!(EventSchema::of_nothing().is_ok());
        let of_videos =
            |column: &&InputColumn| column.table == InputTable::Videos || column.name == "videoId";
        let fields: Vec<_> = InputColumn::ALL.iter().filter(of_videos).map(InputColumn::field).collect();
        assert_eq!(fields.len(), 4);
        assert!(VideoReader::of_videos(&Schema::new(fields), &ColumnMap::default()).is_ok());
    }

    #[test]
    fn what_the_families_say_is_what_is_read() {
        use DataType::{Binary, Boolean, Int16, LargeUtf8, UInt64};
        let decimal = DataType::Decimal128(9, 2);
        let seconds = DataType::Timestamp(TimeUnit::Second, None);
        let is_read = |column: &InputColumn, data_type: &DataType| {
            let other = |other: &InputColumn| {
                if other == column { data_type.clone() } else { other.family.data_type() }
            };
            let fields = InputColumn::ALL.iter().map(|column| Field::new(column.name, other(column), true));
            let schema = Schema::new(fields.collect::<Vec<_>>());
            let map = ColumnMap::default();
            EventSchema::bind(&schema, &map).and_then(|_| VideoReader::of_videos(&schema, &map)).is_ok()
        };
        for column in InputColumn::ALL {
            let read = [LargeUtf8, Int16, UInt64, decimal.clone(), seconds.clone(), Boolean, Binary]
                .map(|data_type| is_read(column, &data_type));
            let expected = match column.family {
                TypeFamily::Instant => [true, false, false, false, true, false, false],
                TypeFamily::Key | TypeFamily::Integer => [true, true, true, false, false, false, false],
                TypeFamily::Seconds | TypeFamily::Number => [true, true, true, true, false, false, false],
                TypeFamily::Text => [true, false, false, false, false, false, false],
            };
            assert_eq!(read, expected, "{}", column.name);
        }
    }
}
