//! The player state machine: one session of one user and video, event by event.
//!
//! Watch time needs two observed positions. Whatever lies between two events and is not shown by both of
//! them is reported as unobserved, with the most that it can have been, or counted as a rejected segment.
//! Playback is judged by runs, not pair by pair: content may be ahead of the clock by the tolerance once, and only the
//! clock makes up for it.

mod state;

use crate::event::{Event, EventKind};
use crate::intervals::Interval;
use crate::rules::Rules;
use crate::time::Micros;
use state::{Since, State, near};

/// A stretch that may have been watched, but no pair of events shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Where it would begin, in seconds of the video.
    pub start: f64,
    /// How much content it can have been at most, in seconds.
    pub seconds: f64,
}

/// One thing that the walk found out at an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// A segment was watched.
    Watched(Interval),
    /// A run of playback is over, and took so many wall-clock seconds.
    Played(f64),
    /// A stretch may have been watched.
    Unobserved(Stretch),
    /// Playback jumped ahead by so many seconds.
    ForwardSkip(f64),
    /// Playback jumped back by so many seconds (a positive number).
    BackwardSkip(f64),
    /// Two positions do not fit together as playback.
    Rejected {
        /// By how much the position moved, in seconds.
        moved: f64,
        /// By how much it can have moved at most.
        allowed: f64,
    },
    /// Playback went on and no event says until when.
    OpenSegment,
    /// The video ended at this position.
    Ended(f64),
}

/// Whoever is told what the walk finds: a function, or what adds it up.
pub trait Tell {
    /// Takes in one finding.
    fn tell(&mut self, finding: Finding);
}

impl<F: FnMut(Finding)> Tell for F {
    fn tell(&mut self, finding: Finding) {
        self(finding);
    }
}

/// The wall clock of playback that goes on from event to event.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// Seconds from its first event to its last.
    clock: f64,
    /// Seconds that its content takes at the rates that it likely had.
    content: f64,
}

impl Run {
    /// How long it took: a stall is no play time, and late or rounded timestamps do not bias it.
    fn seconds(self) -> f64 {
        self.clock.min(self.content)
    }
}

/// Walks through the events of one session of one user and video, in their order.
///
/// `next_later` answers when the same user's next strictly later event in this session was, on any video; it
/// is only asked where playback may have gone on unseen.
#[derive(Debug)]
pub struct Walker<'a, N> {
    rules: &'a Rules,
    next_later: N,
    state: State,
    run: Run,
}

impl<'a, N: FnMut(Micros) -> Option<Micros>> Walker<'a, N> {
    /// A walk that has seen no event.
    pub fn new(rules: &'a Rules, next_later: N) -> Self {
        Self { rules, next_later, state: State::unknown(rules), run: Run::default() }
    }

    /// Whether the player plays after the events so far.
    #[must_use]
    pub const fn is_playing(&self) -> bool {
        self.state.playing
    }

    /// By how many seconds content is ahead of the clock after the events so far.
    #[must_use]
    pub const fn lead(&self) -> f64 {
        self.state.lead
    }

    /// How many wall-clock seconds the run took that is not over yet.
    #[must_use]
    pub fn run_seconds(&self) -> f64 {
        self.run.seconds()
    }

    /// Takes in the next event and tells what it shows.
    #[inline]
    pub fn step(&mut self, event: &Event, tell: &mut impl Tell) {
        let state = &self.state;
        let position = if state.is_stale_start(event) { state.position } else { event.position };
        let goes_on = match state.position {
            Some(from) if state.plays_on() => self.after_playing(from, event, position, tell),
            _ => {
                self.after_standstill(event, position, tell);
                false
            }
        };
        if !goes_on {
            self.end_run(tell);
        }
        if event.kind == EventKind::End
            && let Some(at) = self.state.end(position)
        {
            tell.tell(Finding::Ended(at));
        }
        self.state.see(event, position);
    }

    /// Ends the walk: playback that nothing stopped is an open segment.
    pub fn finish(mut self, tell: &mut impl Tell) {
        self.end_run(tell);
        if self.state.playing {
            tell.tell(Finding::OpenSegment);
            let seconds = self.state.since.content + self.bound();
            unobserved(self.state.position, seconds, tell);
        }
    }

    fn end_run(&mut self, tell: &mut impl Tell) {
        let seconds = std::mem::take(&mut self.run).seconds();
        if seconds > 0.0 {
            tell.tell(Finding::Played(seconds));
        }
    }

