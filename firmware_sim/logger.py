"""Data loggers that speak HJ 212 over TCP, many in one thread, and what a bad line makes of their bytes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from firmware_sim.fault import Fault
from firmware_sim.link import Inbox, Received

_RETRY_S: Final = 2.0
_FAREWELL_S: Final = 3.0
#: Dribbled bytes leave in pieces of this size.
_DROP: Final = 3
_ANSWER: Final = b";CN=9014;"
#: What `mixed` does, in turn.
MANNERS: Final = ("dribble", "stall", "half_open")


class LoggerNet:
    """The thread in which loggers live.

    Parameters
    ----------
    inbox : Queue
        Where answers of the platform are queued.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="loggers", daemon=True)
        self._thread.start()

    def call(self, action: Coroutine[Any, Any, None]) -> None:
        """Start a task in the thread."""
        asyncio.run_coroutine_threadsafe(_quiet(action), self.loop)

    def stop(self) -> None:
        """End the thread; every logger is to be stopped before."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_FAREWELL_S)
        self.loop.close()


async def _quiet(action: Coroutine[Any, Any, None]) -> None:
    with suppress(asyncio.CancelledError):
        await action


class Logger:
    """A data logger's connection; it comes back by itself, and looks to a troupe like a `Link`.

    Parameters
    ----------
    net : LoggerNet
        Where it lives.
    device : str
        Its id.
    host, port : str, int
        Where the gateway listens.
    """

    def __init__(self, net: LoggerNet, device: str, host: str, port: int) -> None:
        self._net = net
        self._device = device
        self._where = (host, port)
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._fresh = False
        self._bad: Fault | None = None
        self._sent = 0
        #: Connections left open and never used again.
        self._abandoned: list[asyncio.StreamWriter] = []
        #: How often it has connected.
        self.connections = 0

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._net.call(self._live())

    def stop(self, farewell: Sequence[tuple[str, bytes]] = ()) -> None:  # noqa: ARG002 - TCP has no state to tell
        """Disconnect."""
        self._net.loop.call_soon_threadsafe(self._frames.put_nowait, None)
        self._ended.wait(_FAREWELL_S)

    @property
    def ready(self) -> bool:
        """Whether the connection stands."""
        return self._ready.is_set()

    def freshly_connected(self) -> bool:
        """True once after every (re)connect."""
        fresh, self._fresh = self._fresh and self.ready, False
        return fresh

    def check(self) -> None:
        """A logger has no account that could be refused."""

    def suffer(self, fault: Fault | None) -> None:
        """The line is as the fault says from now on, good without one."""
        self._bad = fault

    def publish(self, where: str, what: bytes, *, retain: bool = False) -> None:
        """Send one frame; what is no data (a link state) TCP has no place for."""
        if where.endswith("/data") and not retain:
            self._net.loop.call_soon_threadsafe(self._frames.put_nowait, what)

    async def _live(self) -> None:
        try:
            while True:
                try:
                    reader, writer = await asyncio.open_connection(*self._where)
                except OSError:
                    await asyncio.sleep(_RETRY_S)
                    continue
                self.connections += 1
                hearing = asyncio.ensure_future(self._hear(reader))
                self._fresh = True
                self._ready.set()
                try:
                    if await self._speak(writer, hearing):
                        return
                finally:
                    self._ready.clear()
                    hearing.cancel()
                    if writer not in self._abandoned:
                        writer.close()
        finally:
            for writer in self._abandoned:
                writer.transport.abort()
            self._ended.set()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                line = await reader.readuntil(b"\r\n")
                stream = "reply" if _ANSWER in line[:200] else "cmd"
                self._net.inbox.put(Received(self._device, stream, line))

    async def _speak(self, writer: asyncio.StreamWriter, hearing: asyncio.Future[None]) -> bool:
        """Send frames until the connection ends; whether that was asked for."""
        while True:
            waiting = asyncio.ensure_future(self._frames.get())
            await asyncio.wait((waiting, hearing), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                return False  # the gateway has closed; what it has not answered comes again
            frame = waiting.result()
            if frame is None:
                return True
            try:
                if await self._sent_badly(writer, frame):
                    return False
            except OSError:
                return False

    async def _sent_badly(self, writer: asyncio.StreamWriter, frame: bytes) -> bool:
        """Send one frame as the line lets it through; whether the connection is dead afterwards."""
        self._sent += 1
        bad = self._bad
        how = "" if bad is None else str(bad.options["how"])
        if how == "mixed":
            how = MANNERS[self._sent % len(MANNERS)]
        if bad is None:
            writer.write(frame)
        elif how == "dribble":
            for at in range(0, len(frame), _DROP):
                writer.write(frame[at : at + _DROP])
                await writer.drain()
                await asyncio.sleep(_DROP / max(1.0, bad.number("bytes_per_s")))
        else:
            half = len(frame) // 2
            writer.write(frame[:half])
            await writer.drain()
            if how == "half_open":
                self._abandoned.append(writer)
                return True
            await asyncio.sleep(bad.number("pause"))
            writer.write(frame[half:])
        await writer.drain()
        return False
