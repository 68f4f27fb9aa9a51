//! What a player can tell: event kinds, one accepted event, and the vocabulary that names them.

mod kind;
mod meaning;
mod presets;
mod vocabulary;

pub use kind::{Event, EventKind};
pub use meaning::Meaning;
pub use presets::{Preset, PresetColumn, presets};
pub use vocabulary::Vocabulary;
