//! How a column is defined, and how rows become arrays.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};
use crate::input::{KeyType, KeyTypes};
use crate::intervals::Interval;
use crate::time::Micros;
use crate::walk::Stretch;

/// The zone of every timestamp that comes out.
const UTC: &str = "UTC";

/// Which key a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
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

/// Where a column's value comes from; says its type and whether it can be null.
pub enum Value<R> {
    /// A key's bytes, of the input's logical type.
    Key(Key, for<'a> fn(&'a R) -> Cow<'a, [u8]>),
    /// A whole number.
    Int(fn(&R) -> i64),
    /// A number.
    Float(fn(&R) -> f64),
    /// A number or null.
    MaybeFloat(fn(&R) -> Option<f64>),
    /// True or false.
    Bool(fn(&R) -> bool),
    /// True, false or null.
    MaybeBool(fn(&R) -> Option<bool>),
    /// An instant.
    Time(fn(&R) -> Micros),
    /// An instant or null.
    MaybeTime(fn(&R) -> Option<Micros>),
    /// Text.
    Text(for<'a> fn(&'a R) -> Cow<'a, str>),
    /// Text or null.
    MaybeText(for<'a> fn(&'a R) -> Option<Cow<'a, str>>),
    /// A list of numbers.
    Floats(for<'a> fn(&'a R) -> &'a [f64]),
    /// A list of text.
    Texts(fn(&R) -> Vec<&'static str>),
    /// A list of intervals.
    Intervals(for<'a> fn(&'a R) -> &'a [Interval]),
    /// A list of intervals or null.
    MaybeIntervals(for<'a> fn(&'a R) -> Option<&'a [Interval]>),
    /// A list of unobserved stretches.
    Stretches(for<'a> fn(&'a R) -> &'a [Stretch]),
}

/// One column of a table of `R`.
pub struct Column<R> {
    /// Its name.
    pub name: &'static str,
    /// Its unit, or empty.
    pub unit: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Where its value comes from.
    pub value: Value<R>,
}

/// A column as documentation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// Its type, as documentation prints it.
    pub type_name: String,
    /// Whether it can be null.
    pub nullable: bool,
    /// Its unit, or empty.
    pub unit: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// A table of `R`: its columns, in order.
pub struct Table<R> {
    columns: Vec<Column<R>>,
}

impl<R> Table<R> {
    /// A table of these columns.
    #[must_use]
    pub const fn new(columns: Vec<Column<R>>) -> Self {
        Self { columns }
    }

    /// Its columns as documentation sees them.
    #[must_use]
    pub fn specs(&self) -> Vec<ColumnSpec> {
        self.columns.iter().map(Column::spec).collect()
    }

    /// Its Arrow schema, for keys of these types.
    #[must_use]
    pub fn schema(&self, keys: KeyTypes) -> SchemaRef {
        let fields = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.value.data_type(keys), column.value.nullable()));
        Arc::new(Schema::new(fields.collect::<Fields>()))
    }

    /// A batch of these rows.
    ///
    /// # Errors
    /// If a batch cannot hold them: a fault of this crate.
    pub fn batch(&self, rows: &[R], keys: KeyTypes) -> Result<RecordBatch> {
        let arrays = self.columns.iter().map(|column| column.value.array(rows, keys));
        Ok(RecordBatch::try_new(self.schema(keys), arrays.collect::<Result<_>>()?)?)
    }
}

impl<R> Column<R> {
    fn spec(&self) -> ColumnSpec {
        ColumnSpec {
            name: self.name,
            type_name: self.value.type_name(),
            nullable: self.value.nullable(),
            unit: self.unit,
            doc: self.doc,
        }
    }
}

pub(super) fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, true))
}

/// The fields of a pair of numbers.
pub(super) fn pair_fields(second: &str) -> Fields {
    ["start", second].map(|name| Field::new(name, DataType::Float64, true)).into_iter().collect()
}

impl<R> Value<R> {
    fn nullable(&self) -> bool {
        matches!(
            self,
            Self::MaybeFloat(_)
                | Self::MaybeBool(_)
                | Self::MaybeTime(_)
                | Self::MaybeText(_)
                | Self::MaybeIntervals(_)
        )
    }

