//! Columns of keys, in every layout that Arrow producers hand out.

use std::hash::Hasher;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, GenericStringArray, LargeStringArray, OffsetSizeTrait,
    RecordBatch, StringArray, StringViewArray, cast::AsArray,
};
use arrow_schema::DataType;

use super::arena::{KeyArena, SeenKeys};
use super::dictionary::{CodedKeys, Values};
use super::types::{KeyType, Keys};
use crate::error::{Error, Result};
use crate::input::mapping::Bound;

/// A column of keys, each readable as bytes whose order is the keys' order.
#[derive(Debug)]
pub enum KeyColumn {
    /// Text with 32-bit offsets.
    Utf8(StringArray),
    /// Text with 64-bit offsets.
    LargeUtf8(LargeStringArray),
    /// Text views.
    Utf8View(StringViewArray),
    /// Integers as ordered bytes.
    Integers(Vec<Option<[u8; 8]>>),
    /// Codes into other keys.
    Dictionary(CodedKeys),
    /// Nothing but null.
    Null,
}

impl KeyColumn {
    /// The keys in `array`, which is the column `column`.
    ///
    /// # Errors
    /// If it is neither text nor integers nor UUIDs, or an integer does not fit 64 bits with a sign.
    pub(crate) fn bind(column: &Bound, array: &ArrayRef) -> Result<Self> {
        Self::bind_with(column, array, None)
    }

    /// The keys in `array`, which is the column `column`; `known` are the values of a dictionary that may be this
    /// column's, too.
    pub(crate) fn bind_with(column: &Bound, array: &ArrayRef, known: Option<&Arc<Values>>) -> Result<Self> {
        let wrong = || column.wrong_type(array.data_type());
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Utf8(checked(column, array.as_string_opt::<i32>().ok_or_else(wrong)?)?),
            DataType::LargeUtf8 => {
                Self::LargeUtf8(checked(column, array.as_string_opt::<i64>().ok_or_else(wrong)?)?)
            }
            DataType::Utf8View => {
                let views = array.as_string_view_opt().ok_or_else(wrong)?;
                views.to_data().validate_full().map_err(|_| column.corrupt("a view that points nowhere"))?;
                Self::Utf8View(views.clone())
            }
            DataType::Null => Self::Null,
            DataType::Dictionary(..) => Self::Dictionary(CodedKeys::bind(column, array, known)?),
            DataType::FixedSizeBinary(16) => {
                Self::Utf8(uuids(array.as_fixed_size_binary_opt().ok_or_else(wrong)?))
            }
            data_type => match KeyType::of(data_type) {
                Some(_) => Self::bind_integers(column, array)?,
                None => return Err(wrong()),
            },
        })
    }

    /// The integers in `array` as keys.
    fn bind_integers(column: &Bound, array: &ArrayRef) -> Result<Self> {
        let integers = KeyType::integers(&column.name, array)?;
        Ok(Self::Integers(integers.iter().map(|integer| integer.map(KeyType::integer_bytes)).collect()))
    }

    /// The key in `row`; `None` if it is null or empty.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Utf8(array) => PlainKeys::get(array, row),
            Self::LargeUtf8(array) => PlainKeys::get(array, row),
            Self::Utf8View(array) => PlainKeys::get(array, row),
            Self::Integers(keys) => keys[row].as_ref().map(<[u8; 8]>::as_slice),
            Self::Dictionary(keys) => keys.get(row),
            Self::Null => None,
        }
    }

    /// Whether there is a key in each of the first `rows` rows.
    pub(crate) fn are_all_there(&self, rows: usize) -> bool {
        match self {
            Self::Utf8(array) => are_filled(array),
            Self::LargeUtf8(array) => are_filled(array),
            keys => (0..rows).all(|row| keys.get(row).is_some()),
        }
    }

    /// Its dictionary, if it has one.
    pub(crate) fn dictionary(&self) -> Option<Arc<Values>> {
        if let Self::Dictionary(keys) = self { Some(keys.values()) } else { None }
    }
}

/// Keys by row, in a layout that is known where they are read: nothing then has to be decided row by row.
pub(crate) trait KeyRows {
    /// A key as it is compared and hashed: read once per row.
    type Key<'a>: Copy + Default
    where
        Self: 'a;

    /// The key in `row`; `None` if it is null or empty.
    fn key(&self, row: usize) -> Option<Self::Key<'_>>;

    /// Whether the keys `a` and `b` are surely the same.
    fn same(a: Self::Key<'_>, b: Self::Key<'_>) -> bool;

