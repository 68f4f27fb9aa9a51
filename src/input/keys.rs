//! Keys: users, videos and sessions, which are text or integers.

mod arena;
mod column;
mod dictionary;
mod types;

pub(crate) use arena::{KeyArena, SeenKeys};
pub use column::{KeyColumn, check_text};
pub(crate) use column::{KeyRows, PlainKeys, equal};
pub(crate) use dictionary::{CodedKeys, Codes, Values, cast, dictionary};
pub use types::{KeyType, KeyTypes};
pub(crate) use types::{Keys, is_text};
