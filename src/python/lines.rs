//! Which columns of the user's table are used; lines of JSON as a table of these.

use arrow_schema::{DataType, Field, Schema};
use pyo3::prelude::*;

use super::batches::changed;
use super::bridge::export_batch;
use super::door::{Maybe, Object, detached, guarded};
use super::options::columns;
use crate::input::{self, InputTable, LineReader, Step, steps};

/// What is used of a table whose columns have these `names`: the input column, the name of the table's own, and the path
/// into it.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it makes of a list")]
pub(super) fn used_columns(
    table: &str,
    columns: Maybe<'_, '_>,
    names: Vec<String>,
) -> PyResult<Vec<(&'static str, String, String)>> {
    guarded(|| {
        let table = InputTable::named(table);
        // Of columns of nothing but null, paths may lead anywhere.
        let fields = names.iter().map(|name| Field::new(name, DataType::Null, true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        let used = self::columns(columns)?.used(table, &schema)?;
        Ok(used.into_iter().map(|used| (used.column, used.own, used.path)).collect())
    })
}

/// What `text` is, read as a `number`, `seconds`, a `speed` or an `instant` (in seconds from 1970): the value, and
/// whether the text says its unit itself; nothing if it is none.
#[pyfunction]
pub(super) fn read_text(text: &str, kind: &str) -> PyResult<Option<(f64, bool)>> {
    guarded(|| Ok(input::read_text(text, kind)))
}

/// The columns in use of a batch of `events` or `videos`, under their default names and without units.
#[pyfunction]
pub(super) fn flat(
    py: Python<'_>,
    batch: Object<'_, '_>,
    table: &str,
    columns: Maybe<'_, '_>,
) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let map = self::columns(columns)?;
        changed(py, batch, |batch| input::flat(batch, InputTable::named(table), &map))
    })
}

/// The steps of `path`, each as its kind and what it names: `field` and a name, `item` and an index, or `where`, a field
/// and the text that it must be.
#[pyfunction]
pub(super) fn path_steps(path: &str) -> PyResult<Vec<(&'static str, String, Option<String>)>> {
    guarded(|| {
        let step = |step| match step {
            Step::Field(name) => ("field", name, None),
            Step::Item(index) => ("item", index.to_string(), None),
            Step::Where(field, text) => ("where", field, Some(text)),
        };
        Ok(steps(path)?.into_iter().map(step).collect())
    })
}

/// The rows of `block`, whole lines of JSON: the values at `paths` as columns of text of these names, and a column that
/// says which lines were none. Those that are among `names` are keys as they are; each item of the list with the
/// key `unnest` is a row.
#[pyfunction]
#[pyo3(signature = (block, paths, names = Vec::new(), unnest = None))]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it makes of a list")]
pub(super) fn json_lines(
    py: Python<'_>,
    block: &[u8],
    paths: Vec<String>,
    names: Vec<String>,
    unnest: Option<&str>,
) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let reader = LineReader::new(&paths, &names, unnest);
        export_batch(py, detached(py, || reader.read(block))?)
    })
}
