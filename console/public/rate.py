"""How much one address may ask: a bucket of requests that fills up again."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Addresses remembered at once; the one that has been quiet for longest is forgotten first.
ADDRESSES: Final = 10_000
#: Bits of an IPv6 address that belong to one subscriber.
_SUBSCRIBER_BITS: Final = 64


class Buckets:
    """Requests left to each address.

    Parameters
    ----------
    per_minute : int
        How many a full bucket holds, and how many run into it in a minute.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._full = float(per_minute)
        self._per_s = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Take one request out of an address's bucket: 0, or the seconds until there is one."""
        now = self._clock()
        left, at = self._left.pop(address, (self._full, now))
        left = min(self._full, left + (now - at) * self._per_s)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_s


def asker(scope: Scope, proxy: str | None) -> str:
    """Who asks: the peer, or whom our own proxy names last; of an IPv6 address the subscriber's network."""
    peer = scope["client"][0] if scope.get("client") else ""
    if proxy is not None and peer == proxy:
        named = Headers(scope=scope).get("x-forwarded-for", "").rpartition(",")[2].strip()
        peer = named or peer
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, _SUBSCRIBER_BITS), strict=False))
    return str(address)


class RateLimit:
    """Turns away, before any work is done, who asks too much.

    Parameters
    ----------
    app : ASGIApp
        What is guarded.
    buckets : Buckets
        Who may still ask.
    proxy : str or None
        See `asker`.
    """

    def __init__(self, app: ASGIApp, buckets: Buckets, proxy: str | None) -> None:
        self._app = app
        self._buckets = buckets
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (wait := self._buckets.wait_s(asker(scope, self._proxy))):
            headers = {"retry-after": str(int(wait) + 1), "access-control-allow-origin": "*"}
            answer = PlainTextResponse("访问过于频繁，请稍后再试\n", 429, headers=headers)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)
