//! The tables that come in: their columns in every layout that Arrow producers hand out, and the clean step.

mod clean;
mod columns;
mod events;
mod flat;
mod json;
mod keys;
mod lines;
mod mapping;
mod nested;
mod own_tables;
mod path;
mod text;
mod unit;
mod values;
mod videos;
mod within;

pub(crate) use clean::{Cleaned, Verdict};
pub use clean::{Cleaner, DropCounts, DropReason};
pub use columns::{InputColumn, InputTable, TypeFamily};
pub(crate) use events::{AnyEventKeys, EventKeys, Extras, RowKeys};
pub use events::{Dictionaries, EventBatch, EventSchema};
pub use flat::flat;
pub(crate) use keys::{KeyArena, KeyRows, Keys, SeenKeys, equal};
pub use keys::{KeyColumn, KeyType, KeyTypes, check_text};
pub use lines::{LineReader, UNREADABLE};
pub use mapping::{ColumnMap, ColumnSource, Used};
pub use own_tables::{OwnSchema, OwnTable, SessionBatch, ViewingBatch};
pub use path::{Step, steps};
pub use text::read_text;
pub use unit::Unit;
pub use videos::{Video, VideoReader, Videos};
pub use within::within;
