"""The second opinion, section 2: the walk through one session of one user and video."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

from support.oracle_events import Event, Row, seconds_between
from support.oracle_intervals import Interval

NEAR = 1.0


@dataclass(frozen=True)
class State:
    """What is known of the player after an event."""

    time: int
    position: Optional[float] = None
    rate: float = 1.0
    stated: bool = False  # whether an event has said the rate
    playing: bool = False
    seeking: bool = False
    ended: bool = False
    origin: Optional[float] = None
    likely: Optional[float] = None
    lead: float = 0.0
    # Since the position of a playing player was last known:
    clock: float = 0.0
    content: float = 0.0
    fastest: float = 0.0

    @property
    def plays(self) -> bool:
        """Playing and not seeking: step 2 is for these, step 3 for the others."""
        return self.playing and not self.seeking


@dataclass
class Seen:
    """What one session saw of one video."""

    watch_time: float = 0.0
    play_time: float = 0.0
    segments: list[Interval] = field(default_factory=list)
    unobserved: list[Interval] = field(default_factory=list)
    max_position: float = 0.0
    ends: list[float] = field(default_factory=list)
    pauses: int = 0
    forward: int = 0
    backward: int = 0
    rejected: int = 0
    open: int = 0


def near(a: Optional[float], b: Optional[float]) -> bool:
    """Within 1 second of a position; nothing is near what is not known."""
    return a is not None and b is not None and abs(a - b) <= NEAR


def starts(event: Event) -> bool:
    """Whether playback starts with the event."""
    return event.kind in ("play", "resume")


def sign_of_life(event: Event, state: State) -> bool:
    """A heartbeat near a state that is not playing or is seeking: of a player that stands still."""
    return event.kind == "heartbeat" and not state.plays and near(event.position, state.position)


class Walk:
    """The walk: what was seen so far, and the run that goes on."""

    def __init__(self, times: Sequence[int], rules: Row):
        self.times = times  # of the events of the user and session on any video
        self.rules = rules
        self.seen = Seen()
        self.run_clock = 0.0
        self.run_time = 0.0

    # ----------------------------------------------------------------------------------- definitions

    def limit(self, state: State) -> float:
        """How fast the player can have been: the stated rate, or the most while it is unstated."""
        return state.rate if state.stated else max(1.0, self.rules["max_unstated_speed"])

    def bound(self, state: State) -> float:
        """The content that may have been played after the state although its stop was never seen."""
        limits: list[float] = [self.rules["open_segment_cap_seconds"]]
        if self.rules["heartbeat_seconds"] is not None:
            limits.append(self.rules["heartbeat_seconds"])
        limits += [seconds_between(state.time, time) for time in self.times if time > state.time]
        return state.rate * min(limits)

    def skip_by(self, d: float) -> None:
        """A skip by d, if it is far enough to be one."""
        if d > self.rules["forward_skip_seconds"]:
            self.seen.forward += 1
        elif d < -self.rules["backward_skip_seconds"]:
            self.seen.backward += 1

    def not_observed(self, start: Optional[float], seconds: float) -> None:
        """An unobserved stretch, which is left out if it has no length."""
        assert start is not None, "the position of a playing player is always known"
        if seconds != 0:
            self.seen.unobserved.append((start, seconds))

    # ----------------------------------------------------------------------------------------- steps

    def event(self, e: Event, state: State) -> State:
        """The state after an event: steps 1 to 5.

        Before the first event the state is that of a player of which nothing is known: it does not play,
        and without position, origin and likely place no step finds anything in it.
        """
        dt = seconds_between(state.time, e.time)
        p = self.stale_start(e, state)  # 1.
        now = state
        goes_on = False
        if state.plays:  # 2.
            now = replace(
                state,
                clock=state.clock + dt,
                content=state.content + dt * state.rate,
                fastest=state.fastest + dt * self.limit(state),
            )
            lead, goes_on = self.playing(e, p, state, now)
        else:  # 3.
            lead = max(0.0, state.lead - dt * self.limit(state))
            self.not_playing(e, p, state, dt)
        if not goes_on or e.kind == "seek":  # 4.
            self.end_run()
        self.count(e, now)
        return self.new_state(e, p, now, lead)  # 5.

    def stale_start(self, e: Event, state: State) -> Optional[float]:
        """Step 1: the position, but the state's where the player still reports the one before a seek."""
        p = e.position
        was_there = near(p, state.origin)
        is_elsewhere = state.position is not None and not near(state.position, state.origin)
        if starts(e) and state.origin is not None and was_there and is_elsewhere:
            return state.position
        return p

    def playing(self, e: Event, p: Optional[float], state: State, now: State) -> tuple[float, bool]:
        """Step 2: the lead from here on, and whether the run goes on (but for a seek).

        ``now`` is the state with this event's clock, content and fastest.
        """
        assert state.position is not None, "the position of a playing player is always known"
        tolerance = self.rules["tolerance_seconds"]
        x = e.seek_from if e.kind == "seek" else p
        lead = max(0.0, state.lead - now.fastest)
        goes_on = False
        if e.kind == "rate_change" and p is None:
            lead = state.lead
            goes_on = True
        elif x is None:
            self.not_observed(state.position, self.unseen(e, state, now))
        else:
            d = x - state.position
            ahead = max(0.0, state.lead + d - now.fastest)
            if 0 < d <= self.rules["max_segment_seconds"] and ahead <= tolerance:
                self.watched(state, x, d, now)
                lead = ahead
                goes_on = True
            elif d > 0 or d < -self.rules["backward_skip_seconds"]:
                self.seen.rejected += 1
                self.not_observed(state.position, self.unseen(e, state, now))
                self.skip_by(d)
            elif starts(e) and now.clock > tolerance:
                self.seen.open += 1
                self.not_observed(state.position, self.unseen(e, state, now))
            else:  # it stood still
                self.run_clock += now.clock
                lead = ahead
                goes_on = True
        if e.kind == "seek":
            assert p is not None, "a seek without a position is no event"
            self.skip_by(p - (state.position + now.content if x is None else x))
        return lead, goes_on

    def unseen(self, e: Event, state: State, now: State) -> float:
        """u, what may have been watched unseen."""
        u: float = min(now.content, self.rules["max_segment_seconds"])
        if starts(e) or self.rules["heartbeat_seconds"] is not None:
            u = min(u, state.content + self.bound(state))
        return u

    def watched(self, state: State, x: float, d: float, now: State) -> None:
        """A watched segment."""
        assert state.position is not None
        self.seen.segments.append((state.position, x))
        self.seen.watch_time += d
        self.run_clock += now.clock
        self.run_time += d / state.rate if now.content == 0 else d * now.clock / now.content

    def not_playing(self, e: Event, p: Optional[float], state: State, dt: float) -> None:
        """Step 3, but for the lead."""
        if p is None or state.position is None:
            return
        d = p - state.position
        told = ("heartbeat",) if state.seeking else ("heartbeat", "pause", "close", "end", "rate_change")
        if e.kind == "seek" or (starts(e) and not state.ended):
            self.skip_by(d)
        elif e.kind in told and not near(p, state.position) and not state.ended:
            speed = self.limit(state) if e.rate is None else e.rate
            if 0 < d <= dt * speed + self.rules["tolerance_seconds"]:
                self.not_observed(state.position, d)  # a start was missed
            else:
                self.skip_by(d)

    def end_run(self) -> None:
        """Step 4: play time is the wall clock of a run, at most what its content takes."""
        self.seen.play_time += min(self.run_clock, self.run_time)
        self.run_clock = self.run_time = 0.0

    def count(self, e: Event, now: State) -> None:
        """Step 4: pauses, the largest position as reported, and where it ended."""
        if e.kind == "pause":
            self.seen.pauses += 1
        if e.position is not None:
            self.seen.max_position = max(self.seen.max_position, e.position)
        if e.kind == "end":
            at = e.position
            if at is None:
                at = reached(now)
            told_twice = now.ended and near(now.likely, at)
            if at is not None and not told_twice:
                self.seen.ends.append(at)

    def new_state(self, e: Event, p: Optional[float], now: State, lead: float) -> State:
        """Step 5."""
        position = new_position(e, p, now)
        playing, seeking, ended, origin = table(e, now)
        keeps_clock = e.kind == "rate_change" and p is None and now.playing
        return State(
            time=e.time,
            position=position,
            rate=now.rate if e.rate is None else e.rate,
            stated=now.stated or e.rate is not None,
            playing=playing,
            seeking=seeking,
            ended=ended,
            origin=origin,
            likely=reached(now) if position is None else position,
            lead=lead,
            clock=now.clock if keeps_clock else 0.0,
            content=now.content if keeps_clock else 0.0,
            fastest=now.fastest if keeps_clock else 0.0,
        )

    def last(self, state: State) -> None:
        """Step 6, and the end of the last run: after the last event."""
        if state.playing:
            self.seen.open += 1
            self.not_observed(state.position, state.content + self.bound(state))
        self.end_run()


