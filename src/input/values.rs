//! Columns that are not keys: instants, numbers, text.

use arrow_array::types::{
    Float64Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, Float64Array, TimestampMicrosecondArray, cast::AsArray,
};
use arrow_schema::{DataType, TimeUnit};

use super::keys::{Codes, KeyColumn, cast, dictionary, is_text};
use super::mapping::Bound;
use super::text::{self, Seconds};
use super::unit::Unit;
use crate::error::{Error, Result};
use crate::time::{Micros, Zone};

/// A column of text.
#[derive(Debug)]
pub(crate) struct TextColumn(KeyColumn);

impl TextColumn {
    /// The text in `array`, which is the column `column`.
    pub(crate) fn bind(column: &Bound, array: &ArrayRef) -> Result<Self> {
        if is_text(array.data_type()) {
            return Ok(Self(KeyColumn::bind(column, array)?));
        }
        Err(column.wrong_type(array.data_type()))
    }

    /// Its texts as keys.
    pub(super) const fn keys(&self) -> &KeyColumn {
        &self.0
    }

    /// The text in `row`, as bytes; `None` if it is null or empty.
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        self.0.get(row)
    }

    /// The text in `row`; `None` if it is null, empty or not UTF-8.
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        self.get(row).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }
}

/// A column of instants: microseconds, or `None` where there is none in the years 1 to 9999.
#[derive(Debug)]
pub(crate) enum TimeColumn {
    /// As they come: most tables hold microseconds.
    Micros(TimestampMicrosecondArray),
    Instants(Vec<Option<Micros>>),
    /// Text, which is the time of clocks in that zone where it names none.
    Text(TextColumn, Zone),
    /// Text that is a number of that unit.
    Count(TextColumn, Unit, Zone),
    Dictionary(Codes, Box<Self>),
}

impl TimeColumn {
    /// The instants in `array`, which is the column `column`: timestamps, text that names one, or numbers whose unit the
    /// column says.
    pub(crate) fn bind(column: &Bound, array: &ArrayRef) -> Result<Self> {
        let (data_type, zone) = (array.data_type(), column.zone.unwrap_or(Zone::UTC));
        if let (DataType::Timestamp(unit, None), Some(zone)) = (data_type, column.zone) {
            let clocks = arrow_cast::cast(array, &DataType::Timestamp(*unit, Some("UTC".into())))?;
            let clocks = Self::bind(column, &clocks)?;
            let instant = |row| clocks.get(row).and_then(|clock| clock.of_clocks_in(zone));
            return Ok(Self::Instants((0..array.len()).map(instant).collect()));
        }
        Ok(match data_type {
            DataType::Timestamp(TimeUnit::Second, _) => {
                Self::instants::<TimestampSecondType>(array, |s| s.checked_mul(1_000_000))
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Self::instants::<TimestampMillisecondType>(array, |ms| ms.checked_mul(1_000))
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let micros = array.as_primitive_opt::<TimestampMicrosecondType>();
                Self::Micros(micros.ok_or_else(|| column.wrong_type(data_type))?.clone())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Self::instants::<TimestampNanosecondType>(array, |ns| Some(ns.div_euclid(1_000)))
            }
            DataType::Dictionary(..) => {
                let (codes, values) = dictionary(column, array)?;
                Self::Dictionary(codes, Box::new(Self::bind(column, &values)?))
            }
            _ if data_type.is_numeric() => {
                let unit = column.unit.ok_or_else(|| Error::NumberTimestamp {
                    column: column.name.clone(),
                    found: data_type.to_string(),
                })?;
                Self::Instants(counted(column, array, unit)?)
            }
            _ => {
                let texts = TextColumn::bind(column, array)?;
                match column.unit {
                    Some(unit) => Self::Count(texts, unit, zone),
                    None => Self::Text(texts, zone),
                }
            }
        })
    }

    /// The timestamps in `array`, of which `to_micros` makes microseconds.
    fn instants<T: ArrowPrimitiveType<Native = i64>>(
        array: &ArrayRef,
        to_micros: fn(i64) -> Option<i64>,
    ) -> Self {
        let instant = |value: Option<i64>| value.and_then(to_micros).and_then(Micros::checked);
        let instants = array.as_primitive_opt::<T>().map(|array| array.iter().map(instant).collect());
        Self::Instants(instants.unwrap_or_default())
    }

    /// The instant in `row`; `None` if there is none in the years 1 to 9999.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<Micros> {
        match self {
            Self::Micros(micros) if micros.is_valid(row) => Micros::checked(micros.value(row)),
            Self::Micros(_) => None,
            Self::Instants(instants) => instants[row],
            Self::Text(texts, zone) => texts.text(row).and_then(|text| Micros::parse_in(text, *zone)),
            Self::Count(texts, unit, zone) => texts.text(row).and_then(|text| count(text, *unit, *zone)),
            Self::Dictionary(codes, values) => codes.get(row).and_then(|code| values.get(code)),
        }
    }
}

