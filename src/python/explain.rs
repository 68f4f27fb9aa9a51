//! One user's events on one video, and how each was judged.

use pyo3::prelude::*;

use super::door::guarded;
use super::input::bind_events;
use super::options::{columns, engine, key, rules, vocabulary};
use super::results::{Tables, export};
use super::source::Source;
use super::{Maybe, Object};
use crate::engine;
use crate::output::explanation_table;

/// One user's events on one video, and how each was judged.
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
        let engine = engine(threads)?;
        let (map, vocabulary, rules) =
            (self::columns(columns)?, self::vocabulary(vocabulary)?, self::rules(rules)?);
        let mut source = Source::new(events)?;
        let schema = bind_events(&source, &map)?;
        let user = key(user, "user", schema.keys().user)?;
        let video = key(video, "video", schema.keys().video)?;
        // Errors of the producer keep their type: the walk only sees that the batches end.
        let mut failed = None;
        let batches = std::iter::from_fn(|| match source.next_batch() {
            Ok(batch) => batch.map(Ok),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let rows = engine::explain(&engine, &schema, &vocabulary, &rules, [&user, &video], batches)?;
        if let Some(error) = failed {
            return Err(error);
        }
        let keys = schema.keys();
        let table = explanation_table();
        export(py, vec![table.batch(&rows, keys)?], &table.schema(keys))
    })
}
