//! What is known of the player after an event.

use crate::event::{Event, EventKind};
use crate::rules::Rules;
use crate::time::Micros;

/// Positions this close are the same place to a player that reports its position late: seconds.
const NEAR_SECONDS: f64 = 1.0;

/// Whether `a` and `b` are the same place, in seconds.
pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= NEAR_SECONDS
}

/// What is known of the player after an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct State {
    /// It may be unknown, but never of a player that plays.
    pub(super) position: Option<f64>,
    pub(super) time: Micros,
    pub(super) rate: f64,
    /// How fast the player can have been: the stated rate, or what is possible while none is stated.
    pub(super) limit: f64,
    pub(super) playing: bool,
    pub(super) seeking: bool,
    pub(super) ended: bool,
    /// Where the last seek came from, if a player may still report it as its position.
    pub(super) origin: Option<f64>,
    /// Where the player likely is.
    pub(super) likely: Option<f64>,
    /// By how much content has been ahead of the clock: seconds.
    pub(super) lead: f64,
    pub(super) since: Since,
}

/// What went by since the position of a playing player was last known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Since {
    /// Wall-clock seconds.
    pub(super) clock: f64,
    /// Seconds of content at the rate that it likely had.
    pub(super) content: f64,
    /// Seconds of content at the limit.
    pub(super) fastest: f64,
}

impl State {
    /// Of a player of which nothing is known yet.
    pub(super) fn unknown(rules: &Rules) -> Self {
        Self {
            position: None,
            time: Micros::default(),
            rate: 1.0,
            limit: rules.unstated_limit(),
            playing: false,
            seeking: false,
            ended: false,
            origin: None,
            likely: None,
            lead: 0.0,
            since: Since::default(),
        }
    }

    fn is_near(&self, position: f64) -> bool {
        self.position.is_some_and(|own| near(own, position))
    }

    /// Whether time that goes by is playback.
    pub(super) fn plays_on(&self) -> bool {
        self.playing && !self.seeking
    }

    /// Where the player likely got to by now.
    fn reached(&self) -> Option<f64> {
        if self.plays_on() {
            self.position.map(|from| (from + self.since.content).min(f64::MAX))
        } else {
            self.likely
        }
    }

    /// Whether `event`, at `position`, is a heartbeat of a player that stands there.
    fn stands(&self, event: &Event, position: Option<f64>) -> bool {
        event.kind == EventKind::Heartbeat && !self.plays_on() && position.is_some_and(|p| self.is_near(p))
    }

    /// So many seconds of playback go by.
    pub(super) fn pass(&mut self, dt: f64) {
        self.since.clock += dt;
        self.since.content += dt * self.rate;
        self.since.fastest += dt * self.limit;
    }

    /// So much content could have gone by on the clock: that much less is playback ahead of it.
    pub(super) fn drain(&mut self, content: f64) {
        self.lead = (self.lead - content).max(0.0);
    }

    /// Whether the player still reports the position before the seek as it starts at `event`.
    pub(super) fn is_stale_start(&self, event: &Event) -> bool {
        let (Some(origin), true) = (self.origin, event.kind.starts_playback()) else { return false };
        event.position.is_some_and(|position| near(position, origin))
            && self.position.is_some_and(|position| !near(position, origin))
    }

    /// Where the video ended, by an end event at `position` or where the player likely was; nothing if that is not known,
    /// or two trackers tell of one end.
    pub(super) fn end(&self, position: Option<f64>) -> Option<f64> {
        let at = position.or_else(|| self.reached())?;
        let is_told = self.ended && self.likely.is_some_and(|likely| near(likely, at));
        (!is_told).then_some(at)
    }

    /// What is known after `event`, at `position`.
    pub(super) fn next(&self, event: &Event, position: Option<f64>) -> Self {
        let stands = self.stands(event, position);
        let keeps_position = match position {
            None => event.kind == EventKind::RateChange || !self.plays_on(),
            // Some players report the destination as the seek starts, and slow drift adds up to a missed start.
            Some(_) => {
                stands || event.kind == EventKind::SeekStart && !self.playing && self.position.is_some()
            }
        };
        let position = if keeps_position { self.position } else { position };
        let is_undecided = event.kind == EventKind::RateChange && event.position.is_none() && self.plays_on();
        let mut state = Self {
            position,
            time: event.time,
            rate: event.rate.unwrap_or(self.rate),
            limit: event.rate.unwrap_or(self.limit),
            playing: self.playing,
            seeking: self.seeking,
            ended: self.ended,
            origin: None,
            likely: position.or_else(|| self.reached()),
            lead: self.lead,
            since: if is_undecided { self.since } else { Since::default() },
        };
        match event.kind {
            EventKind::Heartbeat if stands => {}
            EventKind::Play | EventKind::Resume | EventKind::Heartbeat => {
                (state.playing, state.seeking, state.ended) = (true, false, false);
            }
            EventKind::Pause | EventKind::Close => (state.playing, state.seeking) = (false, false),
            EventKind::End => (state.playing, state.seeking, state.ended) = (false, false, true),
            EventKind::SeekStart => state.seeking = true,
            EventKind::Seek => {
                (state.seeking, state.ended) = (false, false);
                let standing = if self.plays_on() { None } else { self.position };
                state.origin = event.seek_from.or(standing);
            }
            EventKind::RateChange => state.origin = self.origin,
        }
        state
    }
}
