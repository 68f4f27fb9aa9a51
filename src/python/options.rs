//! Options from the frozen dataclasses `Rules` and `Scoring`, by attribute.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use super::door::{Maybe, Object, guarded};
use super::errors::OptionError;
use crate::engagement::EngagementOptions;
use crate::engine::Engine;
use crate::error::Error;
use crate::event::Vocabulary;
use crate::input::{ColumnMap, ColumnSource, KeyType, Unit};
use crate::moments::Settings;
use crate::options::{OptionSpec, OptionValue};
use crate::retention::Buckets;
use crate::rules::Rules;
use crate::scoring::Scoring;
use crate::time::{Micros, Zone};

/// The confidence, the fewest viewers, the least share and the most of each kind.
pub(super) type MomentArguments = (f64, i64, f64, usize);

fn value(object: Object<'_, '_>, option: &str, spec: &OptionSpec) -> PyResult<OptionValue> {
    if object.is_none() {
        return Ok(OptionValue::Unset);
    }
    if let Ok(switch) = object.cast::<PyBool>() {
        return Ok(OptionValue::Switch(switch.is_true()));
    }
    let number = if object.is_instance_of::<PyString>() { None } else { object.extract::<f64>().ok() };
    number.map(OptionValue::Number).ok_or_else(|| {
        let (found, accepted) = (show(object), spec.accepts.text());
        OptionError::new_err(format!("{option}.{} is {found}, but {accepted} is needed.", spec.name))
    })
}

fn show(object: Object<'_, '_>) -> String {
    object.repr().map_or_else(|_| "something without a repr".to_owned(), |repr| repr.to_string())
}

pub(super) fn rules(object: Object<'_, '_>) -> PyResult<Rules> {
    let mut rules = Rules::default();
    for spec in Rules::specs() {
        let value = value(&attribute(object, "rules", "Rules", spec.name)?, "Rules", &spec)?;
        rules.set(spec.name, value)?;
    }
    Ok(rules)
}

pub(super) fn scoring(object: Object<'_, '_>) -> PyResult<Scoring> {
    let mut scoring = Scoring::default();
    for spec in Scoring::specs() {
        let value = value(&attribute(object, "scoring", "Scoring", spec.name)?, "Scoring", &spec)?;
        scoring.set(spec.name, value)?;
    }
    scoring.check()?;
    Ok(scoring)
}

pub(super) fn engagement_options(
    rules: Object<'_, '_>,
    scoring: Object<'_, '_>,
    unique_seconds: bool,
) -> PyResult<EngagementOptions> {
    Ok(EngagementOptions { rules: self::rules(rules)?, scoring: self::scoring(scoring)?, unique_seconds })
}

fn attribute<'py>(
    object: Object<'_, 'py>,
    argument: &str,
    class: &str,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    object.getattr(name).map_err(|_| {
        let found = show(object);
        OptionError::new_err(format!(
            "{argument} is {found}, but an instance of watchspan.{class} is needed."
        ))
    })
}

/// Refuses rules with a value that is not accepted.
#[pyfunction]
pub(super) fn check_rules(rules: Object<'_, '_>) -> PyResult<()> {
    guarded(|| self::rules(rules).map(|_| ()))
}

/// Refuses scoring with a value that is not accepted.
#[pyfunction]
pub(super) fn check_scoring(scoring: Object<'_, '_>) -> PyResult<()> {
    guarded(|| self::scoring(scoring).map(|_| ()))
}

/// Refuses a vocabulary that does not exist, or that has a kind which does not.
#[pyfunction]
pub(super) fn check_vocabulary(vocabulary: Maybe<'_, '_>) -> PyResult<()> {
    guarded(|| self::vocabulary(vocabulary).map(drop))
}

/// Refuses a number of threads that is not accepted.
#[pyfunction]
pub(super) fn check_threads(threads: Maybe<'_, '_>) -> PyResult<()> {
    guarded(|| engine(threads).map(drop))
}

pub(super) fn vocabulary(object: Maybe<'_, '_>) -> PyResult<Vocabulary> {
    let Some(object) = object else { return Ok(Vocabulary::default()) };
    if let Ok(name) = object.extract::<String>() {
        return Ok(Vocabulary::preset(&name)?);
    }
    let pairs: Option<Vec<(String, String)>> =
        object.cast::<PyDict>().ok().and_then(|mapping| mapping.items().extract().ok());
    let pairs = pairs.ok_or_else(|| {
        let found = show(object);
        OptionError::new_err(format!(
            "vocabulary is {found}, but None, the name of a preset, or a dict of event name to kind is needed."
        ))
    })?;
    Ok(Vocabulary::from_pairs(pairs.iter().map(|(name, kind)| (name.as_str(), kind.as_str())))?)
}

