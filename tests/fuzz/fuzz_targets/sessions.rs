//! From session rows to engagement rows and retention.
#![no_main]

use std::sync::LazyLock;

use arrow_array::RecordBatch;
use libfuzzer_sys::fuzz_target;
use watchspan::engagement::EngagementOptions;
use watchspan::engine::{AcceptedEvents, Engine, Handing, read_sessions, retention};
use watchspan::error::Result;
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, EventSchema, Videos};
use watchspan::retention::Buckets;
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;
use watchspan_fuzz::{Bytes, check, events, scrambled};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Some(1)).unwrap());
static ROWS: LazyLock<RecordBatch> = LazyLock::new(|| rows().unwrap().remove(0));

fn rows() -> Result<Vec<RecordBatch>> {
    let batch = events(0);
    let schema = EventSchema::bind(&batch.schema(), &ColumnMap::default())?;
    let mut events = AcceptedEvents::new(&ENGINE, schema, Vocabulary::default(), None);
    events.push(std::slice::from_ref(&batch))?;
    let mut found = Vec::new();
    events.session_rows(&Rules::default(), Handing::Portions, &mut |batches: Vec<RecordBatch>| {
        found.extend(batches);
        Ok(())
    })?;
    Ok(found)
}

fn used(bytes: &[u8]) -> Result<()> {
    let mut bytes = Bytes(bytes);
    let count_unobserved = bytes.byte() % 2 == 1;
    let batches = [scrambled(&ROWS, &mut bytes)];
    let (schema, videos) = (batches[0].schema(), Videos::default());
    let rules = Rules { count_unobserved, ..Rules::default() };
    let options = EngagementOptions { rules, scoring: Scoring::default(), unique_seconds: true };
    if let Ok(sessions) = read_sessions(&ENGINE, &schema, &batches) {
        check(&sessions.engagement(&ENGINE, &videos, &options)?);
    }
    check(&retention(&ENGINE, &schema, &batches, &videos, Buckets::count(3)?)?.0);
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    // An error is an answer.
    let _ = used(bytes);
});
