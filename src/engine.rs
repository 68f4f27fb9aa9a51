//! Batches in, tables out, in parallel: in four steps, each in a folder of its own. Results depend on nothing but the set
//! of events.
//!
//! 1. `group`: the events of a slice become fragments, each of one user, video and session.
//! 2. `order`: the fragments of ranges of users become tasks, and those of a task are put in order.
//! 3. `walk`: a task's events are brought together and become session rows.
//! 4. `build`: rows become tables.
//!
//! Below the steps lie `pool`, the threads, and `prefix`, keys as numbers. Above them `spill`, `partitions`, `events`,
//! `parts`, `sessions` and `results` hold the steps together: they read, keep within the bound on memory, and hand tables on. Each
//! other file is a verb of its own, but for `schemas`, the tables that calls would give, and `steps`, which is for measuring.
//! Which may know which says the list `ENGINE_ROOMS` in `tests/architecture.rs`.

mod build;
mod events;
mod explain;
mod group;
mod moments;
mod order;
mod partitions;
mod parts;
mod pool;
mod prefix;
mod results;
mod retention;
mod schemas;
mod scopes;
mod sessions;
mod spill;
pub mod steps;
mod validate;
mod viewings;
mod walk;
mod watched;

pub use events::AcceptedEvents;
pub use explain::Explanation;
pub use group::SLICE_ROWS;
pub use moments::moments;
pub use partitions::Handing;
pub use pool::Engine;
pub use results::Made;
pub use retention::retention;
pub use schemas::{check_sessions, engagement_schema, sessions_schema};
pub use scopes::Scopes;
pub use sessions::{Sessions, read_sessions};
pub use validate::{Example, Validation, validate};
pub use viewings::LeftOut;
pub use watched::sessions_of_intervals;
