"""How a viewer handles a player, and the events that the player sends."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any, Callable, NamedTuple, Optional, Tuple

from watchspan.sample._catalogue import Video, choose

# The columns of an event in the order of EVENTS_SCHEMA, with the timestamp in microseconds.
Row = Tuple[Any, ...]
# Random.random, whose values are the same on every Python version; those of the other methods are not.
Uniform = Callable[[], float]

_SECOND = 1_000_000
# How much of a video is played until the viewer does something, on average. Treated viewers so watch about a
# tenth more: measured, as they come to the end sooner, too.
_UNTREATED, _TREATED = 0.22, 0.255


class Viewer(NamedTuple):
    """One user and how their player behaves."""

    key: str
    rate: float
    reports_rate: bool
    reports_origin: bool  # whether seeks tell where they came from
    heartbeat: float  # 0 if the player sends none
    treated: bool  # whether the viewer is of the group that watches more


class Player:
    """One tab with one video: a clock, a position, and the events that it sends."""

    __slots__ = (
        "ahead",
        "clock",
        "keys",
        "position",
        "rate",
        "rows",
        "sequence",
        "uniform",
        "video",
        "viewer",
    )

    def __init__(
        self, viewer: Viewer, video: Video, session: str, clock: int, position: float, uniform: Uniform
    ) -> None:
        self.viewer, self.video, self.uniform = viewer, video, uniform
        self.keys = (viewer.key, video.key, session)
        self.clock, self.position = clock, position
        self.rate = viewer.rate
        self.ahead = video.moment  # until the viewer has come to it
        self.sequence = 0
        self.rows: list[Row] = []

    def send(self, name: str, seek_from: Optional[float] = None) -> None:
        """Sends an event at this moment."""
        rate = self.rate if self.viewer.reports_rate else None
        position = round(self.position, 3)
        self.rows.append((self.clock, *self.keys, name, position, rate, seek_from, self.sequence))
        self.sequence += 1

    def wait(self, seconds: float) -> None:
        """Lets time go by."""
        self.clock += int(seconds * 1000) * 1000

    def play(self, content: float) -> bool:
        """Plays on, at most to the end, and tells whether the end was not reached."""
        target = min(self.position + content, self.video.length)
        step = self.viewer.heartbeat * self.rate
        while step and self.position + step < target:
            self._advance_to(self.position + step)
            self.send("video_heartbeat")
        self._advance_to(target)
        return self.position < self.video.length

    def _advance_to(self, position: float) -> None:
        self.wait((position - self.position) / self.rate)
        self.position = position
        if self.uniform() < 0.02:  # the network stalls: time goes by and the video does not
            self.wait(self.uniform() * 8)

    def seek(self, to: float) -> None:
        """Goes to a position, within the video."""
        origin, self.position = self.position, min(max(to, 0.0), self.video.length - 1)
        if self.uniform() < 0.01:  # some seeks are never reported
            return
        self.wait(0.2)
        self.send("video_seek", round(origin, 3) if self.viewer.reports_origin else None)

    def drag(self, to: float) -> None:
        """Seeks by dragging the knob of the progress bar: the position moves while the knob is held."""
        self.send("video_seek_start")
        self.wait(1 + self.uniform() * 3)
        self.seek(to)


def watch(player: Player) -> None:
    """One viewing, from the first play until the viewer has had enough or is gone."""
    uniform = player.uniform
    if uniform() < 0.08:  # a glance
        player.send("video_play")
        player.play(uniform() * 9)
        player.send("video_pause" if uniform() < 0.5 else "video_close")
        return
    player.send("video_play")
    again = True
    while again:
        if not _watch_until_end(player):
            return
        player.send("video_ended")
        again = uniform() < 0.04
        if again:
            player.wait(2 + uniform() * 20)
            player.position = 0.0
            player.send("video_play")
    if uniform() < 0.6:
        player.wait(uniform() * 30)
        player.send("video_close")


def _watch_until_end(player: Player) -> bool:
    """Watches with pauses and seeks; tells whether the end was reached."""
    mean = player.video.length * (_TREATED if player.viewer.treated else _UNTREATED)
    while True:
        stop = player.position + exponential(player.uniform, mean)
        if not _pass_moment(player, stop):
            return False
        if not player.play(max(0.0, stop - player.position)):
            return True
        if not _interact(player):
            return False


def _pass_moment(player: Player, stop: float) -> bool:
    """Plays up to the video's moment, if that lies before `stop`; tells whether the viewer stays."""
    moment = player.ahead
    if moment is None:
        return True
    at = moment.end if moment.kind == "spike" else moment.start
    if not player.position < at < stop:
        return True
    player.ahead = None
    player.play(at - player.position)
    if player.uniform() >= moment.share:
        return True
    if moment.kind == "drop":
        player.play(player.uniform() * (moment.end - moment.start))
        player.send("video_close")
        return False
    player.seek(moment.start if moment.kind == "spike" else moment.end)
    return True


