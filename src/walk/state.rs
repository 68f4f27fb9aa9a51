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
    /// Where the player likely is while its position is unknown.
    guess: Option<f64>,
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
    /// Before the first event.
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
            guess: None,
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
        let content = if self.plays_on() { self.since.content } else { 0.0 };
        self.position.map_or(self.guess, |from| Some((from + content).min(f64::MAX)))
    }

    /// Playback goes by until `time`.
    pub(super) fn pass(&mut self, time: Micros) {
        let dt = time.seconds_since(self.time);
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
        let is_told = self.ended && self.position.or(self.guess).is_some_and(|likely| near(likely, at));
        (!is_told).then_some(at)
    }

    /// Takes in `event`, at `position`.
    pub(super) fn see(&mut self, event: &Event, position: Option<f64>) {
        let plays_on = self.plays_on();
        let stays = match event.kind {
            EventKind::RateChange if plays_on && position.is_none() => return self.go_on(event),
            EventKind::Heartbeat => !plays_on && position.is_some_and(|p| self.is_near(p)),
            // Some players report the destination as the seek starts, and slow drift adds up to a missed start.
            EventKind::SeekStart => !self.playing && self.position.is_some(),
            _ => !plays_on && position.is_none(),
        };
        let stood_at = if plays_on { None } else { self.position };
        if !stays {
            if position.is_none() {
                self.guess = self.reached();
            }
            self.position = position;
        }
        self.since = Since::default();
        if event.kind != EventKind::RateChange {
            self.origin = None;
        }
        match event.kind {
            EventKind::Heartbeat if stays => {}
            EventKind::Play | EventKind::Resume | EventKind::Heartbeat => {
                (self.playing, self.seeking, self.ended) = (true, false, false);
            }
            EventKind::Pause | EventKind::Close => (self.playing, self.seeking) = (false, false),
            EventKind::End => (self.playing, self.seeking, self.ended) = (false, false, true),
            EventKind::SeekStart => self.seeking = true,
            EventKind::Seek => {
                (self.seeking, self.ended) = (false, false);
                self.origin = event.seek_from.or(stood_at);
            }
            EventKind::RateChange => {}
        }
        self.go_on(event);
    }

    /// What every event tells: when it was, and maybe how fast playback goes on.
    fn go_on(&mut self, event: &Event) {
        self.time = event.time;
        if let Some(rate) = event.rate {
            (self.rate, self.limit) = (rate, rate);
        }
    }
}
