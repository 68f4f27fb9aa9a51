//! Who has events in a time window, and from when to when.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::events::Events;
use super::group::{Plain, Record, SLICE_ROWS};
use super::order::{At, KeyStore, sorted_by_keys};
use super::pool::Engine;
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::{EventSchema, KeyArena};
use crate::output::{ScopeRow, scope_table};
use crate::time::Micros;

/// Collects the accepted events of a time window: of each user and session id, the first and the last.
///
/// Only spans are kept, never the events.
pub struct Scopes<'e> {
    events: Events<'e, Plain>,
    window: Range<Micros>,
    store: KeyStore,
    /// Of each fragment in the store, the first and the last event.
    spans: Vec<Vec<(Micros, Micros)>>,
}

impl<'e> Scopes<'e> {
    /// No events yet, of a table of `schema` whose event names mean what `vocabulary` says. The window begins with
    /// `start` and ends before `end`; without one of them it is open there.
    #[must_use]
    pub fn new(
        engine: &'e Engine,
        schema: EventSchema,
        vocabulary: Vocabulary,
        start: Option<Micros>,
        end: Option<Micros>,
    ) -> Self {
        let window = start.unwrap_or(Micros(i64::MIN))..end.unwrap_or(Micros(i64::MAX));
        let events = Events::new(engine, schema, vocabulary);
        Self { events, window, store: KeyStore::default(), spans: Vec::new() }
    }

    /// Takes in `batches`, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, or the work was stopped.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        self.events.push(batches)?;
        for chunk in self.events.chunks.drain(..) {
            let (mut keys, mut spans) = (KeyArena::default(), Vec::new());
            for fragment in chunk.keys.range() {
                let times = chunk.records(fragment).iter().map(Plain::time);
                if let Some(span) = span(times.filter(|time| self.window.contains(time))) {
                    let [user, _, session] = chunk.keys.get(fragment);
                    keys.push([user, &[], session]);
                    spans.push(span);
                }
            }
            self.store.add(keys)?;
            self.spans.push(spans);
        }
        Ok(())
    }

    /// The schema of the scopes table.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let schema = self.events.schema();
        scope_table(schema.has_session()).schema(schema.keys())
    }

    /// The scopes table, ordered by its keys.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn batches(&self) -> Result<Vec<RecordBatch>> {
        let (store, schema) = (&self.store, self.events.schema());
        let fragments = self.events.engine.run(|| sorted_by_keys(store));
        let rows: Vec<_> = fragments
            .chunk_by(|&a, &b| store.get(a) == store.get(b))
            .filter_map(|scope| self.row(scope))
            .collect();
        let batch = |rows: &[ScopeRow<'_>]| {
            self.events.engine.check()?;
            scope_table(schema.has_session()).batch(rows, schema.keys())
        };
        rows.chunks(SLICE_ROWS).map(batch).collect()
    }

    /// The row of `scope`, the fragments of one user and session id.
    fn row(&self, scope: &[At]) -> Option<ScopeRow<'_>> {
        let [user, _, session] = self.store.get(*scope.first()?);
        let ends = |&At { chunk, fragment }: &At| self.spans[chunk as usize][fragment as usize];
        let (first, last) = span(scope.iter().map(ends).flat_map(|(first, last)| [first, last]))?;
        Some(ScopeRow { user, session, first, last })
    }
}

/// The least and the greatest of `times`.
fn span(times: impl Iterator<Item = Micros>) -> Option<(Micros, Micros)> {
    times.fold(None, |span, time| match span {
        None => Some((time, time)),
        Some((first, last)) => Some((time.min(first), time.max(last))),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray, cast::AsArray};

    use super::*;
    use crate::input::ColumnMap;

    /// User, session id, event name, time.
    const EVENTS: [(&str, &str, &str, i64); 8] = [
        ("bob", "s2", "play", 40),
        ("ann", "s1", "play", 10),
        ("bob", "s1", "play", 20),
        ("ann", "s1", "pause", 30),
        ("ann", "s1", "heartbeat", 20),
        ("ann", "s1", "what?", 5),
        ("bob", "s1", "pause", 39),
        ("cid", "s1", "what?", 20),
    ];

    fn batch(events: &[(&str, &str, &str, i64)], has_session: bool) -> RecordBatch {
        let text = |of: fn(&(&str, &str, &str, i64)) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(events.iter().map(of)))
        };
        let times = TimestampMicrosecondArray::from_iter_values(events.iter().map(|event| event.3));
        // Videos take turns, so that no scope is one fragment.
        let videos = StringArray::from_iter_values(["v1", "v2"].into_iter().cycle().take(events.len()));
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("userId", text(|event| event.0.to_owned())),
            ("eventName", text(|event| event.2.to_owned())),
            ("videoId", Arc::new(videos)),
            ("timestamp", Arc::new(times)),
            ("currentTime", Arc::new(Float64Array::from(vec![0.0; events.len()]))),
        ];
        if has_session {
            columns.push(("sessionId", text(|event| event.1.to_owned())));
        }
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// The rows as `user/session first-last`.
    fn scopes(batches: &[RecordBatch], start: Option<i64>, end: Option<i64>) -> Vec<String> {
        let engine = Engine::new(Some(2)).unwrap();
        let schema = EventSchema::bind(batches[0].schema_ref(), &ColumnMap::default()).unwrap();
        let (start, end) = (start.map(Micros), end.map(Micros));
        let mut scopes = Scopes::new(&engine, schema, Vocabulary::default(), start, end);
        batches.iter().for_each(|batch| scopes.push(std::slice::from_ref(batch)).unwrap());
        let mut rows = Vec::new();
        for batch in scopes.batches().unwrap() {
            assert_eq!(batch.schema(), scopes.schema());
            let text = |name: &str, row: usize| {
                batch.column_by_name(name).map(|column| column.as_string_opt::<i32>().unwrap().value(row))
            };
            let time = |name: &str, row: usize| {
                batch.column_by_name(name).unwrap().as_primitive_opt::<Int64Type>().unwrap().value(row)
            };
            rows.extend((0..batch.num_rows()).map(|row| {
                let (user, session) =
                    (text("userId", row).unwrap(), text("sessionId", row).unwrap_or_default());
                format!("{user}/{session} {}-{}", time("firstTime", row), time("lastTime", row))
            }));
        }
        rows
    }

    #[test]
    fn each_scope_runs_from_its_first_to_its_last_accepted_event() {
        let whole = [batch(&EVENTS, true)];
        assert_eq!(scopes(&whole, None, None), ["ann/s1 10-30", "bob/s1 20-39", "bob/s2 40-40"]);
        let parts = EVENTS.chunks(3).map(|events| batch(events, true)).collect::<Vec<_>>();
        assert_eq!(scopes(&parts, None, None), scopes(&whole, None, None));
        assert_eq!(scopes(&[batch(&EVENTS, false)], None, None), ["ann/ 10-30", "bob/ 20-40"]);
    }

    #[test]
    fn a_window_has_its_start_and_not_its_end() {
        let events = [batch(&EVENTS, true)];
        assert_eq!(scopes(&events, Some(20), Some(39)), ["ann/s1 20-30", "bob/s1 20-20"]);
        assert_eq!(scopes(&events, Some(40), None), ["bob/s2 40-40"]);
        assert_eq!(scopes(&events, None, Some(11)), ["ann/s1 10-10"]);
        assert_eq!(scopes(&events, Some(20), Some(20)), Vec::<String>::new());
        assert_eq!(scopes(&events, Some(41), Some(0)), Vec::<String>::new());
    }
}
