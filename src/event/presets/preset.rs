//! A preset, and how it is written down.

use toml::{Table, Value};

use super::super::meaning::{LISTING_ORDER, Meaning};
use crate::error::{Error, Result};

/// What is special about a source of events, with what a user must know before trusting it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The name to ask for it by.
    pub name: String,
    /// What sends these events, in one line.
    pub title: String,
    /// Where its facts were taken from.
    pub source: String,
    /// What to prepare and know: what its player must send, units, what is ignored. Markdown.
    pub notes: String,
    /// Event names, exactly as sent, and their meanings, in the order of these.
    pub names: Vec<(String, Meaning)>,
    /// Where its raw records have the input columns.
    pub columns: Vec<(String, PresetColumn)>,
    /// Rules that its conventions ask for, and their values.
    pub rules: Vec<(String, f64)>,
    /// The list of which each item is a record, in the place of the list.
    pub unnest: Option<String>,
    /// Columns that one record of a session says for all of them.
    pub fill: Vec<String>,
}

/// Where a source's raw records have a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresetColumn {
    /// Names or paths, of which the first that is there and not null counts.
    pub paths: Vec<String>,
    /// What its numbers count.
    pub unit: Option<String>,
    /// Where the clocks stand that made stamps without a zone.
    pub timezone: Option<String>,
    /// What it is where nothing is found.
    pub value: Option<String>,
    /// Words that stand for nothing.
    pub missing: Vec<String>,
}

impl Preset {
    /// The preset `name` that `text` describes, in TOML: `title`, `source`, `notes`, and the tables `events`, `columns`
    /// and `rules`, each of which may be left out.
    ///
    /// # Errors
    /// If it is no such description.
    pub fn read(name: &str, text: &str) -> Result<Self> {
        let wrong = |reason: String| Error::Preset { name: name.to_owned(), reason };
        let table: Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        Self::of(name, &table).map_err(wrong)
    }

    fn of(name: &str, table: &Table) -> std::result::Result<Self, String> {
        const KEYS: [&str; 8] = ["title", "source", "notes", "unnest", "fill", "events", "columns", "rules"];
        if let Some(other) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("{other:?} is none of {}", KEYS.join(", ")));
        }
        let text = |key: &str| match table.get(key) {
            None => Ok(String::new()),
            Some(value) => text(key, value),
        };
        let mut names =
            entries(table, "events")?.into_iter().map(meaning).collect::<std::result::Result<Vec<_>, _>>()?;
        names.sort_by_key(|(_, meaning)| LISTING_ORDER.iter().position(|other| other == meaning));
        Ok(Self {
            name: name.to_owned(),
            title: text("title")?,
            source: text("source")?,
            notes: text("notes")?.trim().to_owned(),
            names,
            columns: entries(table, "columns")?
                .into_iter()
                .map(column)
                .collect::<std::result::Result<_, _>>()?,
            unnest: table.get("unnest").map(|value| self::text("unnest", value)).transpose()?,
            fill: table.get("fill").map_or(Ok(Vec::new()), |value| texts("fill", value))?,
            rules: entries(table, "rules")?.into_iter().map(rule).collect::<std::result::Result<_, _>>()?,
        })
    }
}

type Entry<'t> = (&'t String, &'t Value);

/// The entries of the table `key`; none if it is not there.
fn entries<'t>(table: &'t Table, key: &str) -> std::result::Result<Vec<Entry<'t>>, String> {
    match table.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Table(entries)) => Ok(entries.iter().collect()),
        Some(_) => Err(format!("{key} is no table")),
    }
}

fn meaning((event, value): Entry<'_>) -> std::result::Result<(String, Meaning), String> {
    let name = text(event, value)?;
    let meaning = Meaning::from_name(&name).ok_or_else(|| format!("{event:?} cannot mean {name:?}"))?;
    Ok((event.clone(), meaning))
}

fn column((name, value): Entry<'_>) -> std::result::Result<(String, PresetColumn), String> {
    let place = match value {
        Value::Table(table) => {
            if let Some(other) = table
                .keys()
                .find(|key| !["paths", "unit", "timezone", "value", "missing"].contains(&key.as_str()))
            {
                return Err(format!(
                    "{name:?} has {other:?}, which is none of paths, unit, timezone, value, missing"
                ));
            }
            let texts = |key: &str| table.get(key).map_or(Ok(Vec::new()), |value| texts(name, value));
            let one = |key: &str| table.get(key).map(|value| scalar(name, value)).transpose();
            PresetColumn {
                paths: texts("paths")?,
                unit: one("unit")?,
                timezone: one("timezone")?,
                value: one("value")?,
                missing: texts("missing")?,
            }
        }
        paths => PresetColumn { paths: texts(name, paths)?, ..PresetColumn::default() },
    };
    Ok((name.clone(), place))
}

fn rule((name, value): Entry<'_>) -> std::result::Result<(String, f64), String> {
    let number = value.as_float().or_else(|| scalar(name, value).ok()?.parse().ok());
    number.map(|number| (name.clone(), number)).ok_or_else(|| format!("{name:?} is no number"))
}

fn text(name: &str, value: &Value) -> std::result::Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{name:?} is no text"))
}

/// One text, or several.
fn texts(name: &str, value: &Value) -> std::result::Result<Vec<String>, String> {
    match value {
        Value::Array(values) => values.iter().map(|value| scalar(name, value)).collect(),
        value => Ok(vec![scalar(name, value)?]),
    }
}

/// A text or number as text.
fn scalar(name: &str, value: &Value) -> std::result::Result<String, String> {
    match value {
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        value => text(name, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;

    const TEXT: &str = r#"
        title = "Ours"
        [events]
        stop = "pause"
        start = "play"
        [columns]
        userId = "uid"
        timestamp = { paths = ["at"], unit = "ms", missing = [-1] }
        sessionId = ["session", "device"]
        [rules]
        heartbeat_seconds = 11
    "#;

    #[test]
    fn a_description_is_read() {
        let preset = Preset::read("ours", TEXT).unwrap();
        let names = [("start", EventKind::Play), ("stop", EventKind::Pause)];
        assert_eq!(preset.names, names.map(|(name, kind)| (name.to_owned(), Meaning::Kind(kind))));
        let (name, place) = &preset.columns[1];
        assert_eq!(
            (name.as_str(), place.unit.as_deref(), &place.missing[..]),
            ("timestamp", Some("ms"), &["-1".to_owned()][..])
        );
        assert_eq!(preset.columns[2].1.paths, ["session", "device"]);
        assert_eq!(preset.rules, [("heartbeat_seconds".to_owned(), 11.0)]);
    }

    #[test]
    fn what_is_no_description_says_what_is_wrong() {
        for (text, reason) in [
            ("title = 3", "\"title\" is no text"),
            ("event = 3", "\"event\" is none of title"),
            ("events = 3", "events is no table"),
            ("[events]\nx = \"start\"", "\"x\" cannot mean \"start\""),
            ("[columns]\nuserId = {path = \"x\"}", "\"userId\" has \"path\""),
            ("[columns]\nuserId = true", "\"userId\" is no text"),
            ("[rules]\nheartbeat_seconds = \"often\"", "\"heartbeat_seconds\" is no number"),
            ("title =", "preset \"ours\""),
        ] {
            let error = Preset::read("ours", text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
