//! Event kinds, and one accepted event.

use crate::time::Micros;

/// What an event says about playback.
///
/// The order of the variants is the order of events that share a timestamp and a sequence number: first
/// what describes the playback so far, then what starts it anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// The player's sign of life while it plays.
    #[default]
    Heartbeat,
    /// The viewer takes hold of the seek bar.
    SeekStart,
    /// Playback stops and can be resumed.
    Pause,
    /// The player is closed.
    Close,
    /// Playback reached the end of the video.
    End,
    /// The position changed by the viewer's hand; the event carries the destination.
    Seek,
    /// The playback speed changed.
    RateChange,
    /// Playback starts.
    Play,
    /// Playback goes on after a pause.
    Resume,
}

impl EventKind {
    /// Every kind, in the order that breaks ties between timestamps.
    pub const ALL: [Self; 9] = [
        Self::Heartbeat,
        Self::SeekStart,
        Self::Pause,
        Self::Close,
        Self::End,
        Self::Seek,
        Self::RateChange,
        Self::Play,
        Self::Resume,
    ];

    /// The name by which a vocabulary refers to this kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::SeekStart => "seek_start",
            Self::Pause => "pause",
            Self::Close => "close",
            Self::End => "end",
            Self::Seek => "seek",
            Self::RateChange => "rate_change",
            Self::Play => "play",
            Self::Resume => "resume",
        }
    }

    /// Whether an event of this kind says nothing without a position: others tell when the player stopped, or how fast
    /// it went.
    #[must_use]
    pub const fn needs_position(self) -> bool {
        !matches!(self, Self::Pause | Self::Close | Self::End | Self::RateChange)
    }

    /// Whether this kind starts playback.
    #[must_use]
    pub const fn starts_playback(self) -> bool {
        matches!(self, Self::Play | Self::Resume)
    }
}

/// One accepted event of one user, video and session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// When it happened.
    pub time: Micros,
    /// What it says.
    pub kind: EventKind,
    /// Position in the video when the event fired: finite seconds, not negative. It may be unknown where
    /// [`EventKind::needs_position`] says so.
    pub position: Option<f64>,
    /// For a seek: the position before it, finite and not negative.
    pub seek_from: Option<f64>,
    /// Playback speed from this event on, finite and positive; none leaves it as it was.
    pub rate: Option<f64>,
    /// The player's own order, which breaks ties between timestamps.
    pub sequence: Option<i64>,
    /// The video's length as the player says it: finite seconds, above 0.
    pub duration: Option<f64>,
}
