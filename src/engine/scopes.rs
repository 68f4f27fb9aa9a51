//! Who has events in a time window, and from when to when.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::events::PlainEvents;
use super::fragments::SLICE_ROWS;
use super::order::ordered;
use super::record::{Plain, Record};
use super::store::{At, KeyArena, KeyStore};
use super::{Engine, Events};
use crate::error::Result;
use crate::event::Vocabulary;
use crate::input::EventSchema;
use crate::output::{ScopeRow, scope_table};
use crate::time::Micros;

/// Collects the accepted events of a time window: of each user and session id, the first and the last.
///
/// Only spans are kept, never the events.
pub struct Scopes<'e> {
    events: PlainEvents<'e>,
    window: Range<Micros>,
    store: KeyStore,
    /// Of each fragment in the store, the first and the last event.
    spans: Vec<Vec<(Micros, Micros)>>,
}

impl<'e> Scopes<'e> {
    /// No events yet, of a table of that schema. `start` is in the window, `end` is not; without one the window is open.
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

    /// Takes in batches, in parallel.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, or the work was stopped.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        self.events.push(batches)?;
        for chunk in self.events.chunks.drain(..) {
            let (mut keys, mut spans) = (KeyArena::default(), Vec::new());
            for fragment in chunk.keys.all() {
                let times = chunk.records(fragment).iter().map(Plain::time);
                if let Some(span) = span(times.filter(|time| self.window.contains(time))) {
                    let [user, _, session] = chunk.keys.get(fragment);
                    keys.push([user, &[], session]);
                    spans.push(span);
                }
            }
            self.store.0.push(keys);
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
        let fragments = self.events.engine.run(|| ordered(store));
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

    /// The row of all fragments of one user and session id.
    fn row(&self, scope: &[At]) -> Option<ScopeRow<'_>> {
        let [user, _, session] = self.store.get(*scope.first()?);
        let ends = |&At { chunk, fragment }: &At| self.spans[chunk as usize][fragment as usize];
        let (first, last) = span(scope.iter().map(ends).flat_map(|(first, last)| [first, last]))?;
        Some(ScopeRow { user, session, first, last })
    }
}

/// The least and the greatest of some instants.
fn span(times: impl Iterator<Item = Micros>) -> Option<(Micros, Micros)> {
    times.fold(None, |span, time| match span {
        None => Some((time, time)),
        Some((first, last)) => Some((time.min(first), time.max(last))),
    })
}
