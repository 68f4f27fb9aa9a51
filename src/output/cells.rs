//! The cells of a column in the making: they take rows in blocks, and are copied into an array whose memory is just what
//! it needs. Their own memory is used for the next array: it is warm, and there is nothing to grow, shrink or guess.

use std::ops::Deref;
use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::types::{Data, UTC, item, pair_fields};
use crate::error::{Error, Result};
use crate::input::{KeyType, KeyTypes};

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
    /// No cells yet.
    pub(super) fn new(data: Data, keys: KeyTypes) -> Self {
        match data {
            Data::Key(key) if keys.of(key) != KeyType::Text => Self::Keys(keys.of(key), Numbers::new()),
            Data::Key(_) | Data::Text => Self::Texts(Texts::new()),
            Data::Int => Self::Ints(Numbers::new()),
            Data::Float => Self::Floats(Numbers::new()),
            Data::Bool => Self::Bools(Bools::new()),
            Data::Time => Self::Times(Numbers::new()),
            Data::Floats => Self::FloatLists(Lists::new(), Vec::new()),
            Data::Texts => Self::TextLists(Lists::new(), Texts::new()),
            Data::Pairs(second) => Self::PairLists(second, Lists::new(), [Vec::new(), Vec::new()]),
        }
    }

    /// How many bytes of text there are, which have to stay below 2^31.
    pub(super) fn text(&self) -> usize {
        if let Self::Texts(texts) | Self::TextLists(_, texts) = self { texts.bytes.len() } else { 0 }
    }

    /// The array of the column of that name. There are no cells then.
    pub(super) fn take(&mut self, column: &'static str) -> Result<ArrayRef> {
        Ok(match self {
            Self::Ints(numbers) => Arc::new(numbers.take()),
            Self::Keys(key, numbers) => arrow_cast::cast(&numbers.take(), &key.data_type())?,
            Self::Floats(numbers) => Arc::new(numbers.take()),
            Self::Times(numbers) => Arc::new(numbers.take().with_timezone(UTC)),
            Self::Bools(Bools { values, nulls }) => {
                Arc::new(BooleanArray::new(values.finish(), nulls.finish()))
            }
            Self::Texts(texts) => Arc::new(texts.take(column)?),
            Self::FloatLists(lists, values) => lists.take(Arc::new(floats(values)))?,
            Self::TextLists(lists, texts) => lists.take(Arc::new(texts.take(column)?))?,
            Self::PairLists(second, lists, pairs) => {
                let arrays: Vec<ArrayRef> =
                    pairs.iter_mut().map(|values| -> ArrayRef { Arc::new(floats(values)) }).collect();
                lists.take(Arc::new(StructArray::try_new(pair_fields(second), arrays, None)?))?
            }
        })
    }
}

/// A copy of the items in just the memory that they need.
fn taken<T: Copy>(items: &mut Vec<T>) -> Vec<T> {
    let copy = items.clone();
    items.clear();
    copy
}

fn floats(values: &mut Vec<f64>) -> PrimitiveArray<Float64Type> {
    taken(values).into()
}

/// Notes which cells are null: most often none is, or all are, and then they are not noted one by one.
#[inline]
fn note(nulls: &mut NullBufferBuilder, are_valid: impl ExactSizeIterator<Item = bool> + Clone) {
    let count = are_valid.len();
    match are_valid.clone().filter(|&is_valid| is_valid).count() {
        0 => nulls.append_n_nulls(count),
        valid if valid == count => nulls.append_n_non_nulls(count),
        _ => are_valid.for_each(|is_valid| nulls.append(is_valid)),
    }
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new() -> Self {
        Self { values: Vec::new(), nulls: NullBufferBuilder::new(0) }
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

    fn take(&mut self) -> PrimitiveArray<T> {
        PrimitiveArray::new(ScalarBuffer::from(taken(&mut self.values)), self.nulls.finish())
    }
}

impl Bools {
    fn new() -> Self {
        Self { values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub(super) fn add_some(&mut self, values: impl ExactSizeIterator<Item = Option<bool>> + Clone) {
        note(&mut self.nulls, values.clone().map(|value| value.is_some()));
        values.for_each(|value| self.values.append(value.unwrap_or_default()));
    }
}

impl Texts {
    fn new() -> Self {
        Self { lists: Lists::new(), bytes: Vec::new() }
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

    fn take(&mut self, column: &'static str) -> Result<StringArray> {
        let (ends, nulls) = self.lists.take_ends();
        let bytes = Buffer::from_vec(taken(&mut self.bytes));
        StringArray::try_new(ends, bytes, nulls).map_err(|_| Error::InvalidText { column })
    }
}

impl Lists {
    fn new() -> Self {
        Self { ends: vec![0], nulls: NullBufferBuilder::new(0) }
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

    fn take_ends(&mut self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let ends = taken(&mut self.ends);
        self.ends.push(0);
        (OffsetBuffer::new(ScalarBuffer::from(ends)), self.nulls.finish())
    }

    fn take(&mut self, values: ArrayRef) -> Result<ArrayRef> {
        let (ends, nulls) = self.take_ends();
        let data_type: DataType = values.data_type().clone();
        Ok(Arc::new(ListArray::try_new(item(data_type), ends, values, nulls)?))
    }
}
