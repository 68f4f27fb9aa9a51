//! The door between Python and the core: panics become errors, the GIL is let go of, and Ctrl-C stops long work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use pyo3::prelude::*;

use crate::engine::Engine;
use crate::error::{Error, Result};

/// An argument.
pub(super) type Object<'a, 'py> = &'a Bound<'py, PyAny>;
/// An argument that may be left out.
pub(super) type Maybe<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

/// How often a long computation looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// The result of a function that Python calls. A panic in it would pass every `except Exception`.
pub(super) fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into()))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref().map(String::as_str));
    Error::Internal(format!("it panicked ({})", text.unwrap_or("without a word")))
}

/// Runs short work without the GIL.
pub(super) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    Ok(py.detach(work)?)
}

/// Runs work without the GIL and looks for Ctrl-C meanwhile; the work stops soon after it.
pub(super) fn interruptible<T: Send>(
    py: Python<'_>,
    engine: &Engine,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    beside(py, engine, work, || Ok(())).map(|(result, ())| result)
}

/// What `work` and `here` give, which run at the same time: `work` in a thread of its own and without the GIL, `here` in
/// this thread and with it. If `here` fails, or Ctrl-C is pressed, `work` is told to stop.
pub(super) fn beside<T: Send, U>(
    py: Python<'_>,
    engine: &Engine,
    work: impl FnOnce() -> Result<T> + Send,
    here: impl FnOnce() -> PyResult<U>,
) -> PyResult<(T, U)> {
    let switch = engine.cancel_switch();
    std::thread::scope(|scope| {
        let (done, finished) = channel();
        let worker = std::thread::Builder::new().spawn_scoped(scope, move || {
            let result = work();
            // Nobody listens any more if a signal came first; the result is then of no use either.
            let _ = done.send(());
            result
        });
        let worker = worker.map_err(|error| Error::Threads { reason: error.to_string() })?;
        let found = guarded(here);
        switch.fetch_or(found.is_err(), Ordering::Relaxed);
        let (signal, result) = py.detach(move || (signal_before(&finished, &switch), worker.join()));
        let result = result.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        match (signal, found, result) {
            (Some(signal), ..) => Err(signal),
            (None, Err(failed), Ok(_) | Err(Error::Interrupted)) => Err(failed),
            (None, _, Err(error)) => Err(error.into()),
            (None, Ok(found), Ok(result)) => Ok((result, found)),
        }
    })
}

/// Waits until work is done and looks for Ctrl-C meanwhile, which switches it off.
fn signal_before(finished: &Receiver<()>, switch: &AtomicBool) -> Option<PyErr> {
    let mut signal = None;
    while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(SIGNAL_INTERVAL) {
        if signal.is_none() {
            signal = Python::attach(|py| py.check_signals().err());
            switch.fetch_or(signal.is_some(), Ordering::Relaxed);
        }
    }
    signal
}
