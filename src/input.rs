//! The tables that come in: their columns in every layout that Arrow producers hand out, and the clean step.

mod clean;
mod columns;
mod events;
mod keys;
mod own_tables;
mod values;
mod videos;
mod within;

pub(crate) use clean::{Cleaned, Verdict};
pub use clean::{Cleaner, DropCounts, DropReason};
pub use columns::{ColumnMap, InputColumn, InputTable, TypeFamily};
pub(crate) use events::{AnyEventKeys, EventKeys, Extras, RowKeys};
pub use events::{Dictionaries, EventBatch, EventSchema};
pub(crate) use keys::{KeyArena, KeyRows, Keys, SeenKeys, equal};
pub use keys::{KeyColumn, KeyType, KeyTypes, check_text};
pub use own_tables::{OwnSchema, OwnTable, SessionBatch, ViewingBatch};
pub use videos::{Video, VideoReader, Videos};
pub use within::within;
