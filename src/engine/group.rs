//! Step 1: the events of a slice become fragments, each of one user, video and session.

mod chunk;
mod fragment_table;
mod grouper;
mod record;
mod rejects;
mod slices;

pub(crate) use chunk::Chunk;
pub(crate) use grouper::{Grouper, Hash};
pub(crate) use record::{Numbered, Plain, Record, Wide};
pub(crate) use rejects::Rejects;
pub use slices::SLICE_ROWS;
pub(crate) use slices::{Slice, in_slices};
