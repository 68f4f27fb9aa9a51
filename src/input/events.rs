//! The events table.

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::columns::{Bound, ColumnMap, InputColumn, InputTable};
use super::keys::{KeyColumn, KeyType, KeyTypes};
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
