//! How long the pieces of the core take: `cargo bench --no-default-features --bench pieces`.

mod input;

use std::hint::black_box;

use arrow_array::RecordBatch;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use watchspan::duration::{Duration, DurationSource};
use watchspan::engagement::{Engagement, EngagementOptions};
use watchspan::engine::{AcceptedEvents, Engine, Handing, steps};
use watchspan::error::Result;
use watchspan::event::{Event, EventKind, Vocabulary};
use watchspan::input::{ColumnMap, Dictionaries, EventBatch, EventSchema, KeyTypes};
use watchspan::intervals::{Interval, IntervalSet};
use watchspan::output::{EngagementRow, engagement_table};
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;
use watchspan::session::SessionStats;
use watchspan::time::Micros;

const EVENTS: usize = 65_536;

fn read<'e>(engine: &'e Engine, batch: &RecordBatch) -> Result<AcceptedEvents<'e>> {
    let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default())?;
    let mut events = AcceptedEvents::new(engine, schema, Vocabulary::default(), None);
    events.push(std::slice::from_ref(batch))?;
    Ok(events)
}

/// From columns to fragments: cleaning, hashing, comparing and putting together.
fn group(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("group");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, coded) in [("text", false), ("dictionary", true)] {
        let (Ok(batch), Ok(engine)) = (input::events(EVENTS, coded), Engine::new(Some(1))) else { return };
        group.bench_function(name, |bench| bench.iter(|| black_box(read(&engine, &batch).is_ok())));
    }
}

/// The steps that grouping and ordering are made of, each by itself.
fn steps(criterion: &mut Criterion) {
    let (Ok(batch), Ok(engine)) = (input::events(EVENTS, false), Engine::new(Some(1))) else { return };
    let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default());
    let keys = schema.and_then(|schema| EventBatch::bind(&schema, &batch, &Dictionaries::default()));
    let (Ok(keys), Ok(events)) = (keys, read(&engine, &batch)) else { return };
    let mut group = criterion.benchmark_group("steps");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("hash", |bench| bench.iter(|| steps::hash(black_box(&keys))));
    group.bench_function("partition", |bench| {
        let setup = || read(&engine, &batch);
        bench.iter_batched(setup, |events| events.map(steps::partition), BatchSize::LargeInput);
    });
    let partitioned = steps::partition(events);
    group.bench_function("sort", |bench| bench.iter(|| black_box(&partitioned).sort()));
}

/// From fragments to the tables: ordering, bringing together, walking and building.
fn finish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("order, walk and build");
    group.throughput(Throughput::Elements(EVENTS as u64));
    let (Ok(batch), Ok(videos)) = (input::events(EVENTS, false), input::videos()) else { return };
    let Ok(engine) = Engine::new(Some(1)) else { return };
    let setup = || read(&engine, &batch);
    let rules = Rules::default();
    group.bench_function("sessions", |bench| {
        let finish =
            |events: Result<AcceptedEvents<'_>>| events?.session_rows(&rules, Handing::Whole, |_| Ok(()));
        bench.iter_batched(setup, |events| finish(events).is_ok(), BatchSize::LargeInput);
    });
    let options = EngagementOptions { rules, scoring: Scoring::default(), unique_seconds: true };
    group.bench_function("engagement", |bench| {
        let finish = |events: Result<AcceptedEvents<'_>>| {
            events?.engagement_rows(&videos, &options, Handing::Whole, |_| Ok(()))
        };
        bench.iter_batched(setup, |events| finish(events).is_ok(), BatchSize::LargeInput);
    });
}

fn event(number: u32) -> Event {
    const KINDS: [EventKind; 3] = [EventKind::Play, EventKind::Heartbeat, EventKind::Pause];
    let seconds = f64::from(number) * 10.0;
    Event {
        time: Micros(i64::from(number) * 10_000_000),
        kind: KINDS[number as usize % KINDS.len()],
        position: Some(seconds),
        seek_from: None,
        rate: None,
        sequence: None,
        duration: None,
    }
}

fn session(count: u32) -> Option<SessionStats> {
    SessionStats::observe((0..count).map(event), &Rules::default(), |_| None)
}

/// The player's state machine over one session.
fn walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    for count in [9, 900] {
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(format!("{count} events"), |bench| bench.iter(|| session(black_box(count))));
    }
}

fn union(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("union");
    for count in [3u32, 300] {
        // Every other one touches its neighbour, and they come in no order.
        let interval = |number: u32| {
            let start = f64::from(number * 7 % count * 10);
            Interval { start, end: start + if number.is_multiple_of(2) { 10.0 } else { 4.0 } }
        };
        let intervals: Vec<_> = (0..count).map(interval).collect();
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(format!("{count} intervals"), |bench| {
            bench.iter(|| IntervalSet::union(black_box(&intervals).iter().copied()));
        });
    }
}

/// Engagement rows from sessions, and the table from rows.
fn engage(criterion: &mut Criterion) {
    const ROWS: usize = 8192;
    let options =
        EngagementOptions { rules: Rules::default(), scoring: Scoring::default(), unique_seconds: true };
    let Some(stats) = session(9) else { return };
    let duration = Duration::stated(Some(300.0), DurationSource::Metadata);
    let combine = || Engagement::combine(black_box([&stats, &stats]).into_iter(), duration, &options);
    criterion.bench_function("combine two sessions", |bench| bench.iter(combine));
    let row = |_| {
        let engagement = combine()?;
        Some(EngagementRow {
            user: b"5f0c2a9d7e31",
            video: b"video-0042",
            title: Some("A title"),
            engagement,
        })
    };
    let rows: Vec<_> = (0..ROWS).filter_map(row).collect();
    let mut group = criterion.benchmark_group("build");
    group.throughput(Throughput::Elements(ROWS as u64));
    let table = engagement_table();
    group.bench_function("engagement rows", |bench| {
        bench.iter(|| table.batch(black_box(&rows), KeyTypes::default()).is_ok());
    });
}

criterion_group!(pieces, group, steps, finish, walk, union, engage);
criterion_main!(pieces);
