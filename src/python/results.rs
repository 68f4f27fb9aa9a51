//! What goes out: tables as batches of pyarrow, handed on as they are made, and what was read for them.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::bridge::{export_batch, export_batches, export_schema};
use super::door::{Maybe, interruptible};
use super::sink::ParquetSink;
use crate::engine::{Engine, Handing, Made};
use crate::error::{Error, Result};
use crate::input::{DropCounts, DropReason};

/// The batches of a table, and their schema.
pub(super) type Tables = (Vec<Py<PyAny>>, Py<PyAny>);
/// The batches of a table, its schema, and how many events were read, kept and dropped for it.
pub(super) type Reported = (Vec<Py<PyAny>>, Py<PyAny>, Py<PyDict>);
/// Takes batches as they are made.
type Take<'a> = &'a mut (dyn FnMut(Vec<RecordBatch>) -> Result<()> + Send);

/// The table that `work` makes, whose batches go to `sink` as they are made, a callable or a file in the making; without
/// one they are all here.
pub(super) fn handed_on(
    py: Python<'_>,
    engine: &Engine,
    sink: Maybe<'_, '_>,
    work: impl FnOnce(Handing, Take<'_>) -> Result<Made> + Send,
) -> PyResult<Reported> {
    let file = sink.and_then(|sink| sink.cast::<ParquetSink>().ok()).map(|file| file.clone().unbind());
    let sink = sink.map(|sink| sink.clone().unbind());
    let handing = if sink.is_some() { Handing::Portions } else { Handing::Whole };
    let (mut kept, mut failed) = (Vec::new(), None);
    let made = interruptible(py, engine, || {
        work(handing, &mut |batches: Vec<RecordBatch>| {
            let Some(sink) = &sink else {
                kept.extend(batches);
                return Ok(());
            };
            if let Some(file) = &file {
                return file.get().take(engine, batches);
            }
            let hand_on = |py: Python<'_>| {
                batches
                    .into_iter()
                    .try_for_each(|batch| sink.call1(py, (export_batch(py, batch)?,)).map(|_| ()))
            };
            // The callable's own error is kept for later: this one only ends the work.
            Python::attach(hand_on).map_err(|error| {
                failed = Some(error);
                Error::Interrupted
            })
        })
    });
    let made = match failed {
        Some(error) => return Err(error),
        None => made?,
    };
    let (batches, schema) = export(py, kept, &made.schema)?;
    Ok((batches, schema, report(py, &made.counts)?))
}

/// A table as pyarrow has it.
pub(super) fn export(py: Python<'_>, batches: Vec<RecordBatch>, schema: &SchemaRef) -> PyResult<Tables> {
    Ok((export_batches(py, batches, schema)?, export_schema(py, schema)?))
}

/// How many events were read and kept, and how many were dropped for which reason.
pub(super) fn report(py: Python<'_>, counts: &DropCounts) -> PyResult<Py<PyDict>> {
    let dropped = PyDict::new(py);
    for reason in DropReason::ALL {
        dropped.set_item(reason.name(), counts.dropped(reason))?;
    }
    let report = PyDict::new(py);
    report.set_item("read", counts.read)?;
    report.set_item("kept", counts.kept())?;
    report.set_item("dropped", dropped)?;
    Ok(report.unbind())
}
