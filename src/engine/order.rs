//! Step 2: the fragments of ranges of users become tasks, and those of a task are put in order.

mod key_store;
mod ranges;
mod sort;
mod task;

pub(crate) use key_store::{At, KeyStore};
pub(crate) use ranges::{Pieces, bounds, cut, ranges, sample, whole_groups};
pub(crate) use sort::{Link, Ordered, sorted_by_keys};
pub(crate) use task::Task;
