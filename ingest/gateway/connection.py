"""One logger's TCP connection: bytes in, pieces out, reading paused while nothing more may leave."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import Final, Protocol

from ingest.gateway.stream import Piece, StreamDecoder

#: A dead peer is noticed after about two minutes: probes after a minute of silence, four of them.
_PROBES: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 120_000))
#: A peer that does not read its answers is cut off beyond so many bytes.
_MAX_UNREAD: Final = 64 * 1024
#: Broken pieces in a row from a peer that has never sent a good frame of a registered device.
MAX_STRIKES: Final = 20


class Exchange(Protocol):
    """What a connection needs of the gateway."""

    def now(self) -> float:
        """Monotonic clock in seconds."""

    def joined(self, connection: Connection) -> bool:
        """Whether one more connection may stay."""

    def may_send(self, connection: Connection) -> bool:
        """Whether a piece may leave now; if not, `Connection.go_on` is called later."""

    def carry(self, connection: Connection, piece: Piece) -> None:
        """Publish a piece."""

    def left(self, connection: Connection, cut: int) -> None:
        """The connection is gone; `cut` bytes of a frame that did not arrive whole went with it."""


class Connection(asyncio.Protocol):
    """A logger, or several behind one front end.

    Parameters
    ----------
    exchange : Exchange
        The gateway.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._decoder = StreamDecoder()
        self._backlog: deque[Piece] = deque()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.heard_s = exchange.now()
        #: Number in order of connecting: of two connections of one logger, the later one is alive.
        self.serial = 0
        #: Frames of this connection that are under way.
        self.in_flight = 0
        #: Registered devices that have sent good frames here.
        self.devices: set[str] = set()
        self.strikes = 0

    @property
    def is_open(self) -> bool:
        """Whether answers can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_paused(self) -> bool:
        """Whether reading waits for the platform."""
        return self._paused

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection in, or close it when there are too many."""
        assert isinstance(transport, asyncio.Transport)
        if not self._exchange.joined(self):
            transport.abort()
            return
        self._transport = transport
        wire = transport.get_extra_info("socket")
        if wire is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _PROBES:
                if hasattr(socket, name):
                    wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def data_received(self, data: bytes) -> None:
        """Take bytes in and pass on what is complete."""
        self.heard_s = self._exchange.now()
        self._backlog.extend(self._decoder.feed(data))
        self.go_on()

    def eof_received(self) -> bool:
        """The peer has said its last: pass on what is left, then close."""
        self._backlog.extend(self._decoder.finish())
        self.go_on()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it ended makes no difference
        """Forget the peer; what had not left yet was not answered and comes again."""
        if self._transport is None:
            return
        self._transport = None
        self._exchange.left(self, self._decoder.pending + sum(len(piece.content) for piece in self._backlog))
        self._backlog.clear()

    def go_on(self) -> None:
        """Pass on what waits, as far as it may leave; reading stops when it may not."""
        while self._backlog and self.is_open:
            if not self._exchange.may_send(self):
                self._pause()
                return
            self._exchange.carry(self, self._backlog.popleft())
        self._resume()

    def send(self, payload: bytes) -> None:
        """Send an answer or a command; a peer that reads nothing is cut off."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _MAX_UNREAD:
            self._transport.abort()
            return
        self._transport.write(payload if payload.endswith(b"\r\n") else payload + b"\r\n")

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self.heard_s = self._exchange.now()
            self._transport.resume_reading()
