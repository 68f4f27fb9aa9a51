//! The core on a fixed input, for counting instructions: `instructions STAGE EVENTS`.
//!
//! Stages: `make` only makes the input, `group` also reads it, `sessions` and `engagement` go on to these tables. What
//! a stage costs is the difference to one before it.

use std::process::ExitCode;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    types::Int32Type,
};
use watchspan::engagement::EngagementOptions;
use watchspan::engine::{Engine, PlainEvents};
use watchspan::error::Result;
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, EventSchema, Videos};
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;

/// Numbers that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % end
    }
}

const VIDEOS: u32 = 200;
/// How many viewers watch at a time: neighbouring rows are of different sessions.
const AT_ONCE: u32 = 500;
const NAMES: [&str; 6] =
    ["video_play", "video_pause", "video_resume", "video_seek", "heartbeat", "video_ended"];

fn input(count: usize, coded: bool) -> Result<RecordBatch> {
    let mut numbers = Numbers(7);
    let mut playing: Vec<(u32, u32, f64)> =
        (0..AT_ONCE).map(|viewer| (viewer, viewer % VIDEOS, 0.0)).collect();
    let (mut users, mut videos, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut names, mut times, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = AT_ONCE;
    for time in (1_767_225_600_000_000i64..).step_by(40_000).take(count) {
        let (viewer, video, position) = &mut playing[numbers.below(AT_ONCE) as usize];
        let name = NAMES[numbers.below(6) as usize];
        users.push(format!("{:012x}", u64::from(*viewer / 3) * 0x9E37_79B9));
        videos.push(format!("video-{video:04}"));
        sessions.push(format!("00000000-0000-4000-8000-{viewer:012x}"));
        names.push(name);
        times.push(time);
        positions.push(*position);
        *position += f64::from(numbers.below(40));
        if name == "video_ended" {
            (*viewer, *video, *position) = (next, numbers.below(VIDEOS), 0.0);
            next += 1;
        }
    }
    let keys = |values: Vec<String>| -> ArrayRef {
        if coded {
            Arc::new(values.iter().map(String::as_str).collect::<DictionaryArray<Int32Type>>())
        } else {
            Arc::new(StringArray::from(values))
        }
    };
    let columns: [(&str, ArrayRef); 6] = [
        ("userId", keys(users)),
        ("videoId", keys(videos)),
        ("sessionId", keys(sessions)),
        ("eventName", Arc::new(StringArray::from(names))),
        ("timestamp", Arc::new(TimestampMicrosecondArray::from(times))),
        ("currentTime", Arc::new(Float64Array::from(positions))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn run(stage: &str, count: usize) -> Result<usize> {
    let (stage, coded) = match stage.strip_suffix("-coded") {
        Some(stage) => (stage, true),
        None => (stage, false),
    };
    let batch = input(count, coded)?;
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
