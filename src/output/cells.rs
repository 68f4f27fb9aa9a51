//! The cells of a column in the making: they take rows in blocks and become an array whose memory is just what it needs.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::column::{Key, item, pair_fields};
use super::value::Data;
use crate::error::{Error, Result};
use crate::input::{KeyType, KeyTypes};

/// The zone of every timestamp that comes out.
pub(super) const UTC: &str = "UTC";

/// The cells of one column.
pub(super) enum Cells {
    Ints(Numbers<Int64Type>),
    /// Keys that are integers of that type.
    Keys(KeyType, Numbers<Int64Type>),
    Floats(Numbers<Float64Type>),
    Times(Numbers<TimestampMicrosecondType>),
    Bools(Bools),
    Texts(Texts),
    FloatLists(Lists, Vec<f64>),
    TextLists(Lists, Texts),
    /// Pairs of numbers, of which the second one has that name.
    PairLists(&'static str, Lists, [Vec<f64>; 2]),
}

/// Numbers or nulls.
pub(super) struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

/// True, false or null.
pub(super) struct Bools {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

/// Text or nulls. Bytes are checked to be text when all are there.
pub(super) struct Texts {
    lists: Lists,
    bytes: Vec<u8>,
}

/// Where the items of each list end, and which lists are null.
pub(super) struct Lists {
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Cells {
    /// No cells, with room for so many.
    pub(super) fn new(data: Data, keys: KeyTypes, rows: usize) -> Self {
        match data {
            Data::Key(key) if keys.of(key) != KeyType::Text => Self::Keys(keys.of(key), Numbers::new(rows)),
            Data::Key(_) | Data::Text => Self::Texts(Texts::new(rows)),
            Data::Int => Self::Ints(Numbers::new(rows)),
            Data::Float => Self::Floats(Numbers::new(rows)),
            Data::Bool => Self::Bools(Bools::new(rows)),
            Data::Time => Self::Times(Numbers::new(rows)),
            Data::Floats => Self::FloatLists(Lists::new(rows), Vec::new()),
            Data::Texts => Self::TextLists(Lists::new(rows), Texts::new(0)),
            Data::Pairs(second) => Self::PairLists(second, Lists::new(rows), [Vec::new(), Vec::new()]),
        }
    }

    /// How many bytes of text there are, which have to stay below 2^31.
    pub(super) fn text(&self) -> usize {
        if let Self::Texts(texts) | Self::TextLists(_, texts) = self { texts.bytes.len() } else { 0 }
    }

    /// The array of the column of that name.
    pub(super) fn finish(self, column: &'static str) -> Result<ArrayRef> {
        Ok(match self {
            Self::Ints(numbers) => Arc::new(numbers.finish()),
            Self::Keys(key, numbers) => arrow_cast::cast(&numbers.finish(), &key.data_type())?,
            Self::Floats(numbers) => Arc::new(numbers.finish()),
            Self::Times(numbers) => Arc::new(numbers.finish().with_timezone(UTC)),
            Self::Bools(Bools { mut values, mut nulls }) => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
            Self::Texts(texts) => Arc::new(texts.finish(column)?),
            Self::FloatLists(lists, values) => {
                let values = PrimitiveArray::<Float64Type>::from(shrunk(values));
                lists.finish(Arc::new(values))?
            }
            Self::TextLists(lists, texts) => lists.finish(Arc::new(texts.finish(column)?))?,
            Self::PairLists(second, lists, pairs) => {
                let array =
                    |values| -> ArrayRef { Arc::new(PrimitiveArray::<Float64Type>::from(shrunk(values))) };
                let values = StructArray::try_new(pair_fields(second), pairs.map(array).to_vec(), None)?;
                lists.finish(Arc::new(values))?
            }
        })
    }
}

/// A list that takes no more memory than it needs.
fn shrunk<T>(mut values: Vec<T>) -> Vec<T> {
    values.shrink_to_fit();
    values
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub(super) fn add_all(&mut self, values: impl ExactSizeIterator<Item = T::Native>) {
        self.nulls.append_n_non_nulls(values.len());
        self.values.extend(values);
    }

    #[inline]
    pub(super) fn add_some(&mut self, values: impl Iterator<Item = Option<T::Native>>) {
        for value in values {
            self.nulls.append(value.is_some());
            self.values.push(value.unwrap_or_default());
        }
    }

    fn finish(mut self) -> PrimitiveArray<T> {
        PrimitiveArray::new(ScalarBuffer::from(shrunk(self.values)), self.nulls.finish())
    }
}

impl Bools {
    fn new(rows: usize) -> Self {
        Self { values: BooleanBufferBuilder::new(rows), nulls: NullBufferBuilder::new(rows) }
    }

    #[inline]
    pub(super) fn add(&mut self, value: Option<bool>) {
        self.nulls.append(value.is_some());
        self.values.append(value.unwrap_or_default());
    }
}

impl Texts {
    fn new(rows: usize) -> Self {
        Self { lists: Lists::new(rows), bytes: Vec::new() }
    }

    #[inline]
    pub(super) fn add(&mut self, text: Option<&[u8]>) -> Result<()> {
        self.bytes.extend_from_slice(text.unwrap_or_default());
        self.lists.end(self.bytes.len(), text.is_some())
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.lists.ends.len() - 1
    }

    fn finish(self, column: &'static str) -> Result<StringArray> {
        let (ends, nulls) = self.lists.finish_ends();
        let bytes = Buffer::from_vec(shrunk(self.bytes));
        StringArray::try_new(ends, bytes, nulls).map_err(|_| Error::InvalidText { column })
    }
}

impl Lists {
    fn new(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { ends, nulls: NullBufferBuilder::new(rows) }
    }

    /// A list, or a null, ends where there are so many items.
    #[inline]
    pub(super) fn end(&mut self, items: usize, is_valid: bool) -> Result<()> {
        let too_many = |_| Error::Internal(format!("{items} are too many for the lists of one batch"));
        self.ends.push(i32::try_from(items).map_err(too_many)?);
        self.nulls.append(is_valid);
        Ok(())
    }

    fn finish_ends(mut self) -> (OffsetBuffer<i32>, Option<arrow_buffer::NullBuffer>) {
        (OffsetBuffer::new(ScalarBuffer::from(shrunk(self.ends))), self.nulls.finish())
    }

    fn finish(self, values: ArrayRef) -> Result<ArrayRef> {
        let (ends, nulls) = self.finish_ends();
        let data_type: DataType = values.data_type().clone();
        Ok(Arc::new(ListArray::try_new(item(data_type), ends, values, nulls)?))
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
