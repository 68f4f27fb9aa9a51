//! The events table.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow_array::{BooleanArray, LargeStringArray, RecordBatch, StringArray, StringViewArray, cast::AsArray};
use arrow_schema::Schema;

use super::columns::{InputColumn, InputTable};
use super::keys::{CodedKeys, KeyArena, KeyColumn, KeyRows, KeyType, KeyTypes, Keys, SeenKeys, Values};
use super::lines::UNREADABLE;
use super::mapping::{Bound, ColumnMap};
use super::values::{NumberColumn, SequenceColumn, TextColumn, TimeColumn};
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
    duration: Option<Bound>,
    unreadable: Option<usize>,
    keys: KeyTypes,
}

impl EventSchema {
    /// Where the columns are in a table of `schema`, whose names `map` tells; their types are checked.
    ///
    /// # Errors
    /// If a needed or mapped column is missing, a name is not unique, or a type cannot be read.
    pub fn bind(schema: &Schema, map: &ColumnMap) -> Result<Self> {
        let needed = |column| Bound::needed(map, column, InputTable::Events, schema);
        let optional = |column| Bound::optional(map, column, InputTable::Events, schema);
        let (user, video, session) =
            (needed(InputColumn::USER)?, needed(InputColumn::VIDEO)?, optional(InputColumn::SESSION)?);
        let keys = KeyTypes {
            user: KeyType::of_column(&user, schema)?,
            video: KeyType::of_column(&video, schema)?,
            session: session
                .as_ref()
                .map_or(Ok(KeyType::Text), |session| KeyType::of_column(session, schema))?,
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
            duration: optional(InputColumn::REPORTED_DURATION)?,
            unreadable: schema.fields().iter().position(|field| field.name() == UNREADABLE),
            keys,
        };
        // An empty batch shows every column's type before the first row is read.
        EventBatch::bind(&bound, &RecordBatch::new_empty(schema.clone().into()), &Dictionaries::default())?;
        Ok(bound)
    }

    /// What an input amounts to that holds nothing and says nothing of its columns: it has all of them, under their
    /// default names, and its keys are text.
    ///
    /// # Errors
    /// If a column cannot be read as the type that its family names: a fault of this crate.
    pub fn of_nothing() -> Result<Self> {
        let of_events = InputColumn::ALL.iter().filter(|column| column.table == InputTable::Events);
        let fields: Vec<_> = of_events.map(InputColumn::field).collect();
        Self::bind(&Schema::new(fields), &ColumnMap::default())
    }

    /// The logical types of the keys.
    #[must_use]
    pub const fn keys(&self) -> KeyTypes {
        self.keys
    }

    /// Whether events say how long their video is.
    #[must_use]
    pub const fn has_duration(&self) -> bool {
        self.duration.is_some()
    }

    /// Whether there is a session column.
    #[must_use]
    pub const fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Whether events carry only time, kind and position.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.rate.is_none() && self.seek_from.is_none() && self.sequence.is_none() && self.duration.is_none()
    }
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
    pub(crate) sequence: Option<SequenceColumn>,
    pub(crate) duration: Option<NumberColumn>,
    /// Of which rows nothing could be read, if the reader of a file says so.
    pub(crate) unreadable: Option<BooleanArray>,
}

/// The values of the keys' dictionaries: of users, videos and sessions, where they have one.
#[derive(Debug, Clone, Default)]
pub struct Dictionaries([Option<Arc<Values>>; 3]);

impl EventBatch {
    /// The columns of `batch`, which is of `schema`. Dictionaries that are `known` from another batch are not looked at
    /// again.
    ///
    /// # Errors
    /// If a type cannot be read.
    pub fn bind(schema: &EventSchema, batch: &RecordBatch, known: &Dictionaries) -> Result<Self> {
        let Dictionaries([users, videos, sessions]) = known;
        let key = |column: &Bound, known: &Option<Arc<Values>>| {
            KeyColumn::bind_with(column, &column.array(batch)?, known.as_ref())
        };
        let number = |column: &Bound| NumberColumn::bind(column, &column.array(batch)?);
        let speed = |column: &Bound| NumberColumn::speeds(column, &column.array(batch)?);
        let sequence = |column: &Bound| SequenceColumn::bind(column, &column.array(batch)?);
        Ok(Self {
            time: TimeColumn::bind(&schema.time, &schema.time.array(batch)?)?,
            user: key(&schema.user, users)?,
            video: key(&schema.video, videos)?,
            session: schema.session.as_ref().map(|session| key(session, sessions)).transpose()?,
            name: TextColumn::bind(&schema.name, &schema.name.array(batch)?)?,
            position: number(&schema.position)?,
            rate: schema.rate.as_ref().map(speed).transpose()?,
            seek_from: schema.seek_from.as_ref().map(number).transpose()?,
            sequence: schema.sequence.as_ref().map(sequence).transpose()?,
            duration: schema.duration.as_ref().map(number).transpose()?,
            unreadable: schema.unreadable.and_then(|index| batch.column(index).as_boolean_opt().cloned()),
        })
    }
}

