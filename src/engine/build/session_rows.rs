//! The session table.

use arrow_array::RecordBatch;

use crate::engine::order::KeyStore;
use crate::engine::pool::Engine;
use crate::engine::walk::{Ids, Session};
use crate::error::Result;
use crate::output::{Scratch, SessionRow, session_table};

/// How many rows are made before they become part of the arrays: so many that they stay in cache.
pub(super) const BLOCK_ROWS: usize = 64;

/// The session table of `all`, which are in order, and whose keys are in `store` and shown as `ids` says. `scratch` is
/// the memory that the columns are filled in.
pub(crate) fn session_batches(
    engine: &Engine,
    store: &KeyStore,
    ids: Ids,
    all: &[Session],
    scratch: &mut Scratch,
) -> Result<Vec<RecordBatch>> {
    let table = session_table();
    let mut building = table.building(ids.keys, scratch);
    for rows in all.chunks(BLOCK_ROWS) {
        engine.check()?;
        let rows: Vec<_> = rows.iter().map(|row| session_row(store, ids, row)).collect();
        building.add(&rows)?;
    }
    building.finish()
}

fn session_row<'r>(store: &'r KeyStore, ids: Ids, row: &'r Session) -> SessionRow<'r> {
    let [user, video, _] = store.get(row.at);
    SessionRow { user, video, session: ids.session(store, row), stats: &row.stats }
}
