"""A bad line between devices and broker: it cuts, delays, loses answers and sends whole packets twice."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress
from dataclasses import dataclass

_PUBLISH = 3


@dataclass(slots=True)
class Damage:
    """What the line has done so far."""

    cuts: int = 0
    delays: int = 0
    repeats: int = 0


class BadLine:
    """Listens on a port of its own and carries MQTT to the broker, badly while `bad` is set.

    TCP neither reorders nor repeats bytes, so what a network does to MQTT is: nothing arrives for a while, the
    connection ends in the middle of a packet, what was under way is lost, and a peer says a packet again.
    """

    def __init__(self, port: int, seed: int, *, often: float = 0.004) -> None:
        self.bad = False
        self.damage = Damage()
        self.port = 0
        self._target, self._chance, self._often = port, random.Random(seed), often  # noqa: S311  repeatable
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.start_server(self._carry, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(server, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening and end every connection."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        ways = [asyncio.ensure_future(self._up(reader, back)), asyncio.ensure_future(self._down(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            writer.transport.abort()
            back.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Packets of the devices, one by one."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                packet = await _packet(reader)
                if self._strikes():
                    self.damage.cuts += 1
                    writer.write(packet[: self._chance.randrange(len(packet))])
                    await writer.drain()
                    return
                if self._strikes():
                    self.damage.delays += 1
                    await asyncio.sleep(self._chance.uniform(0.05, 0.5))
                twice = packet[0] >> 4 == _PUBLISH and self._strikes()
                self.damage.repeats += twice
                writer.write(packet + packet if twice else packet)
                await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the broker answers; a cut loses what was under way."""
        with suppress(OSError):
            while content := await reader.read(65536):
                if self._strikes():
                    self.damage.cuts += 1
                    return
                writer.write(content)
                await writer.drain()

    def _strikes(self) -> bool:
        return self.bad and self._chance.random() < self._often


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """One MQTT packet: a byte of type, the length in one to four bytes of seven bits, the rest."""
    head = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        byte = await reader.readexactly(1)
        head += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            return head + await reader.readexactly(length)
