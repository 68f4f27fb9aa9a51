//! The tables that come in: their columns in every layout that Arrow producers hand out, and the clean step.

mod arena;
mod clean;
mod coded;
mod columns;
mod events;
mod keys;
mod rows;
mod values;
mod videos;
mod within;

pub(crate) use arena::{KeyArena, SeenKeys};
pub(crate) use clean::{Cleaned, Verdict};
pub use clean::{Cleaner, DropCounts, DropReason};
pub use columns::{ColumnMap, InputColumn, InputTable, TypeFamily};
pub(crate) use events::{AnyEventKeys, EventKeys, Extras, Keys, RowKeys};
pub use events::{Dictionaries, EventBatch, EventSchema};
pub use keys::{KeyColumn, KeyType, KeyTypes, check_text};
pub(crate) use keys::{KeyRows, equal};
pub use rows::{RowTable, RowsBatch, RowsSchema, SessionBatch};
pub use videos::{Video, VideoReader, Videos};
pub use within::within;
