//! Events of a span of time: who has some, and which they are.

use pyo3::prelude::*;

use super::batches::changed;
use super::door::{Maybe, Object, guarded, interruptible};
use super::input::{bind_events, push_all};
use super::options::{columns, engine, micros, vocabulary};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine::Scopes;
use crate::input;

/// Who has events in a time window, and from when to when.
#[pyfunction]
pub(super) fn scopes(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    start: Maybe<'_, '_>,
    end: Maybe<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let (engine, map, vocabulary) =
            (engine(threads)?, self::columns(columns)?, self::vocabulary(vocabulary)?);
        let (start, end, source) = (micros(start, "start")?, micros(end, "end")?, Source::new(events)?);
        let mut scopes = Scopes::new(&engine, bind_events(&source, &map)?, vocabulary, start, end);
        push_all(py, &engine, source, |batches| scopes.push(batches))?;
        let batches = interruptible(py, &engine, || scopes.batches())?;
        export(py, batches, &scopes.schema())
    })
}

/// The events that lie in the span that their row states.
#[pyfunction]
pub(super) fn within(py: Python<'_>, batch: Object<'_, '_>, columns: Maybe<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let map = self::columns(columns)?;
        changed(py, batch, |batch| input::within(batch, &map))
    })
}
