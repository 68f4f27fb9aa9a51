//! What structs of the Arrow C interface claim of themselves, held against each other before anything is read by it.
//!
//! The interface tells how many rows there are and where buffers begin, but not how long these are. So this finds every
//! contradiction within the structs; that a buffer is as long as the rows need is the producer's word. pyarrow, which
//! knows it, is asked before it hands its arrays over (see [`super::bridge::check_sizes`]).

use std::ops::Range;

use arrow_data::layout;
use arrow_schema::DataType;
use arrow_schema::ffi::FFI_ArrowSchema;

use super::bridge::{RawArray, children, text};

/// Nothing, or what is wrong, as the end of a sentence.
type Checked<T = ()> = Result<T, String>;

/// How deep types may be nested. Reading and freeing them goes down by calls, for which a thread has so much room.
const DEEPEST: usize = 64;
/// More rows than a machine can have, and so few that sizes in bytes do not overflow.
const MOST_ROWS: i64 = 1 << 50;

/// Checks what a schema claims.
pub(super) fn check_schema(schema: &FFI_ArrowSchema) -> Checked {
    check_field(schema, 0)
}

fn check_field(schema: &FFI_ArrowSchema, depth: usize) -> Checked {
    if schema.release.is_none() {
        return Err("its schema is released: somebody else has taken it before".to_owned());
    }
    if depth > DEEPEST {
        return Err(format!("its types are nested more than {DEEPEST} deep"));
    }
    let format = text(schema.format).ok_or("its schema names a type by nothing")?;
    let format = format.to_str().map_err(|_| format!("its schema names a type {format:?}"))?;
    if let Some(name) = text(schema.name)
        && name.to_str().is_err()
    {
        return Err(format!("the name {name:?} is not UTF-8"));
    }
    check_number(format)?;
    let within = |reason| match text(schema.name).and_then(|name| name.to_str().ok()) {
        Some(name) if depth > 0 => format!("in {name:?}: {reason}"),
        _ => reason,
    };
    let found = children(schema).ok_or_else(|| {
        within(format!("a schema of {} parts does not say where they are", schema.n_children))
    })?;
    if let Some(expected) = parts_of(format)
        && found.len() != expected
    {
        return Err(within(format!("the type {format:?} has {} parts instead of {expected}", found.len())));
    }
    if format == "+m"
        && !found.iter().all(|entries| text(entries.format) == Some(c"+s") && entries.n_children == 2)
    {
        return Err(within("a map has something else than pairs".to_owned()));
    }
    if schema.dictionary().is_some() && !"cCsSiIlL".contains(format) {
        return Err(within(format!("the codes of a dictionary are of the type {format:?}")));
    }
    found
        .into_iter()
        .chain(schema.dictionary())
        .try_for_each(|part| check_field(part, depth + 1))
        .map_err(within)
}

/// How many parts a type has; nothing where it says so itself.
fn parts_of(format: &str) -> Option<usize> {
    match format {
        "+s" => None,
        "+l" | "+L" | "+vl" | "+vL" | "+m" => Some(1),
        "+r" => Some(2),
        _ if format.starts_with("+w:") => Some(1),
        _ if format.starts_with("+u") => format.split_once(':').map(|(_, ids)| ids.split(',').count()),
        _ => Some(0),
    }
}

/// Checks the number that stands in some types.
fn check_number(format: &str) -> Checked {
    let Some((kind, numbers)) = format.split_once(':') else { return Ok(()) };
    let number = numbers.split(',').next().map(str::parse::<i32>);
    match (kind, number) {
        ("w" | "+w", Some(Ok(0..))) | ("d", Some(Ok(1..))) => Ok(()),
        ("w" | "+w" | "d", _) => Err(format!("there is no type {format:?}")),
        _ => Ok(()),
    }
}

/// Checks what an array of that type claims.
pub(super) fn check_array(array: &RawArray, data_type: &DataType) -> Checked {
    if array.is_released() {
        return Err("its array is released: somebody else has taken it before".to_owned());
    }
    let (length, offset) = (rows(array.length, "length")?, rows(array.offset, "offset")?);
    let rows = offset..offset + length;
    check_buffers(array, data_type, rows.end)?;
    check_nulls(array, data_type, rows.clone())?;
    check_parts(array, data_type, rows)?;
    match (array.dictionary(), data_type) {
        (None, DataType::Dictionary(..)) => Err("a dictionary has no values".to_owned()),
        (None, _) => Ok(()),
        (Some(values), DataType::Dictionary(_, of)) => check_array(values, of),
        (Some(_), _) => Err(format!("a dictionary comes with {data_type}")),
    }
}

fn rows(claimed: i64, what: &str) -> Checked<usize> {
    let number = usize::try_from(claimed).ok().filter(|_| claimed <= MOST_ROWS);
    number.ok_or_else(|| format!("an array has the {what} {claimed}"))
}