/// What an event may carry beside time, kind and position.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras {
    /// For a seek: the position before it.
    pub(crate) seek_from: Option<f64>,
    /// Playback speed from this event on.
    pub(crate) rate: Option<f64>,
    /// The player's own order.
    pub(crate) sequence: Option<i64>,
    /// The video's length as the player says it.
    pub(crate) duration: Option<f64>,
}

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
    /// All codes of dictionaries.
    Coded(EventKeys<'a, CodedKeys>),
    /// Any other.
    Mixed(EventKeys<'a, KeyColumn>),
}

impl EventBatch {
    /// What the event in `row` carries beside time, kind and position.
    pub(crate) fn extras(&self, row: usize) -> Extras {
        Extras {
            seek_from: self.seek_from.as_ref().and_then(|column| column.position(row)),
            rate: self.rate.as_ref().and_then(|column| column.positive(row)),
            sequence: self.sequence.as_ref().and_then(|column| column.get(row)),
            duration: self.duration.as_ref().and_then(|column| column.positive(row)),
        }
    }

    /// The dictionaries of its keys.
    #[must_use]
    pub fn dictionaries(&self) -> Dictionaries {
        let session = self.session.as_ref().and_then(KeyColumn::dictionary);
        Dictionaries([self.user.dictionary(), self.video.dictionary(), session])
    }

    /// The key columns.
    pub(crate) fn keys<'a>(&'a self) -> AnyEventKeys<'a> {
        use KeyColumn::{Dictionary, LargeUtf8, Utf8, Utf8View};
        let utf8 = |column: &'a KeyColumn| if let Utf8(keys) = column { Some(keys) } else { None };
        let large = |column: &'a KeyColumn| if let LargeUtf8(keys) = column { Some(keys) } else { None };
        let view = |column: &'a KeyColumn| if let Utf8View(keys) = column { Some(keys) } else { None };
        let coded = |column: &'a KeyColumn| if let Dictionary(keys) = column { Some(keys) } else { None };
        self.all(utf8)
            .map(AnyEventKeys::Utf8)
            .or_else(|| self.all(large).map(AnyEventKeys::LargeUtf8))
            .or_else(|| self.all(view).map(AnyEventKeys::Utf8View))
            .or_else(|| self.all(coded).map(AnyEventKeys::Coded))
            .unwrap_or(AnyEventKeys::Mixed(EventKeys {
                user: &self.user,
                video: &self.video,
                session: self.session.as_ref(),
            }))
    }

    /// The key columns, if `layout` finds its own in all of them.
    fn all<'a, C>(&'a self, layout: impl Fn(&'a KeyColumn) -> Option<&'a C>) -> Option<EventKeys<'a, C>> {
        let session = match &self.session {
            Some(session) => Some(layout(session)?),
            None => None,
        };
        Some(EventKeys { user: layout(&self.user)?, video: layout(&self.video)?, session })
    }
}

/// A row's keys as their columns compare them.
pub(crate) type RowKeys<'a, C> = [<C as KeyRows>::Key<'a>; 3];

