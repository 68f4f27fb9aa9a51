//! Which of our tables it is, and where its columns are.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::Schema;

use super::super::columns::TypeFamily;
use super::super::keys::{KeyColumn, KeyType, KeyTypes};
use super::super::mapping::Bound;
use super::super::values::NumberColumn;
use crate::error::{Error, Result};

/// Which of our tables it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnTable {
    /// One row per user, video and session.
    Sessions,
    /// One row per user and video.
    Engagement,
}

impl OwnTable {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Engagement => "engagement",
        }
    }
}

/// Where the keys of such a table are.
#[derive(Debug, Clone)]
pub struct OwnSchema {
    /// Which table it is.
    pub table: OwnTable,
    user: Bound,
    video: Bound,
    session: Option<Bound>,
    pub(super) schema: Schema,
    keys: KeyTypes,
}

impl OwnSchema {
    /// Where the keys are in a sessions table of `schema`.
    ///
    /// # Errors
    /// If a key column is missing or of a type that cannot be read.
    pub fn sessions(schema: &Schema) -> Result<Self> {
        Self::bind(schema, OwnTable::Sessions)
    }

    /// Where the keys are in a table of `schema`: a sessions table if it has a session column, else an engagement
    /// table.
    ///
    /// # Errors
    /// If a key column is missing or of a type that cannot be read.
    pub fn either(schema: &Schema) -> Result<Self> {
        let has_session = schema.fields().iter().any(|field| field.name() == "sessionId");
        Self::bind(schema, if has_session { OwnTable::Sessions } else { OwnTable::Engagement })
    }

    fn bind(schema: &Schema, table: OwnTable) -> Result<Self> {
        let key = |name| Bound::own(table.name(), name, TypeFamily::Key.accepted(), schema);
        let (user, video) = (key("userId")?, key("videoId")?);
        let session = if table == OwnTable::Sessions { Some(key("sessionId")?) } else { None };
        let keys = KeyTypes {
            user: KeyType::of_column(&user, schema)?,
            video: KeyType::of_column(&video, schema)?,
            session: session.as_ref().map(|s| KeyType::of_column(s, schema)).transpose()?.unwrap_or_default(),
        };
        Ok(Self { table, user, video, session, schema: schema.clone(), keys })
    }

    /// The logical types of the keys.
    #[must_use]
    pub const fn keys(&self) -> KeyTypes {
        self.keys
    }

    /// Where the column `name` is, and its array in `batch`; errors say that `accepted` types can be read.
    pub(super) fn column(
        &self,
        batch: &RecordBatch,
        name: &'static str,
        accepted: &'static str,
    ) -> Result<(Bound, ArrayRef)> {
        let bound = Bound::own(self.table.name(), name, accepted, &self.schema)?;
        let array = bound.array(batch)?;
        Ok((bound, array))
    }

    /// The column `name` of numbers in `batch`.
    pub(super) fn number(&self, batch: &RecordBatch, name: &'static str) -> Result<NumberColumn> {
        let (bound, array) = self.column(batch, name, TypeFamily::Number.accepted())?;
        NumberColumn::bind(&bound, &array)
    }

    /// The error for a `value` in `row` of `column` that is not of what is `accepted` there.
    pub(super) fn bad(
        &self,
        column: &'static str,
        row: usize,
        value: impl std::fmt::Display,
        accepted: &'static str,
    ) -> Error {
        Error::Row { table: self.table.name(), column, row, value: value.to_string(), accepted }
    }

    /// The `key` that `row` has in `column`, if it is one.
    ///
    /// # Errors
    /// If it is null or empty, which no row of ours has.
    pub(crate) fn key<'k>(
        &self,
        column: &'static str,
        row: usize,
        key: Option<&'k [u8]>,
    ) -> Result<&'k [u8]> {
        key.ok_or_else(|| self.bad(column, row, "null or \"\"", "a key"))
    }

    /// The columns of users, videos and sessions in `batch`.
    pub(super) fn keys_of(&self, batch: &RecordBatch) -> Result<(KeyColumn, KeyColumn, KeyColumn)> {
        let bind = |column: &Bound| KeyColumn::bind(column, &column.array(batch)?);
        let session = self.session.as_ref().map(bind).transpose()?.unwrap_or(KeyColumn::Null);
        Ok((bind(&self.user)?, bind(&self.video)?, session))
    }
}
