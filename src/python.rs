//! The Python module `watchspan._core`: Arrow in and out, options in, errors out.

mod aggregate;
mod batches;
mod bridge;
mod claims;
mod door;
mod engagement;
mod errors;
mod explain;
mod files;
mod input;
mod lines;
mod moments;
mod options;
mod results;
mod retention;
mod schemas;
mod scopes;
mod sessions;
mod sink;
mod source;
mod specs;
mod validate;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    use super::PyModule;
    use super::{Bound, PyResult};
    use crate::duration::DurationSource;
    use crate::input::{UNREADABLE, Unit};
    use pyo3::types::{IntoPyDict, PyModuleMethods};

    #[pymodule_export]
    use super::aggregate::aggregate;
    #[pymodule_export]
    use super::batches::{batches, from_spark_layout, to_spark_layout};
    #[pymodule_export]
    use super::engagement::engagement;
    #[pymodule_export]
    use super::explain::explain;
    #[pymodule_export]
    use super::files::ParquetFiles;
    #[pymodule_export]
    use super::lines::{flat, json_lines, path_steps, read_text, used_columns};
    #[pymodule_export]
    use super::moments::moments;
    #[pymodule_export]
    use super::options::{check_rules, check_scoring, check_threads, check_vocabulary};
    #[pymodule_export]
    use super::retention::retention;
    #[pymodule_export]
    use super::schemas::{
        aggregate_schema, check_videos, check_videos_schema, engagement_schema, output_schema,
        sessions_schema,
    };
    #[pymodule_export]
    use super::scopes::{scopes, within};
    #[pymodule_export]
    use super::sessions::{furthest, sessions, sessions_of_intervals};
    #[pymodule_export]
    use super::sink::ParquetSink;
    #[pymodule_export]
    use super::specs::{
        additive_scoring, column_specs, drop_reasons, flag_specs, input_column_specs, meanings, preset_specs,
        read_preset, rule_specs, scoring_specs,
    };
    #[pymodule_export]
    use super::validate::validate;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("version", env!("CARGO_PKG_VERSION"))?;
        module.add("default_session_timeout", crate::rules::Rules::DEFAULT_SESSION_TIMEOUT)?;
        let unit = |unit: Unit| (unit.name(), unit.per_second());
        module.add("units", Unit::ALL.map(unit).into_py_dict(module.py())?)?;
        module.add("unreadable", UNREADABLE)?;
        module.add("duration_sources", DurationSource::ALL.map(DurationSource::name))?;
        module.add("debug_build", cfg!(debug_assertions))
    }
}
