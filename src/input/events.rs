//! The events table.

use std::hash::BuildHasher;

use arrow_array::{LargeStringArray, RecordBatch, StringArray, StringViewArray};
use arrow_schema::Schema;

use super::columns::{Bound, ColumnMap, InputColumn, InputTable};
use super::keys::{KeyColumn, KeyRows, KeyType, KeyTypes};
use super::values::{NumberColumn, OrderColumn, TextColumn, TimeColumn};
use crate::error::Result;

/// Where the columns of the events table are.
#[derive(Debug, Clone)]
pub struct EventSchema {
    time: Bound,
    user: Bound,
    video: Bound,
    session: Option<Bound>,
    name: Bound,
    position: Bound,
    rate: Option<Bound>,
    seek_from: Option<Bound>,
    sequence: Option<Bound>,
    keys: KeyTypes,
}

impl EventSchema {
    /// Finds the columns and checks their types.
    ///
    /// # Errors
    /// If a needed or mapped column is missing, a name is not unique, or a type cannot be read.
    pub fn bind(schema: &Schema, map: &ColumnMap) -> Result<Self> {
        let needed = |column| Bound::needed(map, column, InputTable::Events, schema);
        let optional = |column| Bound::optional(map, column, InputTable::Events, schema);
        let (user, video, session) =
            (needed(InputColumn::USER)?, needed(InputColumn::VIDEO)?, optional(InputColumn::SESSION)?);
        let keys = KeyTypes {
            user: key_type(&user, schema)?,
            video: key_type(&video, schema)?,
            session: session.as_ref().map_or(Ok(KeyType::Text), |session| key_type(session, schema))?,
        };
        let bound = Self {
            time: needed(InputColumn::TIMESTAMP)?,
            user,
            video,
            session,
            name: needed(InputColumn::EVENT)?,
            position: needed(InputColumn::POSITION)?,
            rate: optional(InputColumn::RATE)?,
            seek_from: optional(InputColumn::SEEK_FROM)?,
            sequence: optional(InputColumn::SEQUENCE)?,
            keys,
        };
        // An empty batch shows every column's type before the first row is read.
        EventBatch::bind(&bound, &RecordBatch::new_empty(schema.clone().into()))?;
        Ok(bound)
    }

    /// The logical types of the keys.
    #[must_use]
    pub const fn keys(&self) -> KeyTypes {
        self.keys
    }

    /// Whether there is a session column.
    #[must_use]
    pub const fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether events carry only time, kind and position.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.rate.is_none() && self.seek_from.is_none() && self.sequence.is_none()
    }
}

pub(crate) fn key_type(column: &Bound, schema: &Schema) -> Result<KeyType> {
    let data_type = schema.field(column.index).data_type();
    KeyType::of(data_type).ok_or_else(|| column.wrong_type(data_type))
}

/// The columns of one batch of events, bound once.
#[derive(Debug)]
pub struct EventBatch {
    pub(crate) time: TimeColumn,
    pub(crate) user: KeyColumn,
    pub(crate) video: KeyColumn,
    pub(crate) session: Option<KeyColumn>,
    pub(crate) name: TextColumn,
    pub(crate) position: NumberColumn,
    pub(crate) rate: Option<NumberColumn>,
    pub(crate) seek_from: Option<NumberColumn>,
    pub(crate) sequence: Option<OrderColumn>,
}

impl EventBatch {
    /// Binds the columns of a batch.
    ///
    /// # Errors
    /// If a type cannot be read.
    pub fn bind(schema: &EventSchema, batch: &RecordBatch) -> Result<Self> {
        let key = |column: &Bound| KeyColumn::bind(column, column.array(batch)?);
        let number = |column: &Bound| NumberColumn::bind(column, column.array(batch)?);
        let order = |column: &Bound| OrderColumn::bind(column, column.array(batch)?);
        Ok(Self {
            time: TimeColumn::bind(&schema.time, schema.time.array(batch)?)?,
            user: key(&schema.user)?,
            video: key(&schema.video)?,
            session: schema.session.as_ref().map(key).transpose()?,
            name: TextColumn::bind(&schema.name, schema.name.array(batch)?)?,
            position: number(&schema.position)?,
            rate: schema.rate.as_ref().map(number).transpose()?,
            seek_from: schema.seek_from.as_ref().map(number).transpose()?,
            sequence: schema.sequence.as_ref().map(order).transpose()?,
        })
    }
}

/// A row's keys: user, video and session (empty without a session column).
pub(crate) type Keys<'a> = [&'a [u8]; 3];

/// The key columns of a batch of events, in one layout.
#[derive(Debug)]
pub(crate) struct EventKeys<'a, C> {
    user: &'a C,
    video: &'a C,
    session: Option<&'a C>,
}

/// The key columns of a batch of events, in the layout that they have.
pub(crate) enum AnyEventKeys<'a> {
    /// All text with 32-bit offsets.
    Utf8(EventKeys<'a, StringArray>),
    /// All text with 64-bit offsets.
    LargeUtf8(EventKeys<'a, LargeStringArray>),
    /// All text views.
    Utf8View(EventKeys<'a, StringViewArray>),
    /// Any other.
    Mixed(EventKeys<'a, KeyColumn>),
}

impl EventBatch {
    /// The key columns.
    pub(crate) fn keys(&self) -> AnyEventKeys<'_> {
        use KeyColumn::{LargeUtf8, Utf8, Utf8View};
        let (user, video) = (&self.user, &self.video);
        match (user, video, &self.session) {
            (Utf8(user), Utf8(video), None) => AnyEventKeys::Utf8(EventKeys { user, video, session: None }),
            (Utf8(user), Utf8(video), Some(Utf8(session))) => {
                AnyEventKeys::Utf8(EventKeys { user, video, session: Some(session) })
            }
            (LargeUtf8(user), LargeUtf8(video), Some(LargeUtf8(session))) => {
                AnyEventKeys::LargeUtf8(EventKeys { user, video, session: Some(session) })
            }
            (Utf8View(user), Utf8View(video), Some(Utf8View(session))) => {
                AnyEventKeys::Utf8View(EventKeys { user, video, session: Some(session) })
            }
            (_, _, session) => AnyEventKeys::Mixed(EventKeys { user, video, session: session.as_ref() }),
        }
    }
}

impl<'a, C: KeyRows> EventKeys<'a, C> {
    /// Whether the row has all keys.
    pub(crate) fn are_there(&self, row: usize) -> bool {
        let is_there = |column: &C| !column.key(row).is_empty();
        is_there(self.user) && is_there(self.video) && self.session.is_none_or(is_there)
    }

    /// The row's keys, empty where there is none.
    pub(crate) fn get(&self, row: usize) -> Keys<'a> {
        let session = self.session.map_or(&[][..], |session| session.key(row));
        [self.user.key(row), self.video.key(row), session]
    }

    /// Whether two rows that have all keys surely have the same ones.
    pub(crate) fn same(&self, a: usize, b: usize) -> bool {
        self.session.is_none_or(|session| session.same(a, b)) && self.user.same(a, b) && self.video.same(a, b)
    }

    /// A hash of the row's keys: equal wherever [`Self::same`] is true.
    pub(crate) fn hash(&self, row: usize, hash: &impl BuildHasher) -> u64 {
        let session = self.session.map_or(0, |session| session.hash(row, hash));
        self.user.hash(row, hash) ^ self.video.hash(row, hash).rotate_left(21) ^ session.rotate_left(42)
    }
}
