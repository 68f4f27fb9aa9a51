//! The Python module `watchspan._core`: Arrow in and out, options in, errors out.

mod bridge;
mod claims;
mod door;
mod errors;
mod options;
mod pieces;
mod source;
mod specs;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    use super::PyModule;
    use super::{Bound, PyResult};
    use pyo3::types::PyModuleMethods;

    #[pymodule_export]
    use super::options::{check_rules, check_scoring};
    #[pymodule_export]
    use super::pieces::{aggregate_joined, batches, from_wire, furthest, scopes, to_wire, within};
    #[pymodule_export]
    use super::specs::{
        additive_scoring, column_specs, drop_reasons, flag_specs, input_column_specs, meanings, preset_specs,
        rule_specs, scoring_specs,
    };
    #[pymodule_export]
    use super::work::{aggregate, engagement, explain, retention, sessions, validate};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("version", env!("CARGO_PKG_VERSION"))?;
        module.add("default_session_timeout", crate::rules::Rules::DEFAULT_SESSION_TIMEOUT)?;
        module.add("debug_build", cfg!(debug_assertions))
    }
}
