//! The core on a fixed input, for counting instructions: `instructions STAGE EVENTS`.
//!
//! Stages: `make` only makes the input, `group` also reads it, `sessions` and `engagement` go on to these tables. What
//! a stage costs is the difference to one before it.

mod input;

use std::process::ExitCode;

use arrow_array::RecordBatch;
use watchspan::engagement::EngagementOptions;
use watchspan::engine::{Engine, PlainEvents};
use watchspan::error::Result;
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, EventSchema, Videos};
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;

fn run(stage: &str, count: usize) -> Result<usize> {
    let (stage, coded) = match stage.strip_suffix("-coded") {
        Some(stage) => (stage, true),
        None => (stage, false),
    };
    let batch = input::events(count, coded)?;
    if stage == "make" {
        return Ok(batch.num_rows());
    }
    let engine = Engine::new(Some(1))?;
    let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default())?;
    let mut events = PlainEvents::new(&engine, schema, Vocabulary::default());
    events.push(&[batch])?;
    let rules = Rules::default();
    let mut rows = 0;
    let count_rows = |batches: Vec<RecordBatch>| {
        rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        Ok(())
    };
    match stage {
        "sessions" => events.session_rows(&rules, count_rows).map(|_| rows),
        "engagement" => {
            let options = EngagementOptions { rules, scoring: Scoring::default(), unique_seconds: true };
            events.engagement_rows(&Videos::default(), &options, count_rows).map(|_| rows)
        }
        _ => Ok(0),
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (Some(stage), Some(count)) =
        (arguments.next(), arguments.next().and_then(|count| count.parse().ok()))
    else {
        // As a target of `cargo test` or `cargo bench` without arguments it has nothing to do.
        return ExitCode::SUCCESS;
    };
    match run(&stage, count) {
        Ok(rows) => {
            println!("{rows}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