def reached(now: State) -> Optional[float]:
    """Where a player of unknown position likely is: as far as it played, else where it likely was."""
    if now.plays and now.position is not None:
        return now.position + now.content
    return now.likely


def new_position(e: Event, p: Optional[float], state: State) -> Optional[float]:
    """Step 5: the position after an event."""
    if p is None and (e.kind == "rate_change" or not state.plays):
        return state.position
    if e.kind == "seek_start" and not state.playing and state.position is not None:
        return state.position
    if sign_of_life(e, state):
        return state.position
    return p


def table(e: Event, state: State) -> tuple[bool, bool, bool, Optional[float]]:
    """Step 5: playing, seeking, ended and origin after an event."""
    if starts(e) or (e.kind == "heartbeat" and not sign_of_life(e, state)):
        return True, False, False, None
    if e.kind == "heartbeat":
        return state.playing, state.seeking, state.ended, None
    if e.kind in ("pause", "close"):
        return False, False, state.ended, None
    if e.kind == "end":
        return False, False, True, None
    if e.kind == "seek_start":
        return state.playing, True, state.ended, None
    if e.kind == "seek":
        origin = e.seek_from
        if origin is None and not state.plays:
            origin = state.position
        return state.playing, False, False, origin
    assert e.kind == "rate_change"
    return state.playing, state.seeking, state.ended, state.origin


def walk(events: Sequence[Event], times: Sequence[int], rules: Row) -> Seen:
    """One session of one user and video; ``times`` are those of the session's events on any video."""
    steps = Walk(times, rules)
    state = State(time=events[0].time)
    for e in events:
        state = steps.event(e, state)
    steps.last(state)
    return steps.seen
