"""Measurements of files, published as their stations would have sent them; resumable."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.error import ConfigurationError
from firmware_sim.answer import Receipt
from firmware_sim.frame_json import Reading, data_message
from firmware_sim.noise import Floats, Times
from firmware_sim.outbox import Parcel
from firmware_sim.window import Window

#: Distinct reasons of rejection that are kept with an example.
EXAMPLES: Final = 20


@dataclass(slots=True)
class Track:
    """Rows of one device in ascending order of time, and which of them the platform has answered.

    Attributes
    ----------
    device, topic : str
        Device id and its data topic.
    columns : tuple of str
        Names of the columns of `values`.
    starts_s : ndarray of int64
        Shape (n,); Unix time at which each row's span starts.
    values : ndarray of float64
        Shape (n, k); NaN is missing and left out of the message.
    span_s : int
        Seconds a row covers.
    answered : ndarray of bool
        Shape (n,); rows whose message was answered, by this run or an earlier one.
    rejected : ndarray of bool
        Shape (n,); rows whose message was refused. They are sent again by the next run.
    """

    device: str
    topic: str
    columns: tuple[str, ...]
    starts_s: Times
    values: Floats
    span_s: int
    answered: npt.NDArray[np.bool_] = field(init=False)
    rejected: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.answered = np.zeros(len(self.starts_s), dtype=np.bool_)
        self.rejected = np.zeros(len(self.starts_s), dtype=np.bool_)

    def reading(self, row: int) -> Reading:
        """The reading in `row`; missing values are left out."""
        pairs = zip(self.columns, self.values[row].tolist(), strict=True)
        return Reading(
            int(self.starts_s[row]), self.span_s, {name: value for name, value in pairs if math.isfinite(value)}
        )


def save_track(track: Track, path: Path) -> None:
    """Write up to where `track` is answered, and which rows were refused, to a small JSON file."""
    open_rows = np.flatnonzero(~track.answered)
    upto = int(open_rows[0]) if open_rows.size else len(track.answered)
    refused = np.flatnonzero(track.rejected[:upto]).tolist()
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps({"rows": len(track.answered), "answered": upto, "rejected": refused}), encoding="ascii")
    draft.replace(path)


def load_track(track: Track, path: Path) -> None:
    """Mark the rows that an earlier run has brought through; no file means none.

    Parameters
    ----------
    track : Track
        Rows to send; those already answered are marked in it.
    path : Path
        State file of the earlier run.

    Raises
    ------
    ConfigurationError
        When the file is damaged or belongs to another number of rows.
    """
    if not path.exists():
        return
    try:
        state = json.loads(path.read_text(encoding="ascii"))
        rows, upto, refused = int(state["rows"]), int(state["answered"]), [int(row) for row in state["rejected"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path.name}: found {error!r}, expected a replay state; use --restart") from error
    if rows != len(track.answered):
        raise ConfigurationError(f"{path.name}: found {rows} rows, expected {len(track.answered)}; use --restart")
    track.answered[:upto] = True
    track.answered[refused] = False


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of one track that travel in one message."""

    track: Track
    rows: npt.NDArray[np.int64]


class Playback:
    """Sends the unanswered rows of tracks in order of time, a window of messages at a time.

    Parameters
    ----------
    tracks : sequence of Track
        What to send.
    numbers : iterator of int
        A new message number each.
    window : Window
        How many messages may be on their way, and when one is sent again.
    batch : int
        Rows per message.
    speed : float
        How much faster than the original; 0 is as fast as the window allows.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        numbers: Iterator[int],
        *,
        window: Window[int],
        batch: int = 1,
        speed: float = 0.0,
    ) -> None:
        self.published = 0
        self.resent = 0
        self.rows: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.total = int(sum((~track.answered).sum() for track in tracks))
        self._numbers = numbers
        self._window = window
        self._speed = speed
        self._supply = _groups(tracks, batch)
        self._next: _Group | None = next(self._supply, None)
        self._began: tuple[float, int] | None = None
        self._on_way: dict[int, tuple[_Group, Parcel]] = {}

    @property
    def done(self) -> bool:
        """Whether every row has been answered."""
        return self._next is None and not self._on_way

    @property
    def on_way(self) -> int:
        """Messages sent and not answered."""
        return len(self._on_way)

    def pump(self, now_s: float, send: Callable[[Parcel], None]) -> None:
        """Send again what waited too long, then what is due by monotonic time `now_s` and fits into the window."""
        for number in self._window.overdue(now_s):
            self._window.open(number, now_s)
            send(self._on_way[number][1])
            self.resent += 1
        while self._next is not None and self._window.room > 0 and self._due(self._next, now_s):
            group, number = self._next, next(self._numbers)
            readings = [group.track.reading(int(row)) for row in group.rows]
            parcel = Parcel(number, group.track.device, group.track.topic, data_message(number, readings))
            self._on_way[number] = (group, parcel)
            self._window.open(number, now_s)
            send(parcel)
            self.published += 1
            self._next = next(self._supply, None)

    def answer(self, receipt: Receipt) -> int:
        """Note the platform's answer; number of rows it is about, 0 when the message is not one of these."""
        found = self._on_way.pop(receipt.number, None) if receipt.number is not None else None
        if found is None or receipt.number is None:
            return 0
        self._window.close(receipt.number)
        group = found[0]
        group.track.answered[group.rows] = True
        group.track.rejected[group.rows] = receipt.outcome == "rejected"
        self.rows[receipt.outcome] += len(group.rows)
        if receipt.outcome == "rejected":
            self.reasons[receipt.reason] += len(group.rows)
            if len(self.examples) < EXAMPLES:
                self.examples.setdefault(receipt.reason, f"{group.track.device}: {receipt.detail}")
        return len(group.rows)

    def _due(self, group: _Group, now_s: float) -> bool:
        if not self._speed:
            return True
        start_s = int(group.track.starts_s[group.rows[0]])
        if self._began is None:
            self._began = (now_s, start_s)
        return now_s - self._began[0] >= (start_s - self._began[1]) / self._speed


def _groups(tracks: Sequence[Track], batch: int) -> Iterator[_Group]:
    """Groups of up to `batch` unanswered rows of one track, by the time of their first row."""
    groups = []
    for track in tracks:
        rows = np.flatnonzero(~track.answered)
        groups += [_Group(track, rows[at : at + batch]) for at in range(0, len(rows), batch)]
    yield from sorted(groups, key=lambda group: int(group.track.starts_s[group.rows[0]]))