    /// Adds `key` to the hash in `hasher`: hashes are equal wherever [`Self::same`] is true.
    fn write(key: Self::Key<'_>, hasher: &mut impl Hasher);

    /// Adds the `keys` of one more fragment to `seen`.
    fn remember(seen: &mut SeenKeys, keys: [Self::Key<'_>; 3]);

    /// Whether the keys of `fragment`, which `seen` remembers, are surely these `keys`.
    fn are(seen: &SeenKeys, fragment: u32, keys: &[Self::Key<'_>; 3]) -> bool;

    /// The bytes of the user of `fragment`, which `seen` remembers and which was read from `users`.
    fn recall_user<'a>(seen: &'a SeenKeys, fragment: u32, users: &'a Self) -> &'a [u8];

    /// The bytes of the keys of `fragment`, which `seen` remembers and which were read from `columns`.
    fn recall<'a>(seen: &'a SeenKeys, fragment: u32, columns: [Option<&'a Self>; 3]) -> Keys<'a>;

    /// Adds the keys of `fragment` to the arena `to`; they are as [`Self::recall`] finds them.
    fn copy(seen: &SeenKeys, fragment: u32, columns: [Option<&Self>; 3], to: &mut KeyArena) {
        to.push(Self::recall(seen, fragment, columns));
    }
}

/// Keys that are compared and hashed as the bytes that they are.
pub(crate) trait PlainKeys {
    /// The key in `row`; `None` if it is null or empty.
    fn get(&self, row: usize) -> Option<&[u8]>;
}

impl<T: PlainKeys> KeyRows for T {
    type Key<'a>
        = &'a [u8]
    where
        T: 'a;

    #[inline]
    fn key(&self, row: usize) -> Option<&[u8]> {
        self.get(row)
    }

    #[inline]
    fn same(a: &[u8], b: &[u8]) -> bool {
        equal(a, b)
    }

    #[inline]
    fn write(key: &[u8], hasher: &mut impl Hasher) {
        hasher.write(key);
    }

    fn remember(seen: &mut SeenKeys, keys: [&[u8]; 3]) {
        seen.plain.push(keys);
    }

    #[inline]
    fn are(seen: &SeenKeys, fragment: u32, keys: &[&[u8]; 3]) -> bool {
        seen.plain.are(fragment, keys, equal)
    }

    #[inline]
    fn recall_user<'a>(seen: &'a SeenKeys, fragment: u32, _users: &'a Self) -> &'a [u8] {
        seen.plain.user(fragment)
    }

    #[inline]
    fn recall<'a>(seen: &'a SeenKeys, fragment: u32, _columns: [Option<&'a Self>; 3]) -> Keys<'a> {
        seen.plain.get(fragment)
    }

    #[inline]
    fn copy(seen: &SeenKeys, fragment: u32, _columns: [Option<&Self>; 3], to: &mut KeyArena) {
        to.push_from(&seen.plain, fragment);
    }
}

impl<O: OffsetSizeTrait> PlainKeys for GenericStringArray<O> {
    #[inline]
    fn get(&self, row: usize) -> Option<&[u8]> {
        filled(self.is_valid(row).then(|| self.value(row).as_bytes()))
    }
}

impl PlainKeys for StringViewArray {
    #[inline]
    fn get(&self, row: usize) -> Option<&[u8]> {
        filled(self.is_valid(row).then(|| self.value(row).as_bytes()))
    }
}

impl PlainKeys for KeyColumn {
    fn get(&self, row: usize) -> Option<&[u8]> {
        Self::get(self, row)
    }
}

/// The UUIDs in `array`, each as the text that everybody writes.
fn uuids(array: &FixedSizeBinaryArray) -> StringArray {
    let text = |uuid: &[u8]| {
        let mut text = String::with_capacity(36);
        for (place, byte) in uuid.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
            );
        }
        text
    };
    array.iter().map(|uuid| uuid.map(text)).collect()
}

/// The `key`, unless it is empty.
#[inline]
fn filled(key: Option<&[u8]>) -> Option<&[u8]> {
    key.filter(|key| !key.is_empty())
}

/// Whether no text in `array` is null or empty.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without leaving early, many offsets are compared at a time"
)]
fn are_filled<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> bool {
    let offsets = array.value_offsets().array_windows();
    array.null_count() == 0 && offsets.fold(true, |are_filled, [a, b]| are_filled & (a < b))
}

/// Whether `a` and `b` are the same. They are short: a few reads, which may overlap, cost less than a call. The last
/// bytes come first, as ids that differ often begin alike.
#[inline]
pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && match a.len() {
            8..=16 => ends_equal::<8>(a, b),
            17..=32 => ends_equal::<16>(a, b),
            33..=48 => ends_equal::<16>(a, b) && a[16..32] == b[16..32],
            _ => a == b,
        }
}

/// Whether the last `N` bytes of `a` and `b` are the same, and the first `N`.
#[inline]
fn ends_equal<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.last_chunk::<N>() == b.last_chunk() && a.first_chunk::<N>() == b.first_chunk()
}

/// A copy of `array`, which shares its memory, if its offsets lie in order within its text. Producers hand arrays over
/// unchecked.
fn checked<O: OffsetSizeTrait>(
    column: &Bound,
    array: &GenericStringArray<O>,
) -> Result<GenericStringArray<O>> {
    if is_in_order(array) {
        return Ok(array.clone());
    }
    Err(column.corrupt("offsets of text that are not in order"))
}

/// Whether the offsets of `array` lie in order within its text.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without leaving early, many offsets are compared at a time"
)]
fn is_in_order<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> bool {
    let offsets = array.value_offsets();
    let in_order = offsets.array_windows().fold(true, |in_order, [a, b]| in_order & (a <= b));
    let inside = offsets.last().is_none_or(|last| last.as_usize() <= array.value_data().len());
    // Of no rows nothing is read, and nobody says how long their text is.
    array.is_empty() || in_order && inside && offsets.first().is_none_or(|first| *first >= O::zero())
}