    fn data_type(&self, keys: KeyTypes) -> DataType {
        match self {
            Self::Key(key, _) => keys.of(*key).data_type(),
            Self::Int(_) => DataType::Int64,
            Self::Float(_) | Self::MaybeFloat(_) => DataType::Float64,
            Self::Bool(_) | Self::MaybeBool(_) => DataType::Boolean,
            Self::Time(_) | Self::MaybeTime(_) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()))
            }
            Self::Text(_) | Self::MaybeText(_) => DataType::Utf8,
            Self::Floats(_) => DataType::List(item(DataType::Float64)),
            Self::Texts(_) => DataType::List(item(DataType::Utf8)),
            Self::Intervals(_) | Self::MaybeIntervals(_) => {
                DataType::List(item(DataType::Struct(pair_fields("end"))))
            }
            Self::Stretches(_) => DataType::List(item(DataType::Struct(pair_fields("seconds")))),
        }
    }

    fn type_name(&self) -> String {
        let name = match self {
            Self::Key(..) => "string or integer, as in the input",
            Self::Int(_) => "int64",
            Self::Float(_) | Self::MaybeFloat(_) => "double",
            Self::Bool(_) | Self::MaybeBool(_) => "bool",
            Self::Time(_) | Self::MaybeTime(_) => "timestamp[us, tz=UTC]",
            Self::Text(_) | Self::MaybeText(_) => "string",
            Self::Floats(_) => "list<double>",
            Self::Texts(_) => "list<string>",
            Self::Intervals(_) | Self::MaybeIntervals(_) => "list<struct<start: double, end: double>>",
            Self::Stretches(_) => "list<struct<start: double, seconds: double>>",
        };
        name.to_owned()
    }

    fn array(&self, rows: &[R], keys: KeyTypes) -> Result<ArrayRef> {
        Ok(match self {
            Self::Key(key, get) => keys.of(*key).array(key.column(), rows.iter().map(get))?,
            Self::Int(get) => Arc::new(Int64Array::from_iter_values(rows.iter().map(get))),
            Self::Float(get) => Arc::new(rows.iter().map(get).collect::<Float64Array>()),
            Self::MaybeFloat(get) => Arc::new(rows.iter().map(get).collect::<Float64Array>()),
            Self::Bool(get) => Arc::new(rows.iter().map(|row| Some(get(row))).collect::<BooleanArray>()),
            Self::MaybeBool(get) => Arc::new(rows.iter().map(get).collect::<BooleanArray>()),
            Self::Time(get) => times(rows, |row| Some(get(row))),
            Self::MaybeTime(get) => times(rows, get),
            Self::Text(get) => strings(rows, |row| Some(get(row))),
            Self::MaybeText(get) => strings(rows, get),
            Self::Floats(get) => floats(rows, get),
            Self::Texts(get) => texts(rows, get),
            Self::Intervals(get) => pairs(rows, "end", |row| Some(get(row)), |i| (i.start, i.end))?,
            Self::MaybeIntervals(get) => pairs(rows, "end", get, |i| (i.start, i.end))?,
            Self::Stretches(get) => pairs(rows, "seconds", |row| Some(get(row)), |s| (s.start, s.seconds))?,
        })
    }
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts of events and users are far below 2^53")]
pub(super) fn to_float(count: i64) -> f64 {
    count as f64
}

/// Text in buffers of just its size, for which the text is asked for twice.
fn strings<'a, R>(rows: &'a [R], get: impl Fn(&'a R) -> Option<Cow<'a, str>>) -> ArrayRef {
    let size = rows.iter().filter_map(&get).map(|text| text.len()).sum();
    let mut builder = StringBuilder::with_capacity(rows.len(), size);
    rows.iter().for_each(|row| builder.append_option(get(row)));
    Arc::new(builder.finish())
}

fn times<R>(rows: &[R], get: impl Fn(&R) -> Option<Micros>) -> ArrayRef {
    let mut builder = TimestampMicrosecondBuilder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(get(row).map(|instant| instant.0)));
    Arc::new(builder.finish().with_timezone(UTC))
}

fn floats<R>(rows: &[R], get: impl for<'a> Fn(&'a R) -> &'a [f64]) -> ArrayRef {
    let size = rows.iter().map(|row| get(row).len()).sum();
    let mut builder = ListBuilder::with_capacity(Float64Builder::with_capacity(size), rows.len());
    for row in rows {
        builder.values().append_slice(get(row));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn texts<R>(rows: &[R], get: impl Fn(&R) -> Vec<&'static str>) -> ArrayRef {
    let mut builder = ListBuilder::with_capacity(StringBuilder::with_capacity(0, 0), rows.len());
    for row in rows {
        get(row).into_iter().for_each(|text| builder.values().append_value(text));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// A list of structs of two numbers, `start` and `second`.
fn pairs<R, T>(
    rows: &[R],
    second: &str,
    get: impl for<'a> Fn(&'a R) -> Option<&'a [T]>,
    split: impl Fn(&T) -> (f64, f64),
) -> Result<ArrayRef> {
    let lists: Vec<_> = rows.iter().map(&get).collect();
    let valid = lists.iter().map(Option::is_some).collect::<NullBuffer>();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.map_or(0, <[T]>::len)));
    let size = lists.iter().flatten().map(|list| list.len()).sum();
    let (mut starts, mut seconds) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for (start, second) in lists.into_iter().flatten().flatten().map(split) {
        starts.push(start);
        seconds.push(second);
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Float64Array::from(starts)), Arc::new(Float64Array::from(seconds))];
    let values = StructArray::try_new(pair_fields(second), columns, None)?;
    let valid = (valid.null_count() > 0).then_some(valid);
    let list = ListArray::try_new(item(values.data_type().clone()), offsets, Arc::new(values), valid)?;
    Ok(Arc::new(list))
}

impl KeyTypes {
    fn of(self, key: Key) -> KeyType {
        match key {
            Key::User => self.user,
            Key::Video => self.video,
            Key::Session => self.session,
        }
    }
}

impl KeyType {
    /// An array of keys from their bytes.
    fn array<'a>(
        self,
        column: &'static str,
        keys: impl Iterator<Item = Cow<'a, [u8]>> + Clone,
    ) -> Result<ArrayRef> {
        if self == Self::Text {
            let size = keys.clone().map(|key| key.len()).sum();
            let mut builder = StringBuilder::with_capacity(keys.size_hint().0, size);
            for key in keys {
                let text = std::str::from_utf8(&key).map_err(|_| Error::InvalidText { column })?;
                builder.append_value(text);
            }
            return Ok(Arc::new(builder.finish()));
        }
        let integers: Int64Array = keys.map(|key| Self::integer(&key)).collect();
        Ok(arrow_cast::cast(&integers, &self.data_type())?)
    }
}
