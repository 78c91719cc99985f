"""Settling without end: the queues every few seconds, the targets after changes and at local midnight."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from typing import Final

from app.job.settle import Settled, settle
from app.job.target import evaluate_targets
from domain.error import ServiceError
from domain.period import local_date
from store.connection import Connection
from store.error import translated

logger = logging.getLogger(__name__)

#: Targets change slowly: least time between two judgements on one day.
TARGET_INTERVAL: Final = dt.timedelta(minutes=1)


class Follower:
    """Settles again and again until told to stop.

    Parameters
    ----------
    clock : callable
        Gives the aware present moment.
    stop : Event
        Set from a signal handler; ends the work between two transactions.
    """

    def __init__(self, clock: Callable[[], dt.datetime], stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._judged_at: dt.datetime | None = None
        self._changed = False

    def follow(self, open_connection: Callable[[], Connection], interval_s: float) -> None:
        """Settle every `interval_s` seconds; a database that cannot be reached is tried again after the same time.

        Raises
        ------
        StoreError
            When the database refuses for a reason that time does not mend.
        """
        while not self._stop.is_set():
            try:
                with translated("settle"), open_connection() as conn:
                    while not self._stop.is_set():
                        self.settle_once(conn)
                        self._stop.wait(interval_s)
            except ServiceError as error:
                logger.warning(json.dumps({"event": "settle_retry", "code": error.code, "error": str(error)}))
                self._stop.wait(interval_s)

    def settle_once(self, conn: Connection) -> Settled:
        """Empty the queues, then judge the targets when it is time; logs one line when anything was done."""
        began = self._clock()
        done = settle(conn, clock=self._clock, stopped=self._stop.is_set)
        self._changed |= done.claimed > 0
        targets = len(evaluate_targets(conn, now=self._clock())) if self._targets_due() else 0
        if targets:
            self._judged_at, self._changed = self._clock(), False
        if done.claimed or targets:
            seconds = round((self._clock() - began).total_seconds(), 3)
            logger.info(
                json.dumps({"event": "settlement", **settled_fields(done), "targets": targets, "seconds": seconds})
            )
        return done

    def _targets_due(self) -> bool:
        if self._stop.is_set():
            return False
        if self._judged_at is None:
            return True
        now = self._clock()
        midnight_passed = local_date(now) != local_date(self._judged_at)
        # A judgement in the future is one before a clock was set back.
        rested = not dt.timedelta(0) <= now - self._judged_at < TARGET_INTERVAL
        return midnight_passed or (self._changed and rested)


def settled_fields(done: Settled) -> dict[str, int]:
    """The counts of a settlement by name."""
    return {"claimed": done.claimed, "hours": done.hours, "days": done.days, "periods": done.periods}