def _interact(player: Player) -> bool:
    """What the viewer does while the video plays; tells whether they stay."""
    uniform = player.uniform
    chance = uniform()
    if chance < 0.40:
        return _pause(player)
    if chance < 0.56:
        player.seek(player.position + 10 * (1 + int(uniform() * 6)))
    elif chance < 0.68:
        player.seek(player.position - 10 * (1 + int(uniform() * 3)))
    elif chance < 0.72:
        player.drag(uniform() * player.video.length)
    elif chance < 0.735:
        player.drag(player.video.length - 3)
    elif chance < 0.76 and player.viewer.reports_rate:
        player.rate = (1.0, 1.25, 1.5, 2.0)[int(uniform() * 4)]
        player.send("video_rate_change")
    elif chance > 0.86:
        player.send("video_close")
        return False
    return chance < 0.78  # above it the browser is closed, and nothing says so


def _pause(player: Player) -> bool:
    """Pauses; tells whether the viewer comes back."""
    uniform = player.uniform
    player.send("video_pause")
    if uniform() < 0.25:
        return False
    player.wait(exponential(uniform, 45))
    if uniform() < 0.12:
        player.seek(player.position - 15)
    player.send("video_resume")
    return True


def session(
    viewer: Viewer, start: tuple[Video, float], key: str, clock: int, videos: list[Video], uniform: Uniform
) -> list[Player]:
    """One session: a video or more, one after another or in several tabs."""
    players: list[Player] = []
    video, position = start
    while True:
        player = Player(viewer, video, key, clock, position, uniform)
        watch(player)
        players.append(player)
        if uniform() >= 0.3:
            return players
        if uniform() < 0.15:  # in another tab, while this video still plays
            clock += 20 * _SECOND
        else:
            clock = player.clock + int(3000 + uniform() * 57_000) * 1000
        video, position = choose(videos, uniform), 0.0


def viewer_of(number: int, seed: int) -> Viewer:
    """The viewer of that number; only the group depends on the seed."""
    # Scattered over the numbers, because low numbers watch more.
    scattered = number * 7919 % 1009
    reports_rate = scattered % 5 < 3
    rate = (1.0, 1.0, 1.0, 1.25, 1.0, 1.5, 1.0, 2.0)[scattered % 8] if reports_rate else 1.0
    heartbeat = 30.0 if scattered % 3 == 0 else 0.0
    # By a hash: in any pattern of numbers the keenest, who are few, could all be of one group.
    treated = sha256(f"{seed} {number}".encode()).digest()[0] % 2 == 1
    return Viewer(f"user-{number:06}", rate, reports_rate, scattered % 7 < 5, heartbeat, treated)


def exponential(uniform: Uniform, mean: float) -> float:
    """A time to wait for something that happens at random."""
    return -mean * math.log(1.0 - uniform())
