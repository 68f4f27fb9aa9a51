//! The cells of a column in the making: they take rows in blocks and become an array whose memory is just what it needs.

use std::ops::Deref;
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

    /// Makes room for so many rows in all, which are as long as so many that are there.
    pub(super) fn make_room(&mut self, rows: usize, all: usize) {
        match self {
            Self::Texts(texts) => texts.make_room(rows, all),
            Self::FloatLists(_, values) => make_room(values, rows, all),
            Self::TextLists(_, texts) => texts.make_room(rows, all),
            Self::PairLists(_, _, pairs) => pairs.iter_mut().for_each(|values| make_room(values, rows, all)),
            Self::Ints(_) | Self::Keys(..) | Self::Floats(_) | Self::Times(_) | Self::Bools(_) => {}
        }
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

/// Notes which cells are null: most often none is, and then they are not noted one by one.
#[inline]
fn note(nulls: &mut NullBufferBuilder, are_valid: impl ExactSizeIterator<Item = bool> + Clone) {
    if are_valid.clone().all(|is_valid| is_valid) {
        nulls.append_n_non_nulls(are_valid.len());
    } else {
        are_valid.for_each(|is_valid| nulls.append(is_valid));
    }
}

/// Makes room for the items of so many rows in all, and some more, from how many so many rows have.
fn make_room<T>(items: &mut Vec<T>, rows: usize, all: usize) {
    let expected = items.len() * all / rows.max(1);
    items.reserve((expected + expected / 16).saturating_sub(items.len()));
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
    pub(super) fn add_some(&mut self, values: impl ExactSizeIterator<Item = Option<T::Native>> + Clone) {
        note(&mut self.nulls, values.clone().map(|value| value.is_some()));
        self.values.extend(values.map(Option::unwrap_or_default));
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
    pub(super) fn add_some(&mut self, values: impl ExactSizeIterator<Item = Option<bool>> + Clone) {
        note(&mut self.nulls, values.clone().map(|value| value.is_some()));
        values.for_each(|value| self.values.append(value.unwrap_or_default()));
    }
}

impl Texts {
    fn new(rows: usize) -> Self {
        Self { lists: Lists::new(rows), bytes: Vec::new() }
    }

    fn make_room(&mut self, rows: usize, all: usize) {
        make_room(&mut self.bytes, rows, all);
        make_room(&mut self.lists.ends, rows, all);
    }

    #[inline]
    pub(super) fn add_all<T, U>(&mut self, texts: impl ExactSizeIterator<Item = T>) -> Result<()>
    where
        T: Deref<Target = U>,
        U: AsRef<[u8]> + ?Sized,
    {
        self.lists.nulls.append_n_non_nulls(texts.len());
        self.add_bytes(texts.map(Some))
    }

    #[inline]
    pub(super) fn add_some<T, U>(
        &mut self,
        texts: impl ExactSizeIterator<Item = Option<T>> + Clone,
    ) -> Result<()>
    where
        T: Deref<Target = U>,
        U: AsRef<[u8]> + ?Sized,
    {
        note(&mut self.lists.nulls, texts.clone().map(|text| text.is_some()));
        self.add_bytes(texts)
    }

    #[inline]
    fn add_bytes<T, U>(&mut self, texts: impl ExactSizeIterator<Item = Option<T>>) -> Result<()>
    where
        T: Deref<Target = U>,
        U: AsRef<[u8]> + ?Sized,
    {
        let Self { lists, bytes } = self;
        lists.end_all(texts.map(|text| {
            bytes.extend_from_slice(text.as_deref().map_or(&[], AsRef::as_ref));
            bytes.len()
        }))
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

    /// Lists of which none is null end where there are so many items each.
    #[inline]
    pub(super) fn add_all(&mut self, ends: impl ExactSizeIterator<Item = usize>) -> Result<()> {
        self.nulls.append_n_non_nulls(ends.len());
        self.end_all(ends)
    }

    /// The same with some that are null, as the first ones tell.
    #[inline]
    pub(super) fn add_some(
        &mut self,
        are_valid: impl ExactSizeIterator<Item = bool> + Clone,
        ends: impl ExactSizeIterator<Item = usize>,
    ) -> Result<()> {
        note(&mut self.nulls, are_valid);
        self.end_all(ends)
    }

    #[inline]
    fn end_all(&mut self, ends: impl ExactSizeIterator<Item = usize>) -> Result<()> {
        let mut items = 0;
        self.ends.extend(ends.map(|end| {
            items = end;
            // Ends that do not fit are refused below.
            i32::try_from(end).unwrap_or(i32::MAX)
        }));
        let too_many = |_| Error::Internal(format!("{items} are too many for the lists of one batch"));
        i32::try_from(items).map(drop).map_err(too_many)
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
