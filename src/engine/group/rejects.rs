//! Which rows were dropped, and why.

use crate::input::{DropCounts, DropReason};

/// The rows that were dropped first for each reason, as examples of it: the reason, and the row's number in the input.
#[derive(Debug, Default)]
pub(crate) struct Rejects {
    limit: usize,
    pub(crate) rows: Vec<(DropReason, u64)>,
}

impl Rejects {
    /// No rows yet, and room for at most `limit` of each reason.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, rows: Vec::new() }
    }

    /// How many rows are kept of each reason at most.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Adds `row`, a number in the input, which was dropped for `reason`. It is left out if `counts`, which are of the
    /// rows before it, have as many of that reason as are kept.
    pub(crate) fn add(&mut self, reason: DropReason, row: u64, counts: &DropCounts) {
        if counts.dropped(reason) < self.limit as u64 {
            self.rows.push((reason, row));
        }
    }

    /// Takes in the rows of a `later` part of the input; `counts` are of all parts before that one.
    pub(crate) fn merge(&mut self, later: Self, counts: &DropCounts) {
        let mut counts = *counts;
        for (reason, row) in later.rows {
            self.add(reason, row, &counts);
            counts.add(reason, 1);
        }
    }
}
