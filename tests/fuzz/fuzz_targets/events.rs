//! From events to session rows, engagement rows and a report.
#![no_main]

use std::sync::LazyLock;

use arrow_array::RecordBatch;
use libfuzzer_sys::fuzz_target;
use watchspan::engagement::EngagementOptions;
use watchspan::engine::{AcceptedEvents, Engine, Explanation, Handing, validate};
use watchspan::error::Result;
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, EventSchema, Videos};
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;
use watchspan_fuzz::{Bytes, check, events, scrambled};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Some(1)).unwrap());

fn aggregated(
    schema: EventSchema,
    batches: &[RecordBatch],
    limit: Option<usize>,
    rows: bool,
) -> Result<()> {
    let mut events = AcceptedEvents::new(&ENGINE, schema, Vocabulary::default(), limit);
    events.push(batches)?;
    let take = &mut |batches: Vec<RecordBatch>| {
        check(&batches);
        Ok(())
    };
    if rows {
        events.session_rows(&Rules::default(), Handing::Portions, take)?;
    } else {
        let (rules, scoring) = (Rules::default(), Scoring::default());
        let options = EngagementOptions { rules, scoring, unique_seconds: true };
        events.engagement_rows(&Videos::default(), &options, Handing::Portions, take)?;
    }
    Ok(())
}

fn used(bytes: &[u8]) -> Result<()> {
    let mut bytes = Bytes(bytes);
    let (layout, mode) = (bytes.byte(), bytes.byte());
    let sound = events(layout);
    let batches = [scrambled(&sound, &mut bytes), sound];
    let schema = EventSchema::bind(&batches[0].schema(), &ColumnMap::default())?;
    match mode % 8 {
        0 => {
            let mut found = validate(&ENGINE, schema, Vocabulary::default(), 3);
            found.push(&batches)?;
            found.examples()?;
        }
        1 => {
            let keys = [b"ann".to_vec(), b"v1".to_vec()];
            let mut explanation = Explanation::new(&ENGINE, schema, Vocabulary::default(), keys);
            explanation.push(&batches)?;
            explanation.table(&Rules::default())?;
        }
        _ => {
            let limit = (mode % 8 == 2).then_some(1);
            aggregated(schema, &batches, limit, mode % 2 == 0)?;
        }
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    // An error is an answer.
    let _ = used(bytes);
});
