"""The collector: broker to database, one committed batch after another, acknowledged only then."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from domain.error import ConfigurationError, RejectError, ServiceError
from ingest.answer import outcome_answer, rejection_answer
from ingest.assembly import Assembled, assemble
from ingest.link import Link
from ingest.pace import Allowance, Pace
from ingest.part import PART_TIMEOUT_S, PartBook, given_up
from ingest.registry import Registry
from ingest.subscriber import Arrival
from ingest.topic import answer_topic, parse_topic
from store.batch import Batch, BatchResult, Rejection, write_batch
from store.connection import Connection
from store.error import translated
from store.part import parts_held, read_parts

T = TypeVar("T")
REJECTED: Final = "rejected"
_log = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a batch closes: `size` messages, or `age_s` seconds after its first; how long a split frame may take.

    When more messages wait already, up to `most` of them (`size` unless given) are one batch.
    """

    size: int = 500
    age_s: float = 0.2
    part_timeout_s: float = PART_TIMEOUT_S
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What a collector has done since it started, in messages."""

    received: int = 0
    batches: int = 0


class Collector:
    """Carries messages from a link into the database.

    Parameters
    ----------
    link : Link
        The broker; started and stopped by `run`.
    connect : callable
        Opens a database connection as the writer; called again after the connection was lost.
    name : str
        Name in the ledger and in the log.
    cadence : Cadence
        When a batch closes.
    now : callable
        The clock; aware moments.
    registry : Registry, optional
        The known devices; by default one without keys.
    shared : bool
        Whether other collectors take messages of the same devices.
    allowance : Allowance, optional
        How fast each device may send.
    """

    def __init__(  # noqa: PLR0913 - keyword-only from the third on
        self,
        link: Link,
        connect: Callable[[], Connection],
        *,
        name: str,
        cadence: Cadence,
        now: Callable[[], dt.datetime],
        registry: Registry | None = None,
        shared: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        check_cadence(cadence, link.window)
        self.link = link
        self._connect = connect
        self._name = name
        self._cadence = cadence
        self._now = now
        self._shared = shared
        self._registry = registry or Registry()
        self._book = PartBook()
        self._pace = Pace(allowance or Allowance())
        self._conn: Connection | None = None
        self._flight: Future[None] | None = None
        self._look_at_s = 0.0
        self.tally = Tally()

    def run(self, stopping: threading.Event, *, idle_s: float | None = None) -> Tally:
        """Collect until told to stop, or until nothing has come for `idle_s` seconds.

        Parameters
        ----------
        stopping : Event
            Set from outside, for instance by a signal handler; the batch at hand is finished first.
        idle_s : float, optional
            Stop by itself after so many seconds without a message.

        Returns
        -------
        Tally
            What was done.

        Raises
        ------
        LantianError
            What no retry can mend: credentials, privileges, schema, the client's network thread gone.
        """
        try:
            self._repeat(self._refreshed, stopping)
            self._repeat(self._recall, stopping)
            self.link.start()
            with ThreadPoolExecutor(1, thread_name_prefix="store") as self._writer:
                self._collect(stopping, idle_s)
        finally:
            self.link.stop()
            self._disconnect()
        return self.tally

    def _collect(self, stopping: threading.Event, idle_s: float | None) -> None:
        """Decode one batch while the one before is being written."""
        quiet_since = time.monotonic()
        while not stopping.is_set():
            arrivals = self.link.take(self._cadence.size, self._cadence.age_s, most=self._cadence.most)
            if arrivals:
                self._carry(arrivals, stopping)
                quiet_since = time.monotonic()
            elif idle_s is not None and time.monotonic() - quiet_since > idle_s:
                break
            else:
                self._land()
            self._give_up(stopping)
        self._land()

    def _carry(self, arrivals: Sequence[Arrival], stopping: threading.Event) -> None:
        """Decode a batch and hand it on once the one before is done with."""
        began = time.monotonic()
        opened_at = self._now()
        if self._registry.is_due(began, speakers({arrival.topic for arrival in arrivals})):
            self._land()
            if self._repeat(lambda: self._refreshed(arrivals), stopping) is None:
                return
        excess = self._pace.refused([arrival.topic for arrival in arrivals], began)
        refused = dict.fromkeys(excess, Rejection("too_fast", f"more than {self._pace.allowance}"))
        assembled = self._assembled(arrivals, opened_at, refused)
        flying = self._flight is not None
        self._land()
        if assembled.draft.touched and self._shared:
            written = self._repeat(lambda: self._written_alone(arrivals, opened_at, refused), stopping)
            if written is not None:
                self._conclude(*written, arrivals, began)
            return
        if assembled.draft.touched and flying:  # the batch before may have had parts of the same frames
            assembled = self._assembled(arrivals, opened_at, refused)
        devices = self._registry.devices

        def finish() -> None:
            result = self._repeat(lambda: write_batch(self._connected(), assembled.batch, devices), stopping)
            if result is not None:
                self._conclude(assembled, result, arrivals, began)

        self._flight = self._writer.submit(finish)

    def _written_alone(
        self, arrivals: Sequence[Arrival], opened_at: dt.datetime, refused: Mapping[int, Rejection]
    ) -> tuple[Assembled, BatchResult]:
        """Write a batch with parts of split frames while no other collector does so."""
        with translated("put parts together"), parts_held(self._connected()):
            self._refill()
            assembled = self._assembled(arrivals, opened_at, refused)
            return assembled, write_batch(self._connected(), assembled.batch, self._registry.devices)

    def _land(self) -> None:
        """Wait until the batch that is being written is done with; what went wrong is raised here."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.result()

    def _assembled(
        self, arrivals: Sequence[Arrival], opened_at: dt.datetime, refused: Mapping[int, Rejection]
    ) -> Assembled:
        return assemble(
            [arrival[:3] for arrival in arrivals],
            self._registry,
            collector=self._name,
            opened_at=opened_at,
            book=self._book,
            refused=refused,
        )

    def _conclude(self, assembled: Assembled, result: BatchResult, arrivals: Sequence[Arrival], began: float) -> None:
        """Answer and acknowledge what is committed."""
        assembled.draft.settle(result.rejections)
        self._answer(assembled, result)
        acknowledged = self.link.acknowledge(arrivals)
        self.tally = Tally(self.tally.received + len(arrivals), self.tally.batches + 1)
        line = {
            "event": "batch",
            "collector": self._name,
            "batch": result.batch_id,
            "received": len(arrivals),
            **dict.fromkeys(("stored", "duplicate", "revised", REJECTED), 0),
            **Counter(result.outcomes),
            "acknowledged": acknowledged,
            "ms": round((time.monotonic() - began) * 1000, 1),
        }
        _log.info(msgspec.json.encode(line).decode())

    def _recall(self) -> None:
        """Know again the parts of split frames that waited when the last collector stopped."""
        self._book = PartBook(since=self._now())
        with translated("read the parts of split frames"):
            self._refill()

    def _refill(self) -> None:
        conn = self._connected()
        parts = read_parts(conn)
        conn.rollback()
        self._book.refill(part for part in parts if self.link.hears(part.topic))

    def _give_up(self, stopping: threading.Event) -> None:
        """Reject the parts whose others have not come in time; the devices are told."""
        moment = time.monotonic()
        if not self._book.sets or moment < self._look_at_s:
            return
        self._look_at_s = moment + min(1.0, self._cadence.part_timeout_s / 10)
        self._land()  # it may bring another part
        batch = self._repeat(self._given_up, stopping)
        for message in batch.messages if batch is not None else ():
            self.link.publish(*rejection_answer(message, None))

    def _given_up(self) -> Batch:
        """Write that parts are given up; nothing is written when none are."""
        with ExitStack() as stack:
            stale = self._book.expired(self._now(), self._cadence.part_timeout_s)
            if stale and self._shared:
                stack.enter_context(translated("give parts up"))
                stack.enter_context(parts_held(self._connected()))
                self._refill()
                stale = self._book.expired(self._now(), self._cadence.part_timeout_s)
            batch = given_up(stale, self._name, self._now())
            if stale:
                write_batch(self._connected(), batch, self._registry.devices)
                self._book.drop((part.device_id, part.set_key) for part in stale)
        return batch

    def _refreshed(self, arrivals: Sequence[Arrival] = ()) -> bool:
        topics = {arrival.topic for arrival in arrivals}
        return self._registry.refresh(self._connected(), time.monotonic(), speakers(topics))

    def _answer(self, assembled: Assembled, result: BatchResult) -> None:
        for position, outcome in enumerate(result.outcomes):
            message = assembled.batch.messages[position]
            if outcome == REJECTED:
                self.link.publish(*rejection_answer(message, result.rejections.get(position)))
            elif (decoded := assembled.decoded[position]) is not None:
                reply = outcome_answer(message, decoded, outcome)
                if reply is not None:
                    self.link.publish(*reply)
                if decoded.request is not None:
                    self.link.publish(answer_topic(message.topic, "cmd"), decoded.request(self._now()))

    def _repeat(self, action: Callable[[], T], stopping: threading.Event) -> T | None:
        """Do `action` until the database takes it; None when told to stop first. What is not transient is raised."""
        for pause_s in pauses():
            try:
                return action()
            except ServiceError as error:
                self._disconnect()
                line = {"event": "retry", "collector": self._name, "error": str(error), "pause_s": round(pause_s, 2)}
                _log.warning(msgspec.json.encode(line).decode())
                if stopping.wait(pause_s):
                    return None
        return None

    def _connected(self) -> Connection:
        if self._conn is None:
            self._conn = self._connect()
        return self._conn

    def _disconnect(self) -> None:
        if self._conn is not None:
            with suppress(Exception):
                self._conn.close()
            self._conn = None


def speakers(topics: Iterable[str]) -> set[str]:
    """Ids of the devices that a batch's topics name; topics that are none of ours name nobody."""
    found = set()
    for topic in topics:
        with suppress(RejectError):
            found.add(parse_topic(topic).device_id)
    return found


def check_cadence(cadence: Cadence, window: int) -> None:
    """Refuse a batch that the window of unacknowledged messages cannot hold: it would never fill, only age."""
    if cadence.size < 1 or cadence.age_s <= 0:
        raise ConfigurationError(
            f"batch of {cadence.size} messages in {cadence.age_s} s; expected at least 1 and above 0"
        )
    most = max(cadence.size, cadence.most or 0)
    if window <= most:
        raise ConfigurationError(
            f"window of {window} unacknowledged messages, batch of {most}; expected the window to be larger"
        )


def pauses() -> Iterator[float]:
    """Seconds to wait between attempts: doubling up to a quarter of a minute, each drawn from its upper half."""
    draw = secrets.SystemRandom()
    pause_s = _FIRST_PAUSE_S
    while True:
        yield draw.uniform(pause_s / 2, pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