fn check_buffers(array: &RawArray, data_type: &DataType, end: usize) -> Checked {
    let layout = layout(data_type);
    let fixed = usize::from(layout.can_contain_null_mask) + layout.buffers.len();
    // Arrays of nothing but null have none, whatever they claim.
    if *data_type == DataType::Null {
        return Ok(());
    }
    // The sizes of those in between stand in the last one.
    let least = if layout.variadic { fixed + 1 } else { fixed };
    let count = usize::try_from(array.buffer_count()).ok();
    let count = count.filter(|&count| count == least || layout.variadic && count > least && count < 1 << 24);
    let count = count.ok_or_else(|| {
        format!("an array of {data_type} has {} buffers instead of {least}", array.buffer_count())
    })?;
    if count > 0 && !array.has_buffers() {
        return Err(format!("an array of {data_type} does not say where its buffers are"));
    }
    // The first one says what is null, and may be missing; text may be, if there is none.
    let needed = usize::from(layout.can_contain_null_mask)..fixed.min(2);
    if end > 0 && needed.into_iter().any(|index| array.buffer(index).is_null()) {
        return Err(format!("an array of {end} rows of {data_type} lacks a buffer"));
    }
    if layout.variadic {
        check_sizes(array, fixed..count - 1)?;
    }
    Ok(())
}

/// Checks the sizes of the buffers that text views point into.
fn check_sizes(array: &RawArray, buffers: Range<usize>) -> Checked {
    let sizes = buffers.end;
    if !buffers.is_empty() && array.buffer(sizes).is_null() {
        return Err("text views do not say how large their buffers are".to_owned());
    }
    let is_wrong = |(index, buffer): (usize, usize)| {
        let size: i64 = array.number(sizes, index);
        size < 0 || size > 0 && array.buffer(buffer).is_null()
    };
    if buffers.enumerate().any(is_wrong) {
        return Err("text views have a buffer of no such size".to_owned());
    }
    Ok(())
}

fn check_nulls(array: &RawArray, data_type: &DataType, rows: Range<usize>) -> Checked {
    let claimed = array.null_count;
    let length = rows.len();
    let nulls = match data_type {
        DataType::Null => return Ok(()),
        _ if !layout(data_type).can_contain_null_mask || array.buffer(0).is_null() => 0,
        _ => length - array.set_bits(rows),
    };
    // -1 stands for a number that is to be found out.
    if claimed != -1 && usize::try_from(claimed) != Ok(nulls) {
        return Err(format!("an array of {length} rows claims {claimed} nulls, and has {nulls}"));
    }
    Ok(())
}

fn check_parts(array: &RawArray, data_type: &DataType, rows: Range<usize>) -> Checked {
    let types: Vec<&DataType> = match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => vec![field.data_type()],
        DataType::RunEndEncoded(ends, values) => vec![ends.data_type(), values.data_type()],
        _ => Vec::new(),
    };
    let parts = array.children(types.len()).ok_or_else(|| {
        format!("an array of {data_type} has {} parts instead of {}", array.child_count(), types.len())
    })?;
    let names = |index: usize| match data_type {
        DataType::Struct(fields) => format!("in {:?}: ", fields[index].name()),
        _ => String::new(),
    };
    for (index, (part, of)) in parts.iter().zip(types).enumerate() {
        check_array(part, of).map_err(|reason| format!("{}{reason}", names(index)))?;
    }
    let size = |index: usize| parts.get(index).map_or(0, |part| part.length);
    let needed = match data_type {
        DataType::Struct(_) => i64::try_from(rows.end).ok(),
        DataType::FixedSizeList(_, width) => i64::try_from(rows.end).ok().map(|end| end * i64::from(*width)),
        _ => None,
    };
    if let Some(needed) = needed
        && let Some(short) = (0..parts.len()).find(|&index| size(index) < needed)
    {
        let (name, found) = (names(short), size(short));
        return Err(format!("{name}an array of {found} rows stands where {needed} are needed"));
    }
    check_offsets(array, data_type, rows, size(0))
}

/// Checks that text and lists lie in order and within what they are parts of. Of text only the ends are looked at: what
/// lies between them is where columns are bound.
fn check_offsets(array: &RawArray, data_type: &DataType, rows: Range<usize>, values: i64) -> Checked {
    use DataType::{Binary, LargeBinary, LargeList, LargeListView, LargeUtf8, List, ListView, Map, Utf8};
    if rows.is_empty() {
        return Ok(());
    }
    let narrow = |buffer, row| i64::from(array.number::<i32>(buffer, row));
    let wide = |buffer, row| array.number::<i64>(buffer, row);
    let is_right = match data_type {
        Utf8 | Binary => in_order([narrow(1, rows.start), narrow(1, rows.end)], i64::MAX),
        LargeUtf8 | LargeBinary => in_order([wide(1, rows.start), wide(1, rows.end)], i64::MAX),
        List(_) | Map(..) => in_order((rows.start..=rows.end).map(|row| narrow(1, row)), values),
        LargeList(_) => in_order((rows.start..=rows.end).map(|row| wide(1, row)), values),
        ListView(_) => rows.clone().all(|row| is_within(narrow(1, row), narrow(2, row), values)),
        LargeListView(_) => rows.clone().all(|row| is_within(wide(1, row), wide(2, row), values)),
        _ => true,
    };
    if is_right { Ok(()) } else { Err(format!("an array of {data_type} has offsets that are not in order")) }
}

fn in_order(offsets: impl IntoIterator<Item = i64>, most: i64) -> bool {
    let mut last = 0;
    offsets.into_iter().all(|offset| {
        let is_right = last <= offset && offset <= most;
        last = offset;
        is_right
    })
}

fn is_within(start: i64, size: i64, values: i64) -> bool {
    start >= 0 && size >= 0 && start.checked_add(size).is_some_and(|end| end <= values)
}
