//! One user's events on one video, and how each was judged.

use pyo3::prelude::*;

use super::door::{Maybe, Object, guarded, interruptible};
use super::input::{bind_events, push_all};
use super::options::{columns, engine, key, rules, vocabulary};
use super::results::{Tables, export};
use super::source::Source;
use crate::engine::Explanation;

/// The events of one user on one video, each with its verdict.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the arguments of the public function, which names them")]
pub(super) fn explain(
    py: Python<'_>,
    events: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    vocabulary: Maybe<'_, '_>,
    rules: Object<'_, '_>,
    user: Object<'_, '_>,
    video: Object<'_, '_>,
    threads: Maybe<'_, '_>,
) -> PyResult<Tables> {
    guarded(|| {
        let (engine, map) = (engine(threads)?, self::columns(columns)?);
        let (vocabulary, rules, source) =
            (self::vocabulary(vocabulary)?, self::rules(rules)?, Source::new(events)?);
        let schema = bind_events(&source, &map)?;
        let keys = [key(user, "user", schema.keys().user)?, key(video, "video", schema.keys().video)?];
        let mut explanation = Explanation::new(&engine, schema, vocabulary, keys);
        push_all(py, &engine, source, |batches| explanation.push(batches))?;
        let table = interruptible(py, &engine, || explanation.table(&rules))?;
        let schema = table.schema();
        export(py, vec![table], &schema)
    })
}
