//! What calls would give, and whether what they take is all right. Only `check_videos` reads rows.

use arrow_schema::Schema;
use pyo3::prelude::*;

use super::bridge::{export_schema, import_schema, import_type};
use super::door::{Maybe, Object, guarded};
use super::input::read_videos;
use super::options::{columns, rules};
use crate::engine;
use crate::error::Error;
use crate::input::{EventSchema, OwnSchema, Videos};
use crate::output::session_table;

/// The schema that `aggregate` gives for events of a schema.
#[pyfunction]
pub(super) fn aggregate_schema(
    py: Python<'_>,
    events: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
) -> PyResult<Py<PyAny>> {
    guarded(|| export_schema(py, &engine::engagement_schema(bound(events, columns)?.keys())))
}

/// The schema that `sessions` gives for events of a schema.
#[pyfunction]
pub(super) fn sessions_schema(
    py: Python<'_>,
    events: Maybe<'_, '_>,
    columns: Maybe<'_, '_>,
    rules: Object<'_, '_>,
) -> PyResult<Py<PyAny>> {
    guarded(|| export_schema(py, &engine::sessions_schema(&bound(events, columns)?, &self::rules(rules)?)))
}

/// The schema that `engagement` gives for session rows of a schema.
#[pyfunction]
pub(super) fn engagement_schema(py: Python<'_>, sessions: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let keys = engine::check_sessions(&import_schema(sessions)?)?;
        export_schema(py, &engine::engagement_schema(keys))
    })
}

/// The schema of session or engagement rows, with keys as session rows of a schema have them.
#[pyfunction]
pub(super) fn output_schema(py: Python<'_>, table: &str, sessions: Object<'_, '_>) -> PyResult<Py<PyAny>> {
    guarded(|| {
        let keys = OwnSchema::sessions(&import_schema(sessions)?)?.keys();
        match table {
            "sessions" => export_schema(py, &session_table().schema(keys)),
            "engagement" => export_schema(py, &engine::engagement_schema(keys)),
            _ => Err(Error::Option {
                option: "table".to_owned(),
                value: format!("{table:?}"),
                accepted: "sessions or engagement".to_owned(),
            }
            .into()),
        }
    })
}

/// Refuses a videos table whose columns or rows `aggregate` would refuse.
#[pyfunction]
pub(super) fn check_videos(videos: Object<'_, '_>, columns: Maybe<'_, '_>) -> PyResult<()> {
    guarded(|| read_videos(Some(videos), &self::columns(columns)?).map(drop))
}

/// Refuses a videos table of a schema that `aggregate` would refuse, for events with keys of a type.
#[pyfunction]
pub(super) fn check_videos_schema(
    videos: Object<'_, '_>,
    columns: Maybe<'_, '_>,
    key: Object<'_, '_>,
) -> PyResult<()> {
    guarded(|| {
        let (schema, key) = (import_schema(videos)?, import_type(key)?);
        Ok(Videos::check(&schema, &self::columns(columns)?, &key)?)
    })
}

/// Where the columns of `events`, a schema, are under the names in `columns`. Without a schema all columns are there under
/// their default names, and the names are only checked.
fn bound(events: Maybe<'_, '_>, columns: Maybe<'_, '_>) -> PyResult<EventSchema> {
    let (map, schema) = (self::columns(columns)?, events.map(import_schema).transpose()?);
    Ok(schema.map_or_else(EventSchema::of_nothing, |schema: Schema| EventSchema::bind(&schema, &map))?)
}
