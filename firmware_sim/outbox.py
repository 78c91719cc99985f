"""Store and forward: what a device has measured and the platform has not answered yet, on disk or in memory.

One file serves all devices of a simulation. It also remembers up to where each device has measured, so that a power cut
loses nothing, and which days of history were answered, so that nothing is sent twice without need.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import sqlite3
import weakref
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.error import ConfigurationError
from domain.period import ZONE
from firmware_sim.window import Patience, Window

#: Pause between looks for late answers.
_LOOK_S: Final = 0.1
_SCHEMA: Final = """
create table if not exists pending (number integer primary key, device text not null, topic text not null,
  payload blob not null);
create table if not exists cursor (device text not null, span_s integer not null, next_s integer not null,
  primary key (device, span_s));
create table if not exists answered_day (device text not null, day integer not null, primary key (device, day));
create table if not exists fact (name text primary key, value text not null);
"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to send: its number (seq, or the QN's milliseconds), device, topic and bytes."""

    number: int
    device: str
    topic: str
    payload: bytes


def _locked(path: Path, started_ms: int) -> int:
    """A descriptor that keeps `path` for one simulator, by a file beside it: a transaction is let go at each commit."""
    beside = path.with_name(path.name + ".lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(f"outbox {path}: cannot write {beside.name} beside it: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 200).decode(errors="replace").strip()
        os.close(lock)
        raise ConfigurationError(
            f"outbox {path}: found another simulator at work with it ({holder or 'it is just starting'}); expected one "
            "simulator for the stations of a county. `lantian up` runs one: leave it to that, set simulator = false, "
            "or end the other process"
        ) from None
    since = dt.datetime.fromtimestamp(started_ms / 1000, ZONE).isoformat(timespec="seconds")
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()}, since {since}\n".encode(), 0)
    return lock


def _release(database: sqlite3.Connection, lock: int | None) -> None:
    database.close()
    if lock is not None:
        os.close(lock)