impl<'a, C: KeyRows> EventKeys<'a, C> {
    /// The keys of `row`, if it has all of them.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<RowKeys<'a, C>> {
        let session = match self.session {
            Some(session) => session.key(row)?,
            None => C::Key::default(),
        };
        Some([self.user.key(row)?, self.video.key(row)?, session])
    }

    /// Copies of the keys of `fragments`, which `seen` remembers, in just the memory that they need.
    ///
    /// # Errors
    /// If they take more than 4 GiB.
    pub(crate) fn copies(&self, seen: &SeenKeys, fragments: &[u32]) -> Result<KeyArena> {
        let bytes = fragments.iter().flat_map(|&fragment| self.recall(seen, fragment)).map(<[u8]>::len).sum();
        let mut arena = KeyArena::with_capacity(fragments.len(), bytes);
        let columns = [Some(self.user), Some(self.video), self.session];
        fragments.iter().for_each(|&fragment| C::copy(seen, fragment, columns, &mut arena));
        seen.check()?;
        arena.check()?;
        Ok(arena)
    }

    /// The bytes of the user of `fragment`, which `seen` remembers.
    #[inline]
    pub(crate) fn recall_user<'s>(&'s self, seen: &'s SeenKeys, fragment: u32) -> &'s [u8] {
        C::recall_user(seen, fragment, self.user)
    }

    /// The bytes of the keys of `fragment`, which `seen` remembers.
    #[inline]
    fn recall<'s>(&'s self, seen: &'s SeenKeys, fragment: u32) -> Keys<'s> {
        C::recall(seen, fragment, [Some(self.user), Some(self.video), self.session])
    }

    /// Whether the keys `a` and `b` of two rows are surely the same.
    #[expect(clippy::inline_always, reason = "each event asks, in either layout, and a call is much for it")]
    #[inline(always)]
    pub(crate) fn same(&self, a: &RowKeys<'a, C>, b: &RowKeys<'a, C>) -> bool {
        (self.session.is_none() || C::same(a[2], b[2])) && C::same(a[0], b[0]) && C::same(a[1], b[1])
    }

    /// A hash, made by `hash`, of a row's keys: equal wherever [`Self::same`] is true.
    #[expect(clippy::inline_always, reason = "each event asks, in either layout, and a call is much for it")]
    #[inline(always)]
    pub(crate) fn hash(&self, &[user, video, session]: &RowKeys<'a, C>, hash: &impl BuildHasher) -> u64 {
        let mut hasher = hash.build_hasher();
        C::write(user, &mut hasher);
        C::write(video, &mut hasher);
        if self.session.is_some() {
            C::write(session, &mut hasher);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, TimestampMicrosecondArray};
    use arrow_schema::DataType;

    use super::*;

    /// Events whose keys are of these types, with a session column or without.
    fn events(user: &DataType, others: &DataType, has_session: bool) -> RecordBatch {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
        let keys = |data_type| arrow_cast::cast(&text, data_type).unwrap();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("userId", keys(user)),
            ("videoId", keys(others)),
            ("eventName", Arc::clone(&text)),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from(vec![7; 3]))),
            ("currentTime", Arc::new(Float64Array::from(vec![1.5; 3]))),
        ];
        if has_session {
            columns.push(("sessionId", keys(others)));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn bound(batch: &RecordBatch) -> EventBatch {
        let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default()).unwrap();
        EventBatch::bind(&schema, batch, &Dictionaries::default()).unwrap()
    }

    #[test]
    fn keys_of_one_layout_are_read_without_asking_for_it_row_by_row() {
        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let layouts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, coded];
        for (index, layout) in layouts.iter().enumerate() {
            for has_session in [true, false] {
                let batch = bound(&events(layout, layout, has_session));
                let found = match batch.keys() {
                    AnyEventKeys::Utf8(_) => 0,
                    AnyEventKeys::LargeUtf8(_) => 1,
                    AnyEventKeys::Utf8View(_) => 2,
                    AnyEventKeys::Coded(_) => 3,
                    AnyEventKeys::Mixed(_) => 4,
                };
                assert_eq!(found, index, "{layout} with a session column: {has_session}");
            }
            let other = &layouts[(index + 1) % layouts.len()];
            let batch = bound(&events(layout, other, true));
            assert!(matches!(batch.keys(), AnyEventKeys::Mixed(_)), "{layout} and {other}");
        }
    }

    #[test]
    fn microseconds_and_doubles_are_read_where_they_lie() {
        let table = events(&DataType::Utf8, &DataType::Utf8, true);
        let batch = bound(&table);
        assert!(matches!(batch.time, TimeColumn::Micros(_)));
        let column = table.column_by_name("currentTime").unwrap().to_data();
        assert_eq!(batch.position.values().as_ptr(), column.buffers()[0].as_ptr().cast());
    }

    #[test]
    fn only_optional_columns_need_the_wide_layout() {
        let table = events(&DataType::Utf8, &DataType::Utf8, true);
        let is_plain = |batch: &RecordBatch| {
            EventSchema::bind(batch.schema_ref(), &ColumnMap::default()).unwrap().is_plain()
        };
        assert!(is_plain(&table));
        for optional in ["playbackRate", "seekFrom", "sequence", "videoDuration"] {
            let columns = table.schema_ref().fields().iter().map(|field| field.name().as_str());
            let columns = columns.zip(table.columns().iter().cloned());
            let more: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1; 3]));
            let wide = RecordBatch::try_from_iter(columns.chain([(optional, more)])).unwrap();
            assert!(!is_plain(&wide), "{optional}");
        }
    }
}
