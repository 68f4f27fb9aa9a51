//! The stories of `tests/scenarios/`, through the core.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fs;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Map, Value, json};

use watchspan::engagement::EngagementOptions;
use watchspan::engine::{AcceptedEvents, Engine, Handing, Sessions, read_sessions};
use watchspan::event::Vocabulary;
use watchspan::input::{ColumnMap, DropReason, EventSchema, InputColumn, TypeFamily, Videos};
use watchspan::options::OptionValue;
use watchspan::rules::Rules;
use watchspan::scoring::Scoring;
use watchspan::time::Micros;

fn scenarios() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    files.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

/// A column of JSON values: numbers if all are, else text.
fn array(name: &str, values: Vec<&Value>) -> ArrayRef {
    let column = InputColumn::ALL.iter().find(|column| column.name == name);
    let family = column.map(|column| column.family);
    if matches!(family, Some(TypeFamily::Seconds | TypeFamily::Number)) {
        return Arc::new(values.into_iter().map(number).collect::<Float64Array>());
    }
    if values.iter().any(|value| value.is_number()) || family == Some(TypeFamily::Integer) {
        return Arc::new(values.into_iter().map(Value::as_i64).collect::<Int64Array>());
    }
    Arc::new(values.into_iter().map(Value::as_str).collect::<StringArray>())
}

/// JSON has no NaN and no infinity, so scenarios write them as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn batch(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn events(scenario: &Value) -> RecordBatch {
    let columns = scenario["columns"].as_array().unwrap();
    let events = scenario["events"].as_array().unwrap();
    let column = |(index, name): (usize, &Value)| {
        let name = name.as_str().unwrap();
        (name.to_owned(), array(name, events.iter().map(|event| &event[index]).collect()))
    };
    batch(columns.iter().enumerate().map(column).collect())
}

fn videos(scenario: &Value) -> Videos {
    let Some(rows) = scenario["videos"].as_array() else { return Videos::default() };
    let column = |name: &str| (name.to_owned(), array(name, rows.iter().map(|row| &row[name]).collect()));
    let batch = batch(["videoId", "duration", "title"].map(column).into_iter().collect());
    Videos::read(&batch.schema(), std::slice::from_ref(&batch), &ColumnMap::default()).unwrap()
}

fn vocabulary(scenario: &Value) -> Vocabulary {
    match &scenario["vocabulary"] {
        Value::Null => Vocabulary::default(),
        Value::String(name) => Vocabulary::preset(name).unwrap(),
        mapping => {
            let pairs = mapping.as_object().unwrap().iter();
            Vocabulary::from_pairs(pairs.map(|(name, kind)| (name.as_str(), kind.as_str().unwrap()))).unwrap()
        }
    }
}

fn option(value: &Value) -> OptionValue {
    match value {
        Value::Null => OptionValue::Unset,
        Value::Bool(switch) => OptionValue::Switch(*switch),
        number => OptionValue::Number(number.as_f64().unwrap()),
    }
}

fn given(scenario: &Value, key: &str) -> Map<String, Value> {
    scenario[key].as_object().cloned().unwrap_or_default()
}

fn options(scenario: &Value) -> EngagementOptions {
    let (mut rules, mut scoring) = (Rules::default(), Scoring::default());
    for (name, value) in given(scenario, "rules") {
        rules.set(&name, option(&value)).unwrap();
    }
    for (name, value) in given(scenario, "scoring") {
        scoring.set(&name, option(&value)).unwrap();
    }
    let unique_seconds = scenario["uniqueSeconds"].as_bool().unwrap_or(true);
    EngagementOptions { rules, scoring, unique_seconds }
}

/// The rows of a table as JSON, with timestamps as text.
fn rows(batches: &[RecordBatch]) -> Vec<Map<String, Value>> {
    let row = |batch: &RecordBatch, row: usize| {
        let fields = batch.schema();
        let cell =
            |(field, array): (&Arc<arrow_schema::Field>, &ArrayRef)| (field.name().clone(), cell(array, row));
        fields.fields().iter().zip(batch.columns()).map(cell).collect()
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |index| row(batch, index))).collect()
}

fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    if let Some(list) = array.as_list_opt::<i32>() {
        let items = list.value(row);
        return (0..items.len()).map(|index| cell(&items, index)).collect();
    }
    if let Some(pairs) = array.as_struct_opt() {
        let cells = pairs.fields().iter().zip(pairs.columns());
        return cells
            .map(|(field, column)| (field.name().clone(), cell(column, row)))
            .collect::<Map<_, _>>()
            .into();
    }
    let float = array.as_primitive_opt::<Float64Type>().map(|a| json!(a.value(row)));
    let int = array.as_primitive_opt::<Int64Type>().map(|a| json!(a.value(row)));
    let time =
        array.as_primitive_opt::<TimestampMicrosecondType>().map(|a| json!(Micros(a.value(row)).to_string()));
    let text = array.as_string_opt::<i32>().map(|a| json!(a.value(row)));
    let switch = array.as_boolean_opt().map(|a| json!(a.value(row)));
    float.or(int).or(time).or(text).or(switch).unwrap()
}

/// Equal within 1e-6 wherever numbers stand.
fn agree(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Number(a), Value::Number(b)) => (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() <= 1e-6,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            b.iter().all(|(key, b)| a.get(key).is_some_and(|a| agree(a, b)))
        }
        _ => actual == expected,
    }
}