/// Checks the text of all columns of `batch`, which is copied as it is.
///
/// # Errors
/// If text lies elsewhere than in its buffer, or other values break the rules of their type.
pub fn check_text(batch: &RecordBatch) -> Result<()> {
    let is_right = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8 => array.as_string_opt::<i32>().is_some_and(is_in_order),
        DataType::LargeUtf8 => array.as_string_opt::<i64>().is_some_and(is_in_order),
        plain if plain.is_primitive() || plain.is_null() => true,
        _ => array.to_data().validate_full().is_ok(),
    };
    let mut columns = batch.schema_ref().fields().iter().zip(batch.columns());
    match columns.find(|(_, array)| !is_right(array)) {
        None => Ok(()),
        Some((field, _)) => Err(Error::Unreadable(format!(
            "in {:?}: values of type {} that lie elsewhere than in their buffers",
            field.name(),
            field.data_type()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Decimal128Array, Float64Array};
    use arrow_schema::{Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::input::{ColumnMap, InputColumn, InputTable};

    proptest! {
        #[test]
        fn equal_is_equal(text in "[ab]{0,60}", other in "[ab]{0,60}", place in any::<prop::sample::Index>()) {
            let mut changed = text.clone().into_bytes();
            if !changed.is_empty() {
                let place = place.index(changed.len());
                changed[place] ^= 1;
            }
            let text = text.as_bytes();
            let copy = text.to_vec();
            prop_assert!(equal(text, &copy));
            prop_assert_eq!(equal(text, &changed), text.is_empty());
            prop_assert_eq!(equal(text, other.as_bytes()), text == other.as_bytes());
        }
    }

    fn bound(array: &ArrayRef) -> Result<KeyColumn> {
        let schema = Schema::new(vec![Field::new("userId", array.data_type().clone(), true)]);
        let column = Bound::needed(&ColumnMap::default(), InputColumn::USER, InputTable::Events, &schema)?;
        KeyType::of_column(&column, &schema)?;
        KeyColumn::bind(&column, array)
    }

    #[test]
    fn uuids_become_text_and_decimals_integers() {
        let uuid =
            [0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0];
        let rows = [Some(uuid), None].into_iter();
        let uuids: ArrayRef =
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows, 16).unwrap());
        let keys = bound(&uuids).unwrap();
        assert_eq!(keys.get(0), Some(b"123e4567-e89b-12d3-a456-426614174000".as_slice()));
        assert_eq!(keys.get(1), None);
        let decimals = |value| -> ArrayRef {
            Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(38, 0).unwrap())
        };
        assert_eq!(bound(&decimals(7)).unwrap().get(0), Some(KeyType::integer_bytes(7).as_slice()));
        let error = bound(&decimals(1 << 64)).unwrap_err().to_string();
        assert!(error.contains("the key 18446744073709551616, which is larger"), "{error}");
    }

    #[test]
    fn floats_are_no_keys() {
        let error = bound(&(Arc::new(Float64Array::from(vec![7.0])) as ArrayRef)).unwrap_err().to_string();
        assert!(error.contains("holds keys as floats (Float64)"), "{error}");
    }

    #[test]
    fn keys_that_are_missing_are_found_in_every_layout() {
        let texts = |texts: [Option<&str>; 3]| -> ArrayRef { Arc::new(StringArray::from(texts.to_vec())) };
        let layouts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
        for (layout, is_sliced) in layouts.iter().flat_map(|layout| [(layout, false), (layout, true)]) {
            let are_all_there = |array: ArrayRef| {
                let array = arrow_cast::cast(&array, layout).unwrap();
                let array = if is_sliced { array.slice(1, 2) } else { array };
                let schema = Schema::new(vec![Field::new("userId", layout.clone(), true)]);
                let map = ColumnMap::default();
                let column = Bound::needed(&map, InputColumn::USER, InputTable::Events, &schema).unwrap();
                KeyColumn::bind(&column, &array).unwrap().are_all_there(array.len())
            };
            assert!(are_all_there(texts([Some("a"), Some("b"), Some("c")])), "{layout}");
            assert!(!are_all_there(texts([Some("a"), Some("b"), Some("")])), "{layout}");
            assert!(!are_all_there(texts([Some("a"), None, Some("c")])), "{layout}");
            assert_eq!(are_all_there(texts([Some(""), Some("b"), Some("c")])), is_sliced, "{layout}");
        }
    }
}
