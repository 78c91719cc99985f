"""The gateway: data loggers on TCP, the broker behind it; a logger is answered when the platform has answered."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from domain.error import ConfigurationError, LantianError, ServiceError
from ingest.gateway.connection import MAX_STRIKES, Connection
from ingest.gateway.flight import Flight
from ingest.gateway.identity import AddressBook, answered_request
from ingest.gateway.link_state import LinkBoard
from ingest.gateway.stream import Piece
from ingest.gateway.tally import SPARE_FILES, Limits, Tally, raise_file_limit
from ingest.gateway.uplink import Listener, Uplink
from ingest.link import Broker
from ingest.wire.hj212 import request_number
from store.gateway import Logger

_log = logging.getLogger(__name__)
_SWEEP_S: Final = 1.0
_REFRESH_S: Final = 30.0
_SURPRISED_S: Final = 2.0
_FAREWELL_S: Final = 5.0
_BACKLOG: Final = 4096

Registry = tuple[dict[str, Logger], frozenset[str]]


def _say(event: str, **more: object) -> None:
    _log.info(json.dumps({"event": event, **more}))


class Gateway:
    """A running gateway.

    Parameters
    ----------
    broker : Broker
        Where frames go, and as whom.
    read_registry : callable
        Reads the registry, in a thread; `ServiceError` when it cannot be read now.
    county : str
        Area of strangers.
    name : str
        Client id at the broker.
    limits : Limits
        Bounds.
    """

    def __init__(
        self, broker: Broker, read_registry: Callable[[], Registry], *, county: str, name: str, limits: Limits
    ) -> None:
        self.tally = Tally()
        #: Where it listens, known once it does.
        self.port = 0
        self._read_registry = read_registry
        self._limits = limits
        self._name = name
        self._book = AddressBook(county)
        self._flight: Flight[Connection] = Flight(limits.in_flight, limits.patience_s)
        self._open: dict[Connection, None] = {}
        self._at: dict[str, Connection] = {}
        self._waiting: deque[Connection] = deque()
        self._queued: set[Connection] = set()
        self._waking = False
        self._ready = False
        self._max_connections = limits.connections
        self._ending: asyncio.Future[None] | None = None
        listener = Listener(self._connected, self._lost, self._taken, self._heard, self._fail)
        self._uplink = Uplink(broker, name, listener)
        self._links = LinkBoard(name, self._uplink.retain)

    async def run(self, address: str, port: int, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set.

        Parameters
        ----------
        address : str
            Where to listen.
        port : int
            Port, 0 for any.
        stopping : Event
            Set from outside.

        Raises
        ------
        LantianError
            What no retry mends: the port is taken, the broker refuses the account or its messages.
        """
        loop = asyncio.get_running_loop()
        self._ending = loop.create_future()
        self._fit_files()
        await self._refresh(first=True)
        try:
            server = await loop.create_server(lambda: Connection(self), address, port, backlog=_BACKLOG)
        except OSError as error:
            raise ConfigurationError(f"gateway cannot listen on {address}:{port}: {error.strerror or error}") from error
        self.port = server.sockets[0].getsockname()[1]
        _say("start", gateway=self._name, address=address, port=self.port, max_connections=self._max_connections)
        self._uplink.start(loop)
        chores = loop.create_task(self._chores())
        stop = loop.create_task(stopping.wait())
        try:
            await asyncio.wait((stop, chores, self._ending), return_when=asyncio.FIRST_COMPLETED)
            for each in (chores, self._ending):
                if each.done():
                    each.result()
        finally:
            server.close()
            await self._farewell()
            for task in (stop, chores):
                task.cancel()
            for connection in list(self._open):
                connection.close()
            await loop.run_in_executor(None, self._uplink.stop)
            _say("stop", gateway=self._name, **self.tally.as_row())

    # What connections ask for.

    def now(self) -> float:
        """Monotonic clock in seconds."""
        return time.monotonic()

    def joined(self, connection: Connection) -> bool:
        """Take a connection in unless there are too many."""
        if len(self._open) >= self._max_connections:
            self.tally.refused += 1
            return False
        self._open[connection] = None
        self.tally.accepted += 1
        connection.serial = self.tally.accepted
        return True

    def may_send(self, connection: Connection) -> bool:
        """Whether a piece may leave; a connection that must wait is woken when one may."""
        if self._ready and not self._flight.is_full and connection.in_flight < self._limits.in_flight_each:
            return True
        if connection.in_flight < self._limits.in_flight_each and connection not in self._queued:
            self._queued.add(connection)
            self._waiting.append(connection)
        return False

    def carry(self, connection: Connection, piece: Piece) -> None:
        """Publish a piece and note who is answered."""
        route = self._book.route(piece)
        if route.device_id is not None:
            self.tally.frames += 1
            connection.strikes = 0
            connection.devices.add(route.device_id)
            self._at[route.device_id] = _alive(self._at.get(route.device_id), connection)
            self._links.connected(route.device_id, route.branch, _clock())
        else:
            self.tally.rejected += 1
            connection.strikes += 1
        mid = self._uplink.publish(f"{route.branch}/data", piece.content)
        if route.device_id is not None and route.head.wants_answer:
            self._expect(route.branch, route.head.qn, connection)
        else:
            connection.in_flight += 1
            self._flight.await_receipt(mid, connection)
        if connection.strikes >= MAX_STRIKES and not connection.devices:
            self.tally.refused += 1
            connection.close()

    def _expect(self, branch: str, qn: str, connection: Connection) -> None:
        """Expect an answer; bytes of a dead connection may be read after those of the one that replaced it."""
        owner = _alive(self._flight.owner(branch, qn), connection)
        owner.in_flight += 1
        former = self._flight.await_answer(branch, qn, owner, self.now())
        if former is not None:
            self._release(former)

    def left(self, connection: Connection, cut: int) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)
        self.tally.cut += cut > 0
        for device in connection.devices:
            if self._at.get(device) is connection:
                del self._at[device]
                self._links.gone(device, _clock())

    # What the broker says.

    def _connected(self, window: int) -> None:
        self._flight.limit = min(self._limits.in_flight, window)
        self._ready = True
        _say("broker", gateway=self._name, connected=True, window=window)
        self._wake()

    def _lost(self) -> None:
        self._ready = False
        _say("broker", gateway=self._name, connected=False)

    def _taken(self, mid: int, heard: bool) -> None:
        if not heard:
            self.tally.unheard += 1
        self._links.pending.discard(mid)
        connection = self._flight.received(mid)
        if connection is not None:
            self._release(connection)

    def _heard(self, topic: str, payload: bytes) -> None:
        branch, _, stream = topic.rpartition("/")
        device = branch.rpartition("/")[2]
        if stream == "cmd":
            self._command(device, payload)
            return
        if stream == "state":
            self._links.heard(branch, payload, _clock())
            return
        if stream == "reply":
            owner = self._flight.answered(branch, answered_request(payload))
            self._reply(device, owner, payload)
        else:
            self.tally.errors += 1
            qn, release = _told_by_error(payload)
            owner = self._flight.answered(branch, qn)
            if release is not None:
                self._reply(device, owner, release)
        if owner is not None:
            self._release(owner)

    def _reply(self, device: str, owner: Connection | None, payload: bytes) -> None:
        receiver = owner if owner is not None and owner.is_open else self._at.get(device)
        if receiver is not None:
            self.tally.answered += 1
            receiver.send(payload)

    def _command(self, device: str, payload: bytes) -> None:
        connection = self._at.get(device)
        if connection is None or not connection.is_open:
            self.tally.undelivered += 1
            _say("undelivered", gateway=self._name, device=device, qn=request_number(payload))
            return
        self.tally.commands += 1
        connection.send(payload)

    def _fail(self, error: LantianError) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_exception(error)

    # Back-pressure: whoever had to wait goes on in turn.

    def _release(self, connection: Connection) -> None:
        connection.in_flight -= 1
        if connection.is_paused and connection not in self._queued:
            self._queued.add(connection)
            self._waiting.append(connection)
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._waking = False
        for _ in range(len(self._waiting)):
            if not self._ready or self._flight.is_full:
                return
            connection = self._waiting.popleft()
            self._queued.discard(connection)
            connection.go_on()

    # Chores.

    async def _chores(self) -> None:
        report_s = refresh_s = self.now()
        while True:
            await asyncio.sleep(_SWEEP_S)
            now_s = self.now()
            for connection in self._flight.expired(now_s):
                self.tally.expired += 1
                self._release(connection)
            for connection in [each for each in self._open if not each.is_paused]:
                if now_s - connection.heard_s > self._limits.idle_s:
                    self.tally.idle += 1
                    connection.close()
            if now_s - refresh_s >= (_SURPRISED_S if self._book.surprised else _REFRESH_S):
                refresh_s = now_s
                await self._refresh()
            if now_s - report_s >= self._limits.report_s:
                report_s = now_s
                self._report()

    def _report(self) -> None:
        paused = sum(each.is_paused for each in self._open)
        row = {"connections": len(self._open), "devices": len(self._at), "in_flight": len(self._flight)}
        _say("gateway", gateway=self._name, **row, paused=paused, **self.tally.as_row())

    async def _refresh(self, *, first: bool = False) -> None:
        """Read the registry; while the database is away the gateway goes on with what it knows."""
        while True:
            try:
                self._book.take(*await asyncio.to_thread(self._read_registry))
                return
            except ServiceError as error:
                _say("retry", gateway=self._name, error=str(error))
                if not first:
                    return
                await asyncio.sleep(_SURPRISED_S)

    def _fit_files(self) -> None:
        files = raise_file_limit()
        self._max_connections = allowed = min(self._limits.connections, files - SPARE_FILES)
        if allowed < self._limits.connections:
            wanted = self._limits.connections + SPARE_FILES
            _say("file_limit", gateway=self._name, found=files, wanted=wanted, max_connections=allowed)

    async def _farewell(self) -> None:
        """Give what is under way a moment to be answered; nothing more is read."""
        self._limits = Limits(connections=0, in_flight=0, in_flight_each=0)
        until = self.now() + _FAREWELL_S
        while len(self._flight) and self._ready and self.now() < until:
            await asyncio.sleep(0.05)
        self._links.close(_clock())
        while self._links.pending and self._ready and self.now() < until + _FAREWELL_S:
            await asyncio.sleep(0.05)


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _alive(known: Connection | None, connection: Connection) -> Connection:
    """Which of two connections of a device gets what is meant for it."""
    return known if known is not None and known.is_open and known.serial > connection.serial else connection


def _told_by_error(payload: bytes) -> tuple[str, bytes | None]:
    """Request number of a rejected frame, and the answer that lets its logger forget it, if it is to forget it."""
    try:
        found = json.loads(payload)
    except ValueError:
        return "", None
    told = found if isinstance(found, dict) else {}
    qn, release = told.get("qn"), told.get("release")
    return qn if isinstance(qn, str) else "", release.encode() if isinstance(release, str) else None
