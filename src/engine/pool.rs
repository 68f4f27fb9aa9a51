//! Threads to work with, and the switch that stops them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// The most threads an engine may have: far more than helps, far fewer than a system refuses.
const MAX_THREADS: usize = 1024;

/// Threads to work with, and a way to stop them.
///
/// Each engine has its own pool: a global one hangs in a process that was forked after the pool was made.
#[derive(Debug)]
pub struct Engine {
    pool: rayon::ThreadPool,
    cancel: Arc<AtomicBool>,
}

impl Engine {
    /// An engine with `threads` threads; with `None`, as many as there are cores.
    ///
    /// # Errors
    /// If the number is not from 1 to 1024, or the system gives no threads.
    pub fn new(threads: Option<usize>) -> Result<Self> {
        let threads = match threads {
            Some(threads) if (1..=MAX_THREADS).contains(&threads) => threads,
            Some(threads) => {
                let accepted = format!("None or a whole number from 1 to {MAX_THREADS}");
                return Err(Error::Option {
                    option: "threads".to_owned(),
                    value: threads.to_string(),
                    accepted,
                });
            }
            None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { reason: error.to_string() })?;
        Ok(Self { pool, cancel: Arc::default() })
    }

    /// A switch that stops this engine's work soon after it is set.
    #[must_use]
    pub fn cancel_switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// Stops here if the switch is set.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Into how many tasks work is split: several per thread, so that uneven ones even out.
    pub(crate) fn task_count(&self) -> usize {
        self.threads() * 16
    }

    /// What `work` returns, which runs on the engine's threads.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// What `first` and `second` return; the second one is done beside the first as soon as a thread is free.
    pub(crate) fn join<A: Send, B: Send>(
        &self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        self.pool.join(first, second)
    }
}
