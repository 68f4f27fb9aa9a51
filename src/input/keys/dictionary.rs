//! Dictionaries: what stands once, and in each row as a code.

use std::hash::Hasher;
use std::sync::Arc;

use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, ArrayRef, PrimitiveArray, downcast_dictionary_array};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;

use super::arena::SeenKeys;
use super::column::{KeyColumn, KeyRows};
use super::types::Keys;
use crate::error::Result;
use crate::input::mapping::Bound;

/// Keys that stand once in a dictionary, and in each row as a code. The codes of rows without a key are null.
#[derive(Debug)]
pub struct CodedKeys {
    codes: Codes,
    values: Arc<Values>,
}

impl CodedKeys {
    /// The keys in `array`, a dictionary in the column `column`; `known` are values that may be its own.
    pub(super) fn bind(column: &Bound, array: &ArrayRef, known: Option<&Arc<Values>>) -> Result<Self> {
        let (codes, values) = dictionary(column, array)?;
        let values = match known.filter(|known| known.are(&values)) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Values::bind(column, values)?),
        };
        let codes = if values.are_keys { codes } else { codes.only(|code| values.keys.get(code).is_some()) };
        Ok(Self { codes, values })
    }

    /// The key in `row`; `None` if it is null or empty.
    pub(super) fn get(&self, row: usize) -> Option<&[u8]> {
        self.key(row).map(|code| self.bytes(code))
    }

    /// The key that `code` stands for.
    fn bytes(&self, code: u32) -> &[u8] {
        self.values.keys.get(code as usize).unwrap_or_default()
    }

    /// The codes, and the keys that they stand for.
    pub(crate) fn parts(&self) -> (&Codes, &KeyColumn) {
        (&self.codes, &self.values.keys)
    }

    /// How many keys the codes stand for.
    pub(crate) fn size(&self) -> usize {
        self.values.array.len()
    }

    /// The values that the codes stand for, which other batches may share.
    pub(super) fn values(&self) -> Arc<Values> {
        Arc::clone(&self.values)
    }
}

/// The values of a dictionary. Many batches may share them: all slices of one, or all of a table.
#[derive(Debug)]
pub(crate) struct Values {
    array: ArrayRef,
    keys: KeyColumn,
    /// Whether none of them is null or empty.
    are_keys: bool,
}

impl Values {
    /// The values in `array` as keys of the column `column`.
    fn bind(column: &Bound, array: ArrayRef) -> Result<Self> {
        let keys = KeyColumn::bind(column, &array)?;
        let are_keys = keys.are_all_there(array.len());
        Ok(Self { array, keys, are_keys })
    }

    /// Whether these are the values in `array`: the same memory.
    fn are(&self, array: &ArrayRef) -> bool {
        Arc::ptr_eq(&self.array, array) || self.array.to_data().ptr_eq(&array.to_data())
    }
}

/// The codes are compared and hashed, which costs less than text does. Two of them may stand for one key.
impl KeyRows for CodedKeys {
    type Key<'a> = u32;

    #[inline]
    fn key(&self, row: usize) -> Option<u32> {
        let code = self.codes.0[row];
        (code != NO_CODE).then_some(code)
    }

    #[inline]
    fn same(a: u32, b: u32) -> bool {
        a == b
    }

    #[inline]
    fn write(code: u32, hasher: &mut impl Hasher) {
        hasher.write_u32(code);
    }

    fn remember(seen: &mut SeenKeys, codes: [u32; 3]) {
        seen.codes.push(codes);
    }

    #[inline]
    fn are(seen: &SeenKeys, fragment: u32, codes: &[u32; 3]) -> bool {
        seen.codes[fragment as usize] == *codes
    }

    #[inline]
    fn recall_user<'a>(seen: &'a SeenKeys, fragment: u32, users: &'a Self) -> &'a [u8] {
        users.bytes(seen.codes[fragment as usize][0])
    }

    fn recall<'a>(seen: &'a SeenKeys, fragment: u32, columns: [Option<&'a Self>; 3]) -> Keys<'a> {
        let codes = seen.codes[fragment as usize];
        std::array::from_fn(|key| columns[key].map_or(&[][..], |column| column.bytes(codes[key])))
    }
}

/// The codes of a dictionary's rows, each of which has a value.
#[derive(Debug)]
pub(crate) struct Codes(Vec<u32>);

/// What stands for null among codes.
const NO_CODE: u32 = u32::MAX;

impl Codes {
    /// The code in `row`; `None` if it is null.
    pub(crate) fn get(&self, row: usize) -> Option<usize> {
        let code = self.0[row];
        (code != NO_CODE).then_some(code as usize)
    }

    /// The codes in `keys`, unless one of them has no value among `size` values. Whole columns at a time: there is a
    /// code for each row.
    fn checked<K: ArrowDictionaryKeyType>(keys: &PrimitiveArray<K>, size: usize) -> Option<Self> {
        let code = |key: &K::Native| u32::try_from(key.as_usize()).unwrap_or(NO_CODE);
        let mut codes: Vec<_> = keys.values().iter().map(code).collect();
        if let Some(nulls) = keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            codes
                .iter_mut()
                .zip(nulls)
                .filter(|(_, is_valid)| !is_valid)
                .for_each(|(code, _)| *code = NO_CODE);
        }
        // What stands for null is no code of a value, and nothing else is.
        let end = u32::try_from(size).unwrap_or(NO_CODE);
        let without_value = codes.iter().filter(|&&code| code >= end).count();
        (without_value == keys.null_count()).then_some(Self(codes))
    }

