//! The tables that calls would give: schemas in, schemas out, and the errors that the calls would have.

use arrow_schema::{Schema, SchemaRef};

use super::walk::Ids;
use crate::error::Result;
use crate::input::{EventSchema, KeyTypes, SessionBatch};
use crate::output::{engagement_table, session_table};
use crate::rules::Rules;

/// The schema of the session table that `rules` make of events of the schema `events`.
#[must_use]
pub fn sessions_schema(events: &EventSchema, rules: &Rules) -> SchemaRef {
    session_table().schema(Ids::of(events, rules).keys)
}

/// The schema of the engagement table of rows whose keys are of the types `keys`.
#[must_use]
pub fn engagement_schema(keys: KeyTypes) -> SchemaRef {
    engagement_table().schema(keys)
}

/// The types of the keys of session rows of the schema `sessions`, all columns of which can be read.
///
/// # Errors
/// If a column is missing or of a type that cannot be read.
pub fn check_sessions(sessions: &Schema) -> Result<KeyTypes> {
    Ok(SessionBatch::schema_of(sessions)?.keys())
}