    /// The event, at `position`, follows on playback from the position `from`. Whether the run goes on.
    #[inline]
    fn after_playing(
        &mut self,
        from: f64,
        event: &Event,
        position: Option<f64>,
        tell: &mut impl Tell,
    ) -> bool {
        let before = self.state.since.content;
        self.state.pass(event.time);
        let is_seek = event.kind == EventKind::Seek;
        let goes_on = match if is_seek { event.seek_from } else { position } {
            // Its position is told later: until then nothing is decided.
            None if event.kind == EventKind::RateChange => true,
            None => {
                self.lose(event, before, tell);
                false
            }
            Some(x) => self.judge(event, (from, x), before, tell),
        };
        if is_seek {
            let left = event.seek_from.unwrap_or(from + self.state.since.content);
            self.skip(position.map_or(0.0, |p| p - left), tell);
        }
        goes_on && !is_seek
    }

    /// Playback ran `from` one position `to` another, or so it seems; `before` is what content of it was known of
    /// before this event. Whether the run goes on.
    #[inline]
    fn judge(&mut self, event: &Event, (from, to): (f64, f64), before: f64, tell: &mut impl Tell) -> bool {
        let state = &mut self.state;
        let Since { clock, content, fastest } = state.since;
        let d = to - from;
        let ahead = (state.lead + d - fastest).max(0.0);
        let (most, tolerance) = (self.rules.max_segment_seconds, self.rules.tolerance_seconds);
        if 0.0 < d && d <= most && ahead <= tolerance {
            tell.tell(Finding::Watched(Interval { start: from, end: to }));
            self.run.clock += clock;
            self.run.content += if content > 0.0 { d * clock / content } else { d / state.rate };
            state.lead = ahead;
            return true;
        }
        if d > 0.0 || d < -self.rules.backward_skip_seconds {
            let allowed = most.min(fastest - state.lead + tolerance);
            tell.tell(Finding::Rejected { moved: d, allowed });
            self.lose(event, before, tell);
            self.skip(d, tell);
            return false;
        }
        if event.kind.starts_playback() && clock > tolerance {
            tell.tell(Finding::OpenSegment);
            self.lose(event, before, tell);
            return false;
        }
        self.run.clock += clock;
        state.lead = ahead;
        true
    }

    /// The event, at `position`, finds a player that was paused, ended, closed or in the viewer's hand.
    #[inline]
    fn after_standstill(&mut self, event: &Event, position: Option<f64>, tell: &mut impl Tell) {
        let state = &mut self.state;
        let dt = event.time.seconds_since(state.time);
        if state.lead > 0.0 {
            state.drain(dt * state.limit);
        }
        let (Some(from), Some(to)) = (state.position, position) else { return };
        let state = &self.state;
        let d = to - from;
        match event.kind {
            EventKind::Seek => self.skip(d, tell),
            EventKind::Play | EventKind::Resume if !state.ended => self.skip(d, tell),
            EventKind::Play | EventKind::Resume | EventKind::SeekStart => {}
            // Of a player in the viewer's hand only a heartbeat says that it moves by itself.
            kind if state.seeking && kind != EventKind::Heartbeat => {}
            _ if state.ended || near(from, to) => {}
            _ if 0.0 < d && d <= dt * event.rate.unwrap_or(state.limit) + self.rules.tolerance_seconds => {
                unobserved(Some(from), d, tell);
            }
            _ => self.skip(d, tell),
        }
    }

    /// What went by up to this event shows nothing, but may have been watched unseen. Its clock drains the lead.
    fn lose(&mut self, event: &Event, before: f64, tell: &mut impl Tell) {
        unobserved(self.state.position, self.unseen(event, before), tell);
        self.state.drain(self.state.since.fastest);
    }

    /// What may have been watched unseen up to this event at most, in seconds of content; `before` of them were known
    /// before it.
    fn unseen(&mut self, event: &Event, before: f64) -> f64 {
        let seconds = self.state.since.content.min(self.rules.max_segment_seconds);
        let missed_a_stop = event.kind.starts_playback() || self.rules.heartbeat_seconds.is_some();
        if missed_a_stop { seconds.min(before + self.bound()) } else { seconds }
    }

    /// What may have been played after the state although its stop was never seen, in seconds of content.
    fn bound(&mut self) -> f64 {
        let cap = self.rules.open_segment_cap_seconds;
        let cap = self.rules.heartbeat_seconds.map_or(cap, |interval| cap.min(interval));
        let later = (self.next_later)(self.state.time);
        self.state.rate * later.map_or(cap, |later| cap.min(later.seconds_since(self.state.time)))
    }

    fn skip(&self, d: f64, tell: &mut impl Tell) {
        if d > self.rules.forward_skip_seconds {
            tell.tell(Finding::ForwardSkip(d));
        } else if d < -self.rules.backward_skip_seconds {
            tell.tell(Finding::BackwardSkip(-d));
        }
    }
}

#[inline]
fn unobserved(start: Option<f64>, seconds: f64, tell: &mut impl Tell) {
    if let (Some(start), true) = (start, seconds > 0.0) {
        // A speed may be so absurd that its product with the clock is none.
        tell.tell(Finding::Unobserved(Stretch { start, seconds: seconds.min(f64::MAX) }));
    }
}

#[cfg(test)]
mod tests;