class Outbox:
    """Unanswered messages of all devices, oldest first per device, at most `capacity` per device.

    Parameters
    ----------
    path : Path or None
        Database file; None keeps everything in memory.
    started_ms : int
        Unix milliseconds now: numbers grow from here, so that a late answer never meets a younger message.
    capacity : int
        Most messages kept per device; then the device must wait with measuring.
    window : int
        Most messages of one device that are on their way at once.
    patience : Patience
        Waiting times before a message is sent again.

    Raises
    ------
    ConfigurationError
        When the file is damaged or another simulator uses it.
    """

    def __init__(
        self,
        path: Path | None,
        started_ms: int,
        *,
        capacity: int = 10_000,
        window: int = 50,
        patience: Patience | None = None,
    ) -> None:
        self.capacity = capacity
        self._window = window
        self._patience = patience or Patience()
        lock = None if path is None else _locked(path, started_ms)
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, timeout=1.0, check_same_thread=False
        )
        # An outbox dropped without `close` gives its file back all the same, in whichever thread that is noticed.
        self._release = weakref.finalize(self, _release, self._database, lock)
        try:
            self._database.execute("pragma journal_mode = wal")
            self._database.execute("pragma synchronous = normal")
            self._database.executescript(_SCHEMA)
            self._database.execute("begin immediate")
        except sqlite3.DatabaseError as error:
            self._release()
            raise ConfigurationError(
                f"outbox {path}: found {error}; expected a file no other simulator uses"
            ) from error
        self._waiting: dict[str, deque[int]] = {}
        # Devices with messages that were never sent, and when to look for late answers again: a fleet is large.
        self._eager: dict[str, None] = {}
        self._look_s = float("-inf")
        self._sent: dict[str, Window[int]] = {}
        self._devices: dict[int, str] = {}
        for number, device in self._database.execute("select number, device from pending order by number"):
            self._enqueue(number, device)
        self._number = max([started_ms, int(self.fact("number") or 0), *self._devices])

    def close(self) -> None:
        """Write what is not yet written and close the file."""
        self.commit()
        self._database.execute("rollback")
        self._release()

    def commit(self) -> None:
        """Make everything up to here survive a power cut."""
        self._set_fact("number", str(self._number))
        self._database.execute("commit")
        self._database.execute("begin immediate")

    def new_number(self) -> int:
        """A number that no message had before."""
        self._number += 1
        return self._number

    def room(self, device: str) -> int:
        """How many more messages `device` may keep."""
        return self.capacity - self.kept(device)

    def kept(self, device: str) -> int:
        """Number of unanswered messages of `device`."""
        return len(self._waiting.get(device, ())) + len(self._sent.get(device, ()))

    def __len__(self) -> int:
        return len(self._devices)

    def put(self, parcel: Parcel, *, span_s: int | None = None, next_s: int = 0) -> None:
        """Keep `parcel` until it is answered, and note that the device has measured `span_s` data up to `next_s`.

        Raises
        ------
        ConfigurationError
            When the device has no room; look at `room` first.
        """
        if self.room(parcel.device) <= 0:
            raise ConfigurationError(f"outbox of {parcel.device} is full with {self.capacity} messages")
        row = (parcel.number, parcel.device, parcel.topic, parcel.payload)
        self._database.execute("insert into pending values (?, ?, ?, ?)", row)
        self._enqueue(parcel.number, parcel.device)
        if span_s is not None:
            self._database.execute("insert or replace into cursor values (?, ?, ?)", (parcel.device, span_s, next_s))

    def cursor(self, device: str, span_s: int) -> int | None:
        """Unix second at which the first unmeasured span of `device` starts; None when it never measured."""
        found = self._database.execute("select next_s from cursor where device = ? and span_s = ?", (device, span_s))
        row = found.fetchone()
        return None if row is None else int(row[0])

    def due(self, now_s: float, held: Container[str] = ()) -> list[Parcel]:
        """Messages to send now: unanswered ones whose waiting has ended, then new ones as the windows permit.

        They count as sent at `now_s`, a reading of a monotonic clock. Devices in `held` cannot send now.
        """
        numbers: list[int] = []
        if now_s >= self._look_s:
            self._look_s = now_s + _LOOK_S
            for device, window in self._sent.items():
                if device not in held:
                    numbers += window.overdue(now_s)
        for device in [one for one in self._eager if one not in held]:
            waiting = self._waiting[device]
            numbers += [waiting.popleft() for _ in range(min(self._sent[device].room, len(waiting)))]
            if not waiting:
                del self._eager[device]
        for number in numbers:
            self._sent[self._devices[number]].open(number, now_s)
        return [self._parcel(number) for number in numbers]

    def answer(self, number: int) -> bool:
        """Forget the message `number`, which the platform has answered; False when it is not kept here."""
        device = self._devices.get(number)
        if device is None:
            return False
        if not self._sent[device].close(number):
            # The answer to a copy that was sent before a restart.
            self._waiting[device].remove(number)
        del self._devices[number]
        self._database.execute("delete from pending where number = ?", (number,))
        return True

    def answered_days(self, device: str) -> set[int]:
        """Day numbers whose history the platform has answered for `device`."""
        rows = self._database.execute("select day from answered_day where device = ?", (device,))
        return {int(day) for (day,) in rows}

    def note_answered_days(self, device: str, days: Iterable[int]) -> None:
        """Note that the history of `days` is answered."""
        rows = [(device, int(day)) for day in days]
        self._database.executemany("insert or ignore into answered_day values (?, ?)", rows)

    def fact(self, name: str) -> str | None:
        """A text noted earlier with `note_fact`."""
        row = self._database.execute("select value from fact where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note_fact(self, name: str, value: str) -> None:
        """Note a text about the simulation, such as its seed."""
        self._set_fact(name, value)

    def _set_fact(self, name: str, value: str) -> None:
        self._database.execute("insert or replace into fact values (?, ?)", (name, value))

    def _enqueue(self, number: int, device: str) -> None:
        self._devices[number] = device
        self._waiting.setdefault(device, deque()).append(number)
        self._eager[device] = None
        self._sent.setdefault(device, Window(self._window, self._patience))

    def _parcel(self, number: int) -> Parcel:
        row = self._database.execute(
            "select device, topic, payload from pending where number = ?", (number,)
        ).fetchone()
        return Parcel(number, str(row[0]), str(row[1]), bytes(row[2]))