    /// These codes, with null in place of those that `is_wanted` does not accept.
    fn only(mut self, is_wanted: impl Fn(usize) -> bool) -> Self {
        for code in &mut self.0 {
            if *code != NO_CODE && !is_wanted(*code as usize) {
                *code = NO_CODE;
            }
        }
        self
    }
}

/// The codes and the values of `array`, a dictionary whose codes are of any integer type.
pub(crate) fn dictionary(column: &Bound, array: &ArrayRef) -> Result<(Codes, ArrayRef)> {
    let array: &dyn Array = array.as_ref();
    downcast_dictionary_array! {
        array => {
            let values = array.values();
            let codes = Codes::checked(array.keys(), values.len());
            let codes = codes.ok_or_else(|| column.corrupt("a dictionary code that has no value"))?;
            Ok((codes, values.clone()))
        },
        data_type => Err(column.wrong_type(data_type)),
    }
}

/// `array` as one of the type `to`. Arrow's cast would not look whether each code of a dictionary has a value.
pub(crate) fn cast(column: &Bound, array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if matches!(array.data_type(), DataType::Dictionary(..)) {
        dictionary(column, array)?;
    }
    arrow_cast::cast(array, to).map_err(|_| column.wrong_type(array.data_type()))
}

#[cfg(test)]
mod tests {
    use arrow_array::types::{Int8Type, UInt32Type, UInt64Type};
    use arrow_array::{DictionaryArray, Int8Array, StringArray};
    use arrow_schema::{Field, Schema};

    use super::*;
    use crate::input::{ColumnMap, InputColumn, InputTable};

    fn bound(keys: &DictionaryArray<Int8Type>, known: Option<&Arc<Values>>) -> CodedKeys {
        let array: ArrayRef = Arc::new(keys.clone());
        let schema = Schema::new(vec![Field::new("userId", array.data_type().clone(), true)]);
        let column =
            Bound::needed(&ColumnMap::default(), InputColumn::USER, InputTable::Events, &schema).unwrap();
        CodedKeys::bind(&column, &array, known).unwrap()
    }

    fn read(keys: &CodedKeys, rows: usize) -> Vec<Option<&[u8]>> {
        (0..rows).map(|row| keys.get(row)).collect()
    }

    #[test]
    fn every_code_has_a_value_or_is_null() {
        fn codes<K: ArrowDictionaryKeyType>(
            codes: Vec<K::Native>,
            valid: Option<[bool; 2]>,
            size: usize,
        ) -> Option<Vec<u32>> {
            let nulls = valid.map(|valid| valid.to_vec().into());
            Codes::checked(&PrimitiveArray::<K>::new(codes.into(), nulls), size).map(|codes| codes.0)
        }
        assert_eq!(codes::<Int8Type>(vec![1, 0], None, 2), Some(vec![1, 0]));
        assert_eq!(codes::<Int8Type>(vec![2, 0], None, 2), None);
        assert_eq!(codes::<Int8Type>(vec![-1, 0], None, 2), None);
        assert_eq!(codes::<Int8Type>(vec![-1, 1], Some([false, true]), 2), Some(vec![NO_CODE, 1]));
        assert_eq!(codes::<Int8Type>(vec![-1, 2], Some([false, true]), 2), None);
        assert_eq!(codes::<UInt64Type>(vec![u64::MAX, 0], None, 1), None);
        assert_eq!(codes::<UInt64Type>(vec![1 << 32, 0], None, 1), None);
        assert_eq!(codes::<UInt32Type>(vec![NO_CODE, 0], None, usize::MAX), None);
        assert_eq!(codes::<UInt32Type>(vec![7, 7], Some([false, false]), 0), Some(vec![NO_CODE; 2]));
    }

    #[test]
    fn values_in_the_same_memory_are_bound_once() {
        let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
        let codes = Int8Array::from(vec![Some(2), Some(0), None, Some(1)]);
        let keys = DictionaryArray::new(codes, Arc::clone(&values));
        let first = bound(&keys, None);
        assert_eq!(read(&first, 4), [Some(&b"c"[..]), Some(b"a"), None, Some(b"b")]);

        let slice = bound(&keys.slice(3, 1), Some(&first.values()));
        assert!(Arc::ptr_eq(&slice.values, &first.values));
        assert_eq!(read(&slice, 1), [Some(&b"b"[..])]);

        // As what another program hands over batch by batch: another array of the same memory.
        let same_memory = arrow_array::make_array(values.to_data());
        let again =
            bound(&DictionaryArray::new(Int8Array::from(vec![0]), same_memory), Some(&first.values()));
        assert!(Arc::ptr_eq(&again.values, &first.values));

        let others: ArrayRef = Arc::new(StringArray::from(vec!["x", "", "z"]));
        let codes = Int8Array::from(vec![2, 1, 0]);
        let other = bound(&DictionaryArray::new(codes, others), Some(&first.values()));
        assert_eq!(read(&other, 3), [Some(&b"z"[..]), None, Some(b"x")]);
    }
}
