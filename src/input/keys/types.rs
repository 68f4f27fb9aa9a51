//! Of which types keys are, and as which bytes they are compared.

use std::borrow::Cow;

use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, cast::AsArray};
use arrow_schema::{DataType, Schema};

use crate::error::{Error, Result};
use crate::input::mapping::Bound;

/// The logical type of a key, which results keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyType {
    /// Text of any layout; results are utf8.
    #[default]
    Text,
    /// An integer of 8 bits.
    Int8,
    /// An integer of 16 bits, or an unsigned one of 8.
    Int16,
    /// An integer of 32 bits, or an unsigned one of 16.
    Int32,
    /// An integer of 64 bits, or an unsigned one of 32 or 64.
    Int64,
}

impl KeyType {
    /// The key type of a column of `data_type`, if keys can be of that type. A column of nothing but null counts as
    /// text.
    #[must_use]
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            // 16 bytes are a UUID.
            DataType::FixedSizeBinary(16) => Some(Self::Text),
            text if is_text(text) => Some(Self::Text),
            DataType::Int8 => Some(Self::Int8),
            DataType::Int16 | DataType::UInt8 => Some(Self::Int16),
            DataType::Int32 | DataType::UInt16 => Some(Self::Int32),
            // Decimals that have no fraction: databases without integers count so.
            DataType::Int64
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Decimal32(_, 0)
            | DataType::Decimal64(_, 0)
            | DataType::Decimal128(_, 0)
            | DataType::Decimal256(_, 0) => Some(Self::Int64),
            DataType::Dictionary(_, values) => Self::of(values),
            _ => None,
        }
    }

    /// The key type of `column` in a table of `schema`.
    ///
    /// # Errors
    /// If keys cannot be of its type.
    pub(crate) fn of_column(column: &Bound, schema: &Schema) -> Result<Self> {
        let data_type = column.data_type(schema)?;
        Self::of(&data_type).ok_or_else(|| match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Error::FloatKey { column: column.name.clone(), found: data_type.to_string() }
            }
            _ => column.wrong_type(&data_type),
        })
    }

    /// Its type in results.
    #[must_use]
    pub const fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
        }
    }

    /// `text` or `an integer`.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            _ => "an integer",
        }
    }

    /// `key` as a person reads it.
    #[must_use]
    pub fn show(self, key: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Text => String::from_utf8_lossy(key),
            _ => Cow::Owned(Self::integer(key).to_string()),
        }
    }

    /// The bytes of the key that a person writes as `text`; nothing if it is no key of this type.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text => Some(text.as_bytes().to_vec()),
            _ => text.parse().ok().map(|integer| Self::integer_bytes(integer).to_vec()),
        }
    }

    /// The integers in `array`, of any width, as those that hold them all; errors name `column`.
    pub(crate) fn integers(column: &str, array: &ArrayRef) -> Result<Int64Array> {
        if let Some(unsigned) = array.as_primitive_opt::<UInt64Type>()
            && let Some(value) = unsigned.iter().flatten().find(|&value| i64::try_from(value).is_err())
        {
            return Err(Error::KeyTooLarge { column: column.to_owned(), value: value.to_string() });
        }
        let integers = arrow_cast::cast(array, &DataType::Int64)?;
        let is_lost = |&row: &usize| integers.is_null(row) && array.is_valid(row);
        if array.null_count() < integers.null_count()
            && let Some(row) = (0..array.len()).find(is_lost)
        {
            let value = arrow_cast::display::array_value_to_string(array, row)?;
            return Err(Error::KeyTooLarge { column: column.to_owned(), value });
        }
        let wrong = || Error::Internal(format!("a cast to int64 gave {}", integers.data_type()));
        integers.as_primitive_opt::<Int64Type>().cloned().ok_or_else(wrong)
    }

    /// Bytes of `integer` that are ordered as integers are.
    pub(crate) fn integer_bytes(integer: i64) -> [u8; 8] {
        (integer ^ i64::MIN).to_be_bytes()
    }

    /// The integer of which [`Self::integer_bytes`] made `bytes`.
    pub(crate) fn integer(bytes: &[u8]) -> i64 {
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        i64::from_be_bytes(bytes) ^ i64::MIN
    }
}

/// Whether values of `data_type` are text, or nothing but null.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// The types of a table's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyTypes {
    /// Of users.
    pub user: KeyType,
    /// Of videos.
    pub video: KeyType,
    /// Of sessions.
    pub session: KeyType,
}

/// The bytes of a row's keys: user, video and session (empty without a session column).
pub(crate) type Keys<'a> = [&'a [u8]; 3];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_bytes_are_ordered_as_integers() {
        let integers = [i64::MIN, -2, -1, 0, 1, 255, 256, i64::MAX];
        let bytes: Vec<_> = integers.iter().map(|&i| KeyType::integer_bytes(i)).collect();
        assert!(bytes.is_sorted());
        assert_eq!(bytes.iter().map(|b| KeyType::integer(b)).collect::<Vec<_>>(), integers);
    }

    #[test]
    fn keys_read_as_written() {
        assert_eq!(KeyType::Text.read("7").as_deref(), Some(b"7".as_slice()));
        let seven = KeyType::Int32.read("7").unwrap();
        assert_eq!(KeyType::Int32.show(&seven), "7");
        assert_eq!(KeyType::Int32.read("seven"), None);
    }
}
