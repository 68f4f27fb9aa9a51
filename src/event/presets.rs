//! Vocabularies for what real players and trackers send.

use super::{EventKind, Meaning};

/// A vocabulary by name, with what a user must know before trusting it.
#[derive(Debug)]
pub struct Preset {
    /// The name to ask for it by.
    pub name: &'static str,
    /// What sends these events, in one line.
    pub title: &'static str,
    /// Where the names were taken from.
    pub source: &'static str,
    /// What to prepare and know: fields for position, seeks, heartbeats, what is ignored. Markdown.
    pub notes: &'static str,
    /// Event names, exactly as sent, and their meanings.
    pub names: &'static [(&'static str, Meaning)],
}

const PLAY: Meaning = Meaning::Kind(EventKind::Play);

/// The vocabulary in use when none is named.
pub static DEFAULT_PRESET: Preset = Preset {
    name: "default",
    title: "Generic player events",
    source: "",
    notes: "",
    names: &[("video_play", PLAY), ("play", PLAY)],
};

/// Every preset, the default one first.
pub static PRESETS: &[&Preset] = &[&DEFAULT_PRESET];
