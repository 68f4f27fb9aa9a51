//! How users' events become sessions.

use super::session_rows::Session;
use super::users::User;
use crate::engine::group::Record;
use crate::engine::order::Ordered;
use crate::rules::Rules;
use crate::session::{Cutting, SessionStats};

/// How users' events become sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walking<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) cutting: Cutting,
}

impl<'a> Walking<'a> {
    /// Under `rules`, for events that have session ids or not.
    pub(crate) fn new(rules: &'a Rules, has_session: bool) -> Self {
        Self { rules, cutting: Cutting::new(rules, has_session) }
    }

    /// Adds the session rows of `user` to `rows`, on the videos whose first fragment `is_wanted` accepts.
    pub(crate) fn add<R: Record>(
        self,
        user: &User<'_, R>,
        is_wanted: impl Fn(&Ordered) -> bool,
        rows: &mut Vec<Session>,
    ) {
        user.visit(self.cutting, is_wanted, |session| {
            let events = session.events.iter().map(Record::event);
            let row = || Session { at: session.at, cut_at: session.cut_at, stats: SessionStats::default() };
            rows.extend(std::iter::once_with(row));
            if let Some(row) = rows.last_mut() {
                row.stats.see(events, self.rules, |time| session.next_later(time));
            }
        });
    }
}
