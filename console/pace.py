"""How fast somebody may ask: a bucket per token or address that fills at a steady rate."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import HTTPException, Request

from console.guard import address_of

#: Buckets kept at most; when there are more, full ones are forgotten, for they say nothing, then the older half.
_KEPT = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Pace:
    """Requests allowed per key: a burst at once, then a steady rate.

    Parameters
    ----------
    rate : float
        Requests per second in the long run.
    burst : int
        Requests at once.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """Take one request of a key; 0 when it is allowed, else the seconds until the next one is."""
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(key)
            if bucket is None:
                self._forget(now)
                bucket = self._buckets[key] = _Bucket(self._burst, now)
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
            bucket.at = now
            if bucket.left < 1:
                return (1 - bucket.left) / self._rate
            bucket.left -= 1
            return 0.0

    def _forget(self, now: float) -> None:
        if len(self._buckets) < _KEPT:
            return
        full_after = self._burst / self._rate
        self._buckets = {key: one for key, one in self._buckets.items() if now - one.at < full_after}
        if len(self._buckets) > _KEPT // 2:
            self._buckets = dict(list(self._buckets.items())[-_KEPT // 2 :])


def paced(pace: Pace) -> Callable[[Request], None]:
    """A dependency that answers 429 to whoever asks too fast: by token where one is shown, else by address."""

    def checked(request: Request) -> None:
        wait_s = pace.wait_s(request.headers.get("authorization") or address_of(request))
        if wait_s:
            seconds = str(math.ceil(wait_s))
            raise HTTPException(429, f"请求过于频繁，请 {seconds} 秒后再试", {"Retry-After": seconds})

    return checked
