//! Step 4: rows become tables.

mod engagement_rows;
mod session_rows;

pub(crate) use engagement_rows::Engaging;
pub(crate) use session_rows::session_batches;
