//! What documentation and the Python package derive from the core: options, columns, vocabularies.

use arrow_schema::Schema;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::bridge::export_schema;
use crate::event::{EventKind, Meaning, Preset, PresetColumn, presets};
use crate::flags::Flag;
use crate::input::{DropReason, InputColumn};
use crate::options::{OptionSpec, OptionValue};
use crate::output::{ColumnSpec, engagement_table, explanation_table, retention_table, session_table};
use crate::rules::Rules;
use crate::scoring::Scoring;

/// The rules: name, type, default, range, meaning.
#[pyfunction]
pub(super) fn rule_specs(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    option_specs(py, &Rules::specs())
}

/// The scoring options: name, type, default, range, meaning.
#[pyfunction]
pub(super) fn scoring_specs(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    option_specs(py, &Scoring::specs())
}

fn option_specs<'py>(py: Python<'py>, specs: &[OptionSpec]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for spec in specs {
        let entry = PyDict::new(py);
        entry.set_item("name", spec.name)?;
        entry.set_item("type", spec.accepts.annotation())?;
        set_value(&entry, "default", spec.default)?;
        entry.set_item("accepted", spec.accepts.text())?;
        entry.set_item("doc", spec.doc)?;
        entry.set_item("shapes_walk", spec.shapes_walk)?;
        list.append(entry)?;
    }
    Ok(list)
}

fn set_value(entry: &Bound<'_, PyDict>, key: &str, value: OptionValue) -> PyResult<()> {
    match value {
        OptionValue::Number(number) => entry.set_item(key, number),
        OptionValue::Switch(switch) => entry.set_item(key, switch),
        OptionValue::Unset => entry.set_item(key, entry.py().None()),
    }
}

/// The options of the additive preset.
#[pyfunction]
pub(super) fn additive_scoring(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let additive = Scoring::additive();
    let entry = PyDict::new(py);
    for spec in Scoring::specs() {
        set_value(&entry, spec.name, additive.get(spec.name).unwrap_or(OptionValue::Unset))?;
    }
    Ok(entry)
}

/// The columns of an output table.
#[pyfunction]
pub(super) fn column_specs<'py>(py: Python<'py>, table: &str) -> PyResult<Bound<'py, PyList>> {
    let specs: Vec<ColumnSpec> = match table {
        "sessions" => session_table().specs(),
        "engagement" => engagement_table().specs(),
        "retention" => retention_table().specs(),
        "explanation" => explanation_table().specs(),
        _ => {
            return Err(crate::error::Error::Option {
                option: "table".to_owned(),
                value: format!("{table:?}"),
                accepted: "sessions, engagement, retention or explanation".to_owned(),
            }
            .into());
        }
    };
    let list = PyList::empty(py);
    for spec in specs {
        let entry = PyDict::new(py);
        entry.set_item("name", spec.name)?;
        entry.set_item("type", spec.type_name)?;
        entry.set_item("nullable", spec.nullable)?;
        entry.set_item("unit", spec.unit)?;
        entry.set_item("doc", spec.doc)?;
        list.append(entry)?;
    }
    Ok(list)
}

/// The columns of the input tables.
#[pyfunction]
pub(super) fn input_column_specs(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    let fields: Vec<_> = InputColumn::ALL.iter().map(InputColumn::field).collect();
    let fields = export_schema(py, &Schema::new(fields))?.into_bound(py).try_iter()?;
    for (column, field) in InputColumn::ALL.iter().zip(fields) {
        let entry = PyDict::new(py);
        entry.set_item("name", column.name)?;
        entry.set_item("table", column.table.name())?;
        entry.set_item("required", column.required)?;
        entry.set_item("family", column.family.name())?;
        entry.set_item("is_number", column.family.is_number())?;
        entry.set_item("type", field?.getattr("type")?)?;
        entry.set_item("accepted", column.family.accepted())?;
        entry.set_item("doc", column.doc)?;
        list.append(entry)?;
    }
    Ok(list)
}

/// The data quality flags and when each applies.
#[pyfunction]
pub(super) fn flag_specs() -> Vec<(&'static str, &'static str)> {
    Flag::ALL.map(|flag| (flag.name(), flag.doc())).to_vec()
}

/// The reasons to drop an event and when each applies.
#[pyfunction]
pub(super) fn drop_reasons() -> Vec<(&'static str, &'static str)> {
    DropReason::ALL.map(|reason| (reason.name(), reason.doc())).to_vec()
}

/// What a vocabulary can map an event name to.
#[pyfunction]
pub(super) fn meanings() -> Vec<&'static str> {
    EventKind::ALL.into_iter().map(EventKind::name).chain([Meaning::IGNORE]).collect()
}

/// The vocabulary presets.
#[pyfunction]
pub(super) fn preset_specs(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    presets().try_for_each(|preset| list.append(preset_spec(py, preset)?))?;
    Ok(list)
}

/// The preset `name` that `text` describes, in TOML.
#[pyfunction]
pub(super) fn read_preset<'py>(py: Python<'py>, name: &str, text: &str) -> PyResult<Bound<'py, PyDict>> {
    preset_spec(py, &Preset::read(name, text)?)
}

fn preset_spec<'py>(py: Python<'py>, preset: &Preset) -> PyResult<Bound<'py, PyDict>> {
    let names = preset.names.iter().map(|(name, meaning)| (name, meaning.name()));
    let columns = PyDict::new(py);
    for (name, PresetColumn { paths, unit, timezone, value, missing }) in &preset.columns {
        let place = PyDict::new(py);
        place.set_item("paths", paths)?;
        place.set_item("unit", unit)?;
        place.set_item("timezone", timezone)?;
        place.set_item("value", value)?;
        place.set_item("missing", missing)?;
        place.set_item("or_default", true)?;
        columns.set_item(name, place)?;
    }
    let rules = PyDict::new(py);
    preset.rules.iter().try_for_each(|(name, value)| rules.set_item(name, value))?;
    let entry = PyDict::new(py);
    entry.set_item("name", &preset.name)?;
    entry.set_item("title", &preset.title)?;
    entry.set_item("source", &preset.source)?;
    entry.set_item("notes", &preset.notes)?;
    entry.set_item("names", names.collect::<Vec<_>>())?;
    entry.set_item("columns", columns)?;
    entry.set_item("rules", rules)?;
    entry.set_item("unnest", &preset.unnest)?;
    entry.set_item("fill", &preset.fill)?;
    Ok(entry)
}