fn compare(name: &str, table: &str, batches: &[RecordBatch], expected: &Value) -> usize {
    let Some(expected) = expected.as_array() else { return 0 };
    let actual = rows(batches);
    assert_eq!(actual.len(), expected.len(), "{name}: rows of {table}: {actual:?}");
    for (actual, expected) in actual.iter().zip(expected) {
        for (column, expected) in expected.as_object().unwrap() {
            let actual =
                actual.get(column).unwrap_or_else(|| panic!("{name}: {table} has no column {column}"));
            assert!(agree(actual, expected), "{name}: {table}.{column} is {actual}, not {expected}");
        }
    }
    expected.len()
}

fn sessions(engine: &Engine, scenario: &Value, batches: &[RecordBatch]) -> Sessions {
    let schema = EventSchema::bind(&batches[0].schema(), &ColumnMap::default()).unwrap();
    let mut events = AcceptedEvents::new(engine, schema, vocabulary(scenario), None);
    events.push(batches).unwrap();
    events.sessions(&options(scenario).rules).unwrap()
}

fn check_counts(name: &str, scenario: &Value, sessions: &Sessions) {
    let expected = given(&scenario["expected"], "dropped");
    for reason in DropReason::ALL {
        let expected = expected.get(reason.name()).and_then(Value::as_u64).unwrap_or(0);
        assert_eq!(sessions.counts().dropped(reason), expected, "{name}: {}", reason.name());
    }
}

#[test]
fn every_story_comes_out_as_told() {
    let engine = Engine::new(Some(2)).unwrap();
    let scenarios = scenarios();
    assert!(scenarios.len() >= 20, "only {} scenarios were found", scenarios.len());
    let mut compared = 0;
    for (name, scenario) in &scenarios {
        let sessions = sessions(&engine, scenario, &[events(scenario)]);
        check_counts(name, scenario, &sessions);
        let expected = &scenario["expected"];
        let rows = sessions.batches(&engine).unwrap();
        compared += compare(name, "sessions", &rows, &expected["sessions"]);
        let engagement = sessions.engagement(&engine, &videos(scenario), &options(scenario)).unwrap();
        compared += compare(name, "engagement", &engagement, &expected["engagement"]);
    }
    assert!(compared >= scenarios.len(), "only {compared} rows were compared");
}

#[test]
fn row_order_batches_and_threads_change_nothing() {
    for (name, scenario) in &scenarios() {
        let whole = events(scenario);
        let mut backwards: Vec<_> = (0..whole.num_rows()).rev().map(|row| whole.slice(row, 1)).collect();
        backwards.push(whole.slice(0, 0));
        let mut results = Vec::new();
        for (threads, batches) in [(1, vec![whole]), (3, backwards)] {
            let engine = Engine::new(Some(threads)).unwrap();
            let sessions = sessions(&engine, scenario, &batches);
            let engagement = sessions.engagement(&engine, &videos(scenario), &options(scenario)).unwrap();
            results.push((rows(&sessions.batches(&engine).unwrap()), rows(&engagement)));
        }
        assert_eq!(results[0], results[1], "{name}");
    }
}

#[test]
fn engagement_is_a_function_of_the_session_table() {
    let engine = Engine::new(Some(2)).unwrap();
    for (name, scenario) in &scenarios() {
        let sessions = sessions(&engine, scenario, &[events(scenario)]);
        let batches = sessions.batches(&engine).unwrap();
        let again = read_sessions(&engine, &sessions.schema(), &batches).unwrap();
        let (videos, options) = (videos(scenario), options(scenario));
        let [direct, indirect] =
            [&sessions, &again].map(|s| rows(&s.engagement(&engine, &videos, &options).unwrap()));
        assert_eq!(direct, indirect, "{name}");
    }
}

/// Both tables as they are made directly from events, with a bound on memory or without one.
fn made(
    engine: &Engine,
    scenario: &Value,
    batches: &[RecordBatch],
    limit: Option<usize>,
) -> [Vec<Map<String, Value>>; 2] {
    let options = options(scenario);
    let accepted = || {
        let schema = EventSchema::bind(&batches[0].schema(), &ColumnMap::default()).unwrap();
        let mut events = AcceptedEvents::new(engine, schema, vocabulary(scenario), limit);
        batches.iter().for_each(|batch| events.push(std::slice::from_ref(batch)).unwrap());
        events
    };
    let (mut sessions, mut engagement) = (Vec::new(), Vec::new());
    let take = |rows: &mut Vec<RecordBatch>, batches| {
        rows.extend::<Vec<_>>(batches);
        Ok(())
    };
    let of_sessions = accepted()
        .session_rows(&options.rules, Handing::Whole, |batches| take(&mut sessions, batches))
        .unwrap();
    let videos = videos(scenario);
    let of_engagement = accepted()
        .engagement_rows(&videos, &options, Handing::Whole, |batches| take(&mut engagement, batches))
        .unwrap();
    assert_eq!(of_sessions.counts, of_engagement.counts);
    [rows(&sessions), rows(&engagement)]
}

#[test]
fn tables_made_at_once_and_from_temporary_files_are_the_same() {
    let engine = Engine::new(Some(2)).unwrap();
    for (name, scenario) in &scenarios() {
        let whole = events(scenario);
        let pieces: Vec<_> = (0..whole.num_rows()).map(|row| whole.slice(row, 1)).collect();
        let sessions = sessions(&engine, scenario, std::slice::from_ref(&whole));
        let engagement = sessions.engagement(&engine, &videos(scenario), &options(scenario)).unwrap();
        let expected = [rows(&sessions.batches(&engine).unwrap()), rows(&engagement)];
        assert_eq!(made(&engine, scenario, std::slice::from_ref(&whole), None), expected, "{name}");
        let pieces = if pieces.is_empty() { vec![whole] } else { pieces };
        assert_eq!(made(&engine, scenario, &pieces, Some(2)), expected, "{name} from temporary files");
    }
}
