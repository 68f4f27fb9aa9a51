//! Our own tables read back: session rows for engagement, session or engagement rows for retention and moments.

mod pairs;
mod schema;
mod sessions;
mod viewings;

pub use schema::{OwnSchema, OwnTable};
pub use sessions::SessionBatch;
pub use viewings::ViewingBatch;
