//! What a preset is, and its meanings in short.

use crate::event::kind::EventKind;
use crate::event::meaning::Meaning;

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

pub(super) const PLAY: Meaning = Meaning::Kind(EventKind::Play);
pub(super) const RESUME: Meaning = Meaning::Kind(EventKind::Resume);
pub(super) const PAUSE: Meaning = Meaning::Kind(EventKind::Pause);
pub(super) const END: Meaning = Meaning::Kind(EventKind::End);
pub(super) const SEEK: Meaning = Meaning::Kind(EventKind::Seek);
pub(super) const SEEK_START: Meaning = Meaning::Kind(EventKind::SeekStart);
pub(super) const HEARTBEAT: Meaning = Meaning::Kind(EventKind::Heartbeat);
pub(super) const CLOSE: Meaning = Meaning::Kind(EventKind::Close);
pub(super) const RATE_CHANGE: Meaning = Meaning::Kind(EventKind::RateChange);
pub(super) const IGNORE: Meaning = Meaning::Ignore;