pub(super) fn columns(object: Maybe<'_, '_>) -> PyResult<ColumnMap> {
    let Some(object) = object else { return Ok(ColumnMap::default()) };
    let pairs = object.cast::<PyDict>().ok().and_then(|mapping| {
        let pair = |(name, place): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            let source = (!place.is_none()).then(|| place.extract::<SourceArgument>());
            name.extract::<String>().ok().zip(source.transpose().ok())
        };
        mapping.iter().map(pair).collect::<Option<Vec<_>>>()
    });
    let pairs = pairs.ok_or_else(|| {
        let found = show(object);
        OptionError::new_err(format!(
            "columns is {found}, but a dict of column name to the name in your table is needed, \
             such as {{\"userId\": \"uid\"}}."
        ))
    })?;
    let pairs =
        pairs.into_iter().map(|(name, source)| Ok((name, source.map(SourceArgument::read).transpose()?)));
    Ok(ColumnMap::new(pairs.collect::<PyResult<Vec<_>>>()?)?)
}

/// Where a column is, as Python says it.
#[derive(FromPyObject)]
enum SourceArgument {
    Name(String),
    Names(Vec<String>),
    #[pyo3(from_item_all)]
    Column {
        paths: Vec<String>,
        unit: Option<String>,
        timezone: Option<String>,
        value: Option<String>,
        missing: Vec<String>,
        or_default: bool,
    },
}

impl SourceArgument {
    fn read(self) -> PyResult<ColumnSource> {
        Ok(match self {
            Self::Name(name) => name.into(),
            Self::Names(paths) => ColumnSource { paths, ..ColumnSource::default() },
            Self::Column { paths, unit, timezone, value, missing, or_default } => {
                let unit = unit.as_deref().map(Unit::named).transpose()?;
                let zone = timezone.as_deref().map(zone_named).transpose()?;
                ColumnSource { paths, unit, zone, value, missing, or_default }
            }
        })
    }
}

fn zone_named(name: &str) -> PyResult<Zone> {
    name.parse().map_err(|_| {
        let accepted = "the name of a time zone, such as Europe/Berlin,".to_owned();
        Error::Option { option: "timezone".to_owned(), value: format!("{name:?}"), accepted }.into()
    })
}

pub(super) fn engine(threads: Maybe<'_, '_>) -> PyResult<Engine> {
    let Some(object) = threads else { return Ok(Engine::new(None)?) };
    let number = if object.is_instance_of::<PyBool>() { None } else { object.extract::<usize>().ok() };
    let number = number.ok_or_else(|| Error::Option {
        option: "threads".to_owned(),
        value: show(object),
        accepted: "None or a whole number from 1".to_owned(),
    })?;
    Ok(Engine::new(Some(number))?)
}

pub(super) fn whole(object: Object<'_, '_>, option: &str) -> PyResult<usize> {
    let number = if object.is_instance_of::<PyBool>() { None } else { object.extract::<usize>().ok() };
    number.ok_or_else(|| {
        let accepted = "a whole number that is not negative".to_owned();
        Error::Option { option: option.to_owned(), value: show(object), accepted }.into()
    })
}

/// How to cut videos: `bucket_seconds`, or else `buckets` says.
pub(super) fn buckets(buckets: Maybe<'_, '_>, bucket_seconds: Maybe<'_, '_>) -> PyResult<Buckets> {
    match (bucket_seconds, buckets) {
        (Some(seconds), _) => Ok(Buckets::seconds(number(seconds, "bucket_seconds")?)?),
        (None, Some(count)) => Ok(Buckets::count(whole(count, "buckets")?)?),
        (None, None) => {
            let accepted = "a whole number, or bucket_seconds".to_owned();
            Err(Error::Option { option: "buckets".to_owned(), value: "None".to_owned(), accepted }.into())
        }
    }
}

/// What counts as a moment, of videos that are cut into `buckets`.
pub(super) fn moment_settings(buckets: Buckets, settings: MomentArguments) -> PyResult<Settings> {
    let (confidence, min_viewers, min_share, max_each) = settings;
    Ok(Settings { buckets, confidence, min_viewers, min_share, max_each }.checked()?)
}

/// A key as a column of keys of type `key` holds it.
pub(super) fn key(object: Object<'_, '_>, option: &str, key: KeyType) -> PyResult<Vec<u8>> {
    let text = object.str()?.to_string();
    let accepted = format!("{} as in the events' column", key.noun());
    key.read(&text).ok_or_else(|| Error::Option { option: option.to_owned(), value: text, accepted }.into())
}

pub(super) fn micros(object: Maybe<'_, '_>, option: &str) -> PyResult<Option<Micros>> {
    let Some(object) = object else { return Ok(None) };
    let number = if object.is_instance_of::<PyBool>() { None } else { object.extract::<i64>().ok() };
    number.map(|number| Some(Micros(number))).ok_or_else(|| {
        let accepted = "None or a whole number of microseconds since 1970".to_owned();
        Error::Option { option: option.to_owned(), value: show(object), accepted }.into()
    })
}

pub(super) fn number(object: Object<'_, '_>, option: &str) -> PyResult<f64> {
    let number = if object.is_instance_of::<PyBool>() { None } else { object.extract::<f64>().ok() };
    number.ok_or_else(|| {
        let accepted = "a finite number above 0".to_owned();
        Error::Option { option: option.to_owned(), value: show(object), accepted }.into()
    })
}
