//! The core on a fixed input, for counting instructions: `instructions STAGE EVENTS`. It prints what came of it, and the
//! nanoseconds that it took once the input was made.
//!
//! Stages: `make` only makes the input, `group` also reads it, `sessions` and `engagement` go on to these tables,
//! `estimated` to an engagement table for which every duration is estimated. With `-coded`, keys are dictionaries. What
//! a stage costs is the difference to one before it.
//!
//! Three more show limits: `read` reads the input once, `hash` hashes the keys of every row, `touch` takes as much fresh
//! memory as the engagement table needs beside the input.

mod input;

use std::hash::{BuildHasher, Hasher};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use arrow_array::{Array, RecordBatch, cast::AsArray};
use watchspan::engagement::EngagementOptions;
use watchspan::engine::{AcceptedEvents, Engine, Handing};
use watchspan::error::Result;
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, EventSchema, Videos};
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;

/// What came of a stage, and how long it took once the input was there.
fn run(stage: &str, count: usize) -> Result<(usize, Duration)> {
    let (stage, coded) = match stage.strip_suffix("-coded") {
        Some(stage) => (stage, true),
        None => (stage, false),
    };
    let batch = input::events(count, coded)?;
    let start = Instant::now();
    let found = match limit(stage, &batch) {
        Some(found) => found,
        None => work(stage, batch)?,
    };
    Ok((found, start.elapsed()))
}

fn work(stage: &str, batch: RecordBatch) -> Result<usize> {
    let engine = Engine::new(Some(1))?;
    let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default())?;
    let mut events = AcceptedEvents::new(&engine, schema, Vocabulary::default(), None);
    events.push(&[batch])?;
    let rules = Rules::default();
    let mut rows = 0;
    let count_rows = |batches: Vec<RecordBatch>| {
        rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        Ok(())
    };
    match stage {
        "sessions" => events.session_rows(&rules, Handing::Whole, count_rows).map(|_| rows),
        "engagement" | "estimated" => {
            let videos = if stage == "engagement" { input::videos()? } else { Videos::default() };
            let options = EngagementOptions { rules, scoring: Scoring::default(), unique_seconds: true };
            events.engagement_rows(&videos, &options, Handing::Whole, count_rows).map(|_| rows)
        }
        _ => Ok(0),
    }
}

/// Measured at ten million events: bytes in use at the peak beyond the input, per event.
const MEMORY_PER_EVENT: usize = 58;

/// Making the input alone, or what no engine can do without, as a number that depends on all of it.
fn limit(stage: &str, batch: &RecordBatch) -> Option<usize> {
    Some(match stage {
        "make" => batch.num_rows(),
        "read" => {
            let buffers = batch.columns().iter().flat_map(|column| column.to_data().buffers().to_vec());
            buffers.map(|buffer| buffer.iter().map(|&byte| usize::from(byte)).sum::<usize>()).sum()
        }
        "hash" => {
            let hash = foldhash::fast::FixedState::default();
            let keys = ["userId", "videoId", "sessionId"].map(|name| batch.column_by_name(name));
            let keys: Vec<_> = keys.iter().flatten().filter_map(|keys| keys.as_string_opt::<i32>()).collect();
            let of_row = |row| {
                let mut hasher = hash.build_hasher();
                keys.iter().for_each(|keys| hasher.write(keys.value(row).as_bytes()));
                hasher.finish()
            };
            usize::from((0..batch.num_rows()).fold(0, |all, row| all ^ of_row(row)) != 0)
        }
        "touch" => {
            let mut memory: Vec<u8> = Vec::with_capacity(batch.num_rows() * MEMORY_PER_EVENT);
            memory.resize(memory.capacity(), 1);
            memory.iter().step_by(4096).map(|&byte| usize::from(byte)).sum()
        }
        _ => return None,
    })
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
        Ok((found, took)) => {
            println!("{found} {}", took.as_nanos());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
