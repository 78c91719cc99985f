"""The overview without reloading: one reader for all open pages, a server-sent event whenever something has changed."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator
from typing import Final

from anyio import to_thread

from console.chart import trend_chart
from console.desk import Desk
from console.overview import Overview, read_overview
from console.rendering import fragment
from domain.error import LantianError
from store.session import is_signed_in

#: A line that says nothing keeps proxies from closing a quiet connection and finds out who has gone.
_QUIET_S: Final = 20.0


class Pulse:
    """The overview as it was read last, shared by everybody who looks.

    Parameters
    ----------
    desk : Desk
        The console.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = asyncio.Lock()
        self._read_at = -desk.look_s
        self._text = ""
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End every stream; the application is closing."""
        self._stopped.set()

    def read(self) -> str:
        """Read and render it now; in a thread."""
        now = self._desk.now()
        with self._desk.connection("read the overview") as conn:
            found = read_overview(conn, self._desk.county, now)
        return rendered(found, now)

    async def text(self, at_most_s: float = 0.0) -> str:
        """The page's changing part, at most so old; those who ask at the same time share one look."""
        asked_at = time.monotonic()
        async with self._lock:
            if self._read_at < asked_at - at_most_s:
                looked_at = time.monotonic()
                self._text = await to_thread.run_sync(self.read)
                self._read_at = looked_at
            return self._text

    async def stream(self, secret: str) -> AsyncIterator[str]:
        """Events for one open page until its session ends: ``overview`` with the new part, ``ended``, ``broken``.

        Parameters
        ----------
        secret : str
            The session of the page.

        Yields
        ------
        str
            One event, or a comment after a quiet while.
        """
        shown, said_at = "", time.monotonic()
        yield "retry: 5000\n\n"
        while not self._stopped.is_set():
            try:
                if not await to_thread.run_sync(self._holds, secret):
                    yield event("ended", "登录已过期")
                    return
                text = await self.text(self._desk.look_s)
            except LantianError:
                yield event("broken", "数据库暂时无法访问，正在重试")
                shown, said_at = "", time.monotonic()
            else:
                if text != shown:
                    yield event("overview", text)
                    shown, said_at = text, time.monotonic()
                elif time.monotonic() - said_at >= _QUIET_S:
                    yield event("same", self._desk.now().isoformat(timespec="seconds"))
                    said_at = time.monotonic()
            try:
                await asyncio.wait_for(self._stopped.wait(), self._desk.look_s)
            except TimeoutError:
                continue

    def _holds(self, secret: str) -> bool:
        with self._desk.connection("look up the session") as conn:
            return is_signed_in(conn, secret, self._desk.term, self._desk.now())


def rendered(found: Overview, now: dt.datetime) -> str:
    """The part of the page that changes."""
    words = {"overview": found, "trend": trend_chart(found.trend, now)}
    return fragment("overview_part.html", words)


def event(name: str, data: str) -> str:
    """A server-sent event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"
