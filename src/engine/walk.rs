//! Step 3: the events of a task are brought together and become session rows.

mod durations;
mod partition;
mod session_rows;
mod users;
mod walking;

pub(crate) use durations::{Durations, Estimates, estimates, merged};
pub(crate) use partition::{Partition, Walked};
pub(crate) use session_rows::{Ids, Session, pairs};
pub(crate) use users::{SessionEvents, Users};
pub(crate) use walking::Walking;
