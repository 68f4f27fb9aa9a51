//! Step 3: the events of a task are brought together and become session rows.

mod durations;
mod partition;
mod session_rows;
mod users;
mod walking;

pub(crate) use durations::{Durations, Estimates, furthest, merged};
pub(crate) use partition::{Partition, Walked};
pub(crate) use session_rows::{Ids, Row, pairs};
pub(crate) use users::{Piece, Users};
pub(crate) use walking::Walking;