/// The instants that the numbers in `array` count in `unit`.
fn counted(column: &Bound, array: &ArrayRef, unit: Unit) -> Result<Vec<Option<Micros>>> {
    let data_type = array.data_type();
    if data_type.is_integer() && !matches!(data_type, DataType::UInt64) {
        let integers = cast(column, array, &DataType::Int64)?;
        let integers =
            integers.as_primitive_opt::<Int64Type>().ok_or_else(|| column.wrong_type(data_type))?;
        return Ok(integers
            .iter()
            .map(|integer| integer.and_then(|integer| unit.instant(integer)))
            .collect());
    }
    let numbers = cast(column, array, &DataType::Float64)?;
    let numbers = numbers.as_primitive_opt::<Float64Type>().ok_or_else(|| column.wrong_type(data_type))?;
    Ok(numbers.iter().map(|number| number.and_then(|number| unit.instant_near(number))).collect())
}

/// The instant that `text`, a number, counts in `unit`; or the one that it names, in `zone` if it names none.
fn count(text: &str, unit: Unit, zone: Zone) -> Option<Micros> {
    let fraction = || {
        text::number(text).map_or_else(|| Micros::parse_in(text, zone), |number| unit.instant_near(number))
    };
    text::integer(text).map_or_else(fraction, |integer| unit.instant(integer))
}

/// A column of numbers.
#[derive(Debug)]
pub(crate) struct NumberColumn(Float64Array);

impl NumberColumn {
    /// The numbers in `array`, which is the column `column`: positions or lengths, in seconds whatever the column counts.
    pub(crate) fn bind(column: &Bound, array: &ArrayRef) -> Result<Self> {
        let seconds = |number| column.unit.map_or(number, |unit| unit.seconds(number));
        let read = |text: &str| match text::seconds(text)? {
            Seconds::Stated(stated) => Some(stated),
            Seconds::Bare(number) => Some(seconds(number)),
        };
        let numbers = Self::read(column, array, read)?;
        // Text was read with its unit.
        Ok(if is_text(array.data_type()) || column.unit.is_none() {
            numbers
        } else {
            Self(numbers.0.unary(seconds))
        })
    }

    /// The speeds in `array`, which is the column `column`.
    pub(crate) fn speeds(column: &Bound, array: &ArrayRef) -> Result<Self> {
        Self::read(column, array, text::speed)
    }

    /// The numbers in `array`, where `number` reads text; what it cannot read is null.
    fn read(column: &Bound, array: &ArrayRef, number: impl Fn(&str) -> Option<f64>) -> Result<Self> {
        let data_type = array.data_type();
        let is_number = |data_type: &DataType| data_type.is_numeric() || data_type.is_null();
        match data_type {
            DataType::Dictionary(_, values) if is_number(values) => {}
            data_type if is_number(data_type) => {}
            _ => {
                let texts = TextColumn::bind(column, array)?;
                return Ok(Self((0..array.len()).map(|row| texts.text(row).and_then(&number)).collect()));
            }
        }
        let numbers = cast(column, array, &DataType::Float64)?;
        let numbers = numbers.as_primitive_opt::<Float64Type>();
        numbers.cloned().map(Self).ok_or_else(|| column.wrong_type(data_type))
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What stands in every row; it means nothing where that is null.
    pub(crate) fn values(&self) -> &[f64] {
        self.0.values()
    }

    /// Whether `row` is not null.
    pub(super) fn is_valid(&self, row: usize) -> bool {
        self.0.is_valid(row)
    }

    /// The number in `row`; `None` if it is null.
    pub(crate) fn get(&self, row: usize) -> Option<f64> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    /// The number in `row` if it is finite and not negative; -0 becomes 0.
    #[inline]
    pub(crate) fn position(&self, row: usize) -> Option<f64> {
        self.get(row).filter(|x| (0.0..=f64::MAX).contains(x)).map(|x| x + 0.0)
    }

    /// The number in `row` if it is finite and above 0.
    pub(crate) fn positive(&self, row: usize) -> Option<f64> {
        self.get(row).filter(|x| x.is_finite() && *x > 0.0)
    }
}

/// A column of integers in an order-keeping 64-bit form.
#[derive(Debug)]
pub(crate) struct SequenceColumn(Vec<Option<i64>>);

impl SequenceColumn {
    /// The integers in `array`, which is the column `column`.
    pub(crate) fn bind(column: &Bound, array: &ArrayRef) -> Result<Self> {
        let data_type = array.data_type();
        if is_text(data_type) && !data_type.is_null() {
            let texts = TextColumn::bind(column, array)?;
            return Ok(Self((0..array.len()).map(|row| texts.text(row).and_then(text::integer)).collect()));
        }
        if !data_type.is_integer() && !data_type.is_null() {
            return Err(column.wrong_type(data_type));
        }
        if let Some(unsigned) = array.as_primitive_opt::<UInt64Type>() {
            // Moves the range of unsigned integers onto that of signed ones, in order.
            let shift = |value: u64| (value ^ (1 << 63)).cast_signed();
            return Ok(Self(unsigned.iter().map(|value| value.map(shift)).collect()));
        }
        let integers = cast(column, array, &DataType::Int64)?;
        let integers =
            integers.as_primitive_opt::<Int64Type>().ok_or_else(|| column.wrong_type(data_type))?;
        Ok(Self(integers.iter().collect()))
    }

    /// The integer in `row` in its order-keeping form; `None` if it is null.
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        self.0[row]
    }
}
