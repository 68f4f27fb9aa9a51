//! What the clean step would drop.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::{bind_events, push_all};
use super::options::{columns, engine, vocabulary, whole};
use super::results::report;
use super::source::Source;
use crate::engine::{self, Example};

/// The first rows to be dropped for each reason, and how many events were read, kept and dropped.
#[pyfunction]
pub(super) fn validate<'py>(
    py: Python<'py>,
    events: Object<'_, 'py>,
    columns: Maybe<'_, 'py>,
    vocabulary: Maybe<'_, 'py>,
    examples: Object<'_, 'py>,
    threads: Maybe<'_, 'py>,
) -> PyResult<(Vec<Bound<'py, PyDict>>, Py<PyDict>)> {
    guarded(|| {
        let (engine, source) = (engine(threads)?, Source::new(events)?);
        let schema = bind_events(&source, &self::columns(columns)?)?;
        let examples = whole(examples, "examples")?;
        let mut events = engine::validate(&engine, schema, self::vocabulary(vocabulary)?, examples);
        push_all(py, &engine, source, |batches| events.push(batches))?;
        let (examples, counts) = interruptible(py, &engine, || events.examples())?;
        let examples = examples.iter().map(|example| entry(py, example)).collect::<PyResult<_>>()?;
        Ok((examples, report(py, &counts)?))
    })
}

fn entry<'py>(py: Python<'py>, example: &Example) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    entry.set_item("reason", example.reason.name())?;
    entry.set_item("row", example.row)?;
    Ok(entry)
}
