//! The engagement table.

use arrow_array::RecordBatch;

use super::session_rows::BLOCK_ROWS;
use crate::engagement::{Engagement, EngagementOptions};
use crate::engine::order::KeyStore;
use crate::engine::pool::Engine;
use crate::engine::walk::{Durations, Ids, Session};
use crate::error::Result;
use crate::output::{Building, EngagementRow, Scratch, Table};

/// How session rows become engagement rows.
#[derive(Clone, Copy)]
pub(crate) struct Engaging<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ids: Ids,
    pub(crate) durations: Durations<'a>,
    pub(crate) options: &'a EngagementOptions,
}

impl<'a> Engaging<'a> {
    /// The rows of `table` in the making, none yet, for keys of `store`; `scratch` is the memory that the columns are
    /// filled in.
    pub(crate) fn rows<'t, 'k>(
        self,
        table: &'t Table<EngagementRow<'k>>,
        store: &'k KeyStore,
        scratch: &'t mut Scratch,
    ) -> EngagementRows<'t, 'k>
    where
        'a: 'k,
    {
        let building = table.building(self.ids.keys, scratch);
        EngagementRows { engaging: self, store, block: Vec::with_capacity(BLOCK_ROWS), building }
    }
}

/// The engagement table of some users, in the making.
pub(crate) struct EngagementRows<'t, 'k> {
    engaging: Engaging<'k>,
    store: &'k KeyStore,
    block: Vec<EngagementRow<'k>>,
    building: Building<'t, EngagementRow<'k>>,
}

impl EngagementRows<'_, '_> {
    /// Adds one row for each of `pairs`, which are users and videos in order, each with all of its session rows in
    /// order.
    pub(crate) fn add<'r>(
        &mut self,
        pairs: impl Iterator<Item = impl Iterator<Item = &'r Session> + Clone>,
    ) -> Result<()> {
        for rows in pairs {
            self.engage(rows);
            if self.block.len() == BLOCK_ROWS {
                self.build()?;
            }
        }
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        self.engaging.engine.check()?;
        self.building.add(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// The engagement table.
    pub(crate) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        self.build()?;
        self.building.finish()
    }

    /// Makes the engagement row of the one user and video of `rows`, where it will stay until it is part of the
    /// columns.
    fn engage<'r>(&mut self, rows: impl Iterator<Item = &'r Session> + Clone) {
        let Engaging { durations, options, .. } = self.engaging;
        let Some(first) = rows.clone().next() else { return };
        let [user, video, _] = self.store.get(first.at);
        let known = durations.videos.get(video);
        let title = known.and_then(|video| video.title.as_deref());
        let row = || EngagementRow { user, video, title, engagement: Engagement::default() };
        self.block.extend(std::iter::once_with(row));
        if let Some(row) = self.block.last_mut() {
            row.engagement.see(rows.map(|row| &row.stats), durations.get(video, known), options);
        }
    }
}
