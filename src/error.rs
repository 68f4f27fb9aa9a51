//! Everything that can go wrong, in one enum.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an [`Error`] is, and in which way: what a caller may want to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A needed column is not there.
    MissingColumn,
    /// A column has a type that cannot be read as what it stands for.
    ColumnType,
    /// An option has a value that is not accepted.
    Option,
    /// A vocabulary cannot be used as given.
    Vocabulary,
    /// Rows contradict each other or themselves.
    Data,
    /// The input could not be read.
    Source,
    /// The caller asked to stop.
    Interrupted,
    /// A fault of this crate.
    Internal,
}

/// What went wrong, with the values that did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A needed column is missing.
    #[error(
        "The {table} table has no column {column:?}{}; it has {found}. Rename a column, or map it with \
         columns={{{default:?}: \"<your column>\"}}.",
        if column == default { String::new() } else { format!(" (mapped to {default:?})") }
    )]
    MissingColumn {
        /// Which table.
        table: &'static str,
        /// The column's name in that table.
        column: String,
        /// The column's default name.
        default: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// Two columns of one name.
    #[error("The {table} table has {count} columns named {column:?}: rename all but one.")]
    AmbiguousColumn {
        /// Which table.
        table: &'static str,
        /// The name.
        column: String,
        /// How many there are.
        count: usize,
    },
    /// A mapping for a column that does not exist.
    #[error("columns maps {column:?}, which is not a column that can be mapped; these are: {known}.")]
    UnknownMapping {
        /// The unknown name.
        column: String,
        /// Every name that can be mapped.
        known: String,
    },
    /// A unit for a column that has none.
    #[error(
        "columns gives {column:?} the unit {unit:?}, but only instants and positions are counted in units."
    )]
    WrongUnit {
        /// The column.
        column: String,
        /// The unit.
        unit: &'static str,
    },
    /// A time zone for a column that has none.
    #[error("columns gives {column:?} the time zone {zone:?}, but only timestamps are made by clocks.")]
    WrongZone {
        /// The column.
        column: String,
        /// The zone.
        zone: &'static str,
    },
    /// A description of a source that is none.
    #[error("The preset {name:?} cannot be read: {reason}.")]
    Preset {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Text that is no path.
    #[error(
        "{path:?} is no path: write event.currentTime, context[\"user_id\"], ids[0] or params[key=\"name\"].value."
    )]
    NoPath {
        /// The text.
        path: String,
    },
    /// A needed column was mapped to nothing.
    #[error("columns maps {column:?} to None, but only optional columns and \"sessionId\" can be left out.")]
    NeededColumn {
        /// The column.
        column: String,
    },
    /// A column's type cannot be read.
    #[error("Column {column:?} of the {table} table has the type {found}; needed is {accepted}.")]
    ColumnType {
        /// Which table.
        table: &'static str,
        /// The column's name in that table.
        column: String,
        /// Its type.
        found: String,
        /// What would do.
        accepted: &'static str,
    },
    /// Timestamps that are bare numbers.
    #[error(
        "Column {column:?} holds numbers ({found}), and a number does not say its unit. Say it, for milliseconds with \
         columns={{\"timestamp\": Column({column:?}, unit=\"ms\")}}, or cast the column to a timestamp."
    )]
    NumberTimestamp {
        /// The column's name.
        column: String,
        /// Its type.
        found: String,
    },
    /// An unsigned key that no signed integer holds.
    #[error(
        "Column {column:?} holds the key {value}, which is larger than a signed 64-bit integer can hold: cast the \
         column to text."
    )]
    KeyTooLarge {
        /// The column's name.
        column: String,
        /// The value.
        value: String,
    },
    /// Keys that are floats.
    #[error(
        "Column {column:?} holds keys as floats ({found}), as pandas makes of integers with gaps, and keys must be \
         exact. Cast it: in pandas with .astype(\"Int64\"), in polars with .cast(pl.Int64), in SQL with \
         CAST({column} AS BIGINT)."
    )]
    FloatKey {
        /// The column's name.
        column: String,
        /// Its type.
        found: String,
    },
    /// Keys that are far too long.
    #[error(
        "The keys of {rows} neighbouring rows (userId, videoId and sessionId) take more than 4 GiB together: shorten \
         them, or put a hash in their place."
    )]
    LongKeys {
        /// How many rows.
        rows: usize,
    },
    /// Batches of one input disagree about a column's type.
    #[error("Column {column:?} is of type {first} in one batch and {later} in another: cast it to one type.")]
    ChangedType {
        /// The column's name.
        column: String,
        /// Its type in the first batch.
        first: String,
        /// Its type in a later batch.
        later: String,
    },
    /// The keys of two tables cannot be compared.
    #[error(
        "Column \"videoId\" is {videos} in the videos table but {events} in the other one: cast one of them, or no \
         video would be found."
    )]
    KeyMismatch {
        /// The type in the videos table.
        videos: &'static str,
        /// The type in the events or rows.
        events: &'static str,
    },
    /// An option's value is not accepted.
    #[error("{option} is {value}, but {accepted} is needed.")]
    Option {
        /// The option's name.
        option: String,
        /// The value given.
        value: String,
        /// What is accepted.
        accepted: String,
    },
    /// A preset that does not exist.
    #[error(
        "There is no vocabulary preset {name:?}; there are: {known}. A mapping of event name to kind works too."
    )]
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// A meaning that does not exist.
    #[error(
        "The vocabulary maps the event {event:?} to {meaning:?}, which is not a kind of event; these are: heartbeat, \
         seek_start, pause, close, end, seek, rate_change, play, resume, and ignore."
    )]
    UnknownMeaning {
        /// The event's name.
        event: String,
        /// The unknown meaning.
        meaning: String,
    },
    /// A vocabulary without names.
    #[error(
        "The vocabulary is empty, so every event would be unknown: map at least one event name to a kind."
    )]
    EmptyVocabulary,
    /// Two different rows for one video.
    #[error(
        "The videos table has two different rows for videoId {video}: {first} and {second}. Keep one of them."
    )]
    ConflictingVideo {
        /// The video.
        video: String,
        /// One row.
        first: String,
        /// The other.
        second: String,
    },
    /// Two session rows with one key.
    #[error(
        "The sessions table has two rows for user {user}, video {video}, session {session}: a session counts once. \
         Compute sessions over all events at once, or drop the repeated row."
    )]
    RepeatedSession {
        /// The user.
        user: String,
        /// The video.
        video: String,
        /// The session.
        session: String,
    },
    /// A value in a table of rows that no row of ours would hold.
    #[error("Column {column:?} of the {table} table holds {value} in row {row}; needed is {accepted}.")]
    Row {
        /// Which table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's number, from 0.
        row: usize,
        /// What stands there.
        value: String,
        /// What would do.
        accepted: &'static str,
    },
    /// Two columns that are halves of one list, but differ.
    #[error(
        "Columns {first:?} and {second:?} are the two halves of one list, but in row {row} they differ in length or one \
         is null: keep both as they were written."
    )]
    UnevenHalves {
        /// One column.
        first: String,
        /// The other.
        second: String,
        /// The row's number in its batch, from 0.
        row: usize,
    },
    /// A key that is no text although its column says so.
    #[error("Column {column:?} holds text that is not UTF-8: encode it anew.")]
    InvalidText {
        /// The column's default name.
        column: &'static str,
    },
    /// An array that breaks the rules of its format.
    #[error(
        "Column {column:?} of the {table} table holds data that is not valid Arrow: {reason}. Mend its producer."
    )]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// The column's name in that table.
        column: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Arrow data that contradicts itself.
    #[error(
        "The input holds Arrow data that cannot be read: {0}. Mend its producer, or write the data anew."
    )]
    Unreadable(String),
    /// The producer of the batches failed.
    #[error("The input could not be read: {0}")]
    Source(String),
    /// Temporary files cannot be written or read.
    #[error(
        "The events need more than memory_limit allows, and temporary files in {folder} cannot take them: {reason}. They \
         need about half as much room as the events as a table: free some, set TMPDIR to another folder, or raise \
         memory_limit."
    )]
    Spill {
        /// The folder of temporary files.
        folder: String,
        /// What the system says.
        reason: String,
    },
    /// Temporary files cannot be opened, because too many files are.
    #[error(
        "The events need more than memory_limit allows, and the system lets this process open no file for them ({reason}): \
         raise its limit, as with ulimit -n 256, or raise memory_limit."
    )]
    OpenFiles {
        /// What the system says.
        reason: String,
    },
    /// The system gives no threads.
    #[error("The system gives no more threads ({reason}): raise its limit, or ask for fewer with threads=1.")]
    Threads {
        /// What the system says.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("Stopped before the end, as asked.")]
    Interrupted,
    /// A fault of this crate.
    #[error("A fault in watchspan itself: {0}. Please report it with the call that led here.")]
    Internal(String),
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingColumn { .. } => ErrorKind::MissingColumn,
            Self::ColumnType { .. }
            | Self::NumberTimestamp { .. }
            | Self::AmbiguousColumn { .. }
            | Self::ChangedType { .. }
            | Self::KeyMismatch { .. }
            | Self::FloatKey { .. }
            | Self::KeyTooLarge { .. } => ErrorKind::ColumnType,
            Self::Option { .. }
            | Self::UnknownMapping { .. }
            | Self::NeededColumn { .. }
            | Self::WrongUnit { .. }
            | Self::WrongZone { .. }
            | Self::NoPath { .. }
            | Self::Threads { .. } => ErrorKind::Option,
            Self::UnknownPreset { .. }
            | Self::UnknownMeaning { .. }
            | Self::Preset { .. }
            | Self::EmptyVocabulary => ErrorKind::Vocabulary,
            Self::ConflictingVideo { .. }
            | Self::RepeatedSession { .. }
            | Self::Row { .. }
            | Self::UnevenHalves { .. }
            | Self::InvalidText { .. }
            | Self::LongKeys { .. }
            | Self::Corrupt { .. } => ErrorKind::Data,
            Self::Source(_) | Self::Unreadable(_) | Self::Spill { .. } | Self::OpenFiles { .. } => {
                ErrorKind::Source
            }
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }
}

impl From<arrow_schema::ArrowError> for Error {
    /// Arrow's own operations are only called with what was checked before, so a refusal is our fault.
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Internal(error.to_string())
    }
}
