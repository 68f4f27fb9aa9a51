//! The scopes table: who has events in a time window, and from when to when.

use super::column::{Column, Table};
use super::types::Key;
use super::value;
use crate::time::Micros;

/// One user, or one user's session id, and the span of their events.
#[derive(Debug)]
#[expect(missing_docs, reason = "two keys and the span")]
pub struct ScopeRow<'k> {
    pub user: &'k [u8],
    pub session: &'k [u8],
    pub first: Micros,
    pub last: Micros,
}

type Value<'k> = value::Value<ScopeRow<'k>>;

/// The scopes table's columns; `sessionId` only if the events have session ids.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn scope_table<'k>(has_session: bool) -> Table<ScopeRow<'k>> {
    let user = Column { name: "userId", unit: "", doc: "The viewer.", value: Value::key(Key::User, |r| r.user.into()) };
    let session = Column { name: "sessionId", unit: "", doc: "The session id, as in the input.", value: Value::key(Key::Session, |r| r.session.into()) };
    let first = Column { name: "firstTime", unit: "us since 1970 UTC", doc: "The first event in the window.", value: Value::int(|r| r.first.0) };
    let last = Column { name: "lastTime", unit: "us since 1970 UTC", doc: "The last event in the window.", value: Value::int(|r| r.last.0) };
    let session = has_session.then_some(session);
    Table::new([Some(user), session, Some(first), Some(last)].into_iter().flatten().collect())
}
