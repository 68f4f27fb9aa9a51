//! Where a column's values come from.

use std::borrow::Cow;

use super::cells::Cells;
use super::types::{Data, Key};
use crate::error::{Error, Result};
use crate::input::KeyType;
use crate::intervals::Interval;
use crate::time::Micros;
use crate::walk::Stretch;

/// Adds the cells of rows: a loop of its own for each column, so that what the column shows is read in place.
type Fill<R> = Box<dyn Fn(&[R], &mut Cells) -> Result<()> + Send + Sync>;

/// Where a column's values come from; says their type and whether they can be null.
pub struct Value<R> {
    pub(super) data: Data,
    pub(super) nullable: bool,
    pub(super) fill: Fill<R>,
}

fn mismatch() -> Error {
    Error::Internal("a column got cells of another type".to_owned())
}

/// A function that a column is made of.
macro_rules! getter {
    ($result:ty) => { impl for<'a> Fn(&'a R) -> $result + Send + Sync + 'static };
}

impl<R> Value<R> {
    fn new(
        data: Data,
        nullable: bool,
        fill: impl Fn(&[R], &mut Cells) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { data, nullable, fill: Box::new(fill) }
    }

    /// A key's bytes, of the input's logical type.
    pub(super) fn key(key: Key, get: getter!(Cow<'a, [u8]>)) -> Self {
        Self::new(Data::Key(key), false, move |rows, cells| match cells {
            Cells::Texts(texts) => texts.add_all(rows.iter().map(&get)),
            Cells::Keys(_, keys) => {
                keys.add_all(rows.iter().map(|row| KeyType::integer(&get(row))));
                Ok(())
            }
            _ => Err(mismatch()),
        })
    }

    /// A whole number.
    pub(super) fn int(get: getter!(i64)) -> Self {
        Self::new(Data::Int, false, move |rows, cells| {
            let Cells::Ints(numbers) = cells else { return Err(mismatch()) };
            numbers.add_all(rows.iter().map(&get));
            Ok(())
        })
    }

    /// A number.
    pub(super) fn float(get: getter!(f64)) -> Self {
        Self::new(Data::Float, false, move |rows, cells| {
            let Cells::Floats(numbers) = cells else { return Err(mismatch()) };
            numbers.add_all(rows.iter().map(&get));
            Ok(())
        })
    }

    /// A number or null.
    pub(super) fn maybe_float(get: getter!(Option<f64>)) -> Self {
        Self::new(Data::Float, true, move |rows, cells| {
            let Cells::Floats(numbers) = cells else { return Err(mismatch()) };
            numbers.add_some(rows.iter().map(&get));
            Ok(())
        })
    }

    /// True or false.
    pub(super) fn bool(get: getter!(bool)) -> Self {
        Self { nullable: false, ..Self::maybe_bool(move |row| Some(get(row))) }
    }

    /// True, false or null.
    pub(super) fn maybe_bool(get: getter!(Option<bool>)) -> Self {
        Self::new(Data::Bool, true, move |rows, cells| {
            let Cells::Bools(bools) = cells else { return Err(mismatch()) };
            bools.add_some(rows.iter().map(&get));
            Ok(())
        })
    }

    /// An instant.
    pub(super) fn time(get: getter!(Micros)) -> Self {
        Self::new(Data::Time, false, move |rows, cells| {
            let Cells::Times(times) = cells else { return Err(mismatch()) };
            times.add_all(rows.iter().map(|row| get(row).0));
            Ok(())
        })
    }

    /// An instant or null.
    pub(super) fn maybe_time(get: getter!(Option<Micros>)) -> Self {
        Self::new(Data::Time, true, move |rows, cells| {
            let Cells::Times(times) = cells else { return Err(mismatch()) };
            times.add_some(rows.iter().map(|row| get(row).map(|time| time.0)));
            Ok(())
        })
    }

    /// Text.
    pub(super) fn text(get: getter!(Cow<'a, str>)) -> Self {
        Self { nullable: false, ..Self::maybe_text(move |row| Some(get(row))) }
    }

    /// Text or null.
    pub(super) fn maybe_text(get: getter!(Option<Cow<'a, str>>)) -> Self {
        Self::new(Data::Text, true, move |rows, cells| {
            let Cells::Texts(texts) = cells else { return Err(mismatch()) };
            texts.add_some(rows.iter().map(&get))
        })
    }

    /// A list of numbers.
    pub(super) fn floats(get: getter!(&'a [f64])) -> Self {
        Self::new(Data::Floats, false, move |rows, cells| {
            let Cells::FloatLists(lists, values) = cells else { return Err(mismatch()) };
            lists.add_all(rows.iter().map(|row| {
                values.extend_from_slice(get(row));
                values.len()
            }))
        })
    }

    /// A list of text.
    pub(super) fn texts<T: Iterator<Item = &'static str>>(get: getter!(T)) -> Self {
        Self::new(Data::Texts, false, move |rows, cells| {
            let Cells::TextLists(lists, texts) = cells else { return Err(mismatch()) };
            let mut end = texts.len();
            rows.iter().flat_map(&get).try_for_each(|text| texts.add_all(std::iter::once(text)))?;
            lists.add_all(rows.iter().map(|row| {
                end += get(row).count();
                end
            }))
        })
    }

    /// A list of intervals.
    pub(super) fn intervals(get: getter!(&'a [Interval])) -> Self {
        Self { nullable: false, ..Self::maybe_intervals(move |row| Some(get(row))) }
    }

    /// A list of intervals or null.
    pub(super) fn maybe_intervals(get: getter!(Option<&'a [Interval]>)) -> Self {
        Self::pairs("end", true, get, |interval| (interval.start, interval.end))
    }

    /// A list of unobserved stretches.
    pub(super) fn stretches(get: getter!(&'a [Stretch])) -> Self {
        Self::pairs("seconds", false, move |row| Some(get(row)), |stretch| (stretch.start, stretch.seconds))
    }

    fn pairs<T: 'static>(
        second: &'static str,
        nullable: bool,
        get: getter!(Option<&'a [T]>),
        split: impl Fn(&T) -> (f64, f64) + Send + Sync + 'static,
    ) -> Self {
        Self::new(Data::Pairs(second), nullable, move |rows, cells| {
            let Cells::PairLists(_, lists, [starts, seconds]) = cells else { return Err(mismatch()) };
            let ends = rows.iter().map(|row| {
                for (start, second) in get(row).unwrap_or_default().iter().map(&split) {
                    starts.push(start);
                    seconds.push(second);
                }
                starts.len()
            });
            lists.add_some(rows.iter().map(|row| get(row).is_some()), ends)
        })
    }
}
