"""What is published, read at most once a minute and shared by everybody who asks."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from anyio import to_thread

from console.public.answer import Answer
from console.public.desk import PublicDesk
from domain.error import LantianError
from domain.period import local_date
from store.public import (
    PublicEmission,
    PublicForecast,
    PublicSite,
    PublicValue,
    PublicWarning,
    read_public_emissions,
    read_public_forecast,
    read_public_sites,
    read_public_values,
    read_public_warning,
)

HOURS: Final = 24
DAYS: Final = 30
#: Seconds between two looks at the database.
LOOK_S: Final = 60.0
#: The same after a look that failed.
_RETRY_S: Final = 10.0
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything published at one moment.

    Attributes
    ----------
    hour : datetime
        Start of the newest finished hour of which any site has values; the last finished hour when none has.
    late : bool
        Whether that hour is older than the standard's delay allows (HJ 633-2026 5.2.2).
    sites : sequence of PublicSite
        The area's mean first.
    hours, days : mapping of str to sequence of PublicValue
        By site, oldest first: 24 hours up to and with `hour`, 30 days up to and with yesterday.
    answers : dict
        Rendered once, for as long as the snapshot lives.
    """

    area: str
    area_zh: str
    hour: dt.datetime
    late: bool
    today: dt.date
    sites: Sequence[PublicSite]
    hours: Mapping[str, Sequence[PublicValue]]
    days: Mapping[str, Sequence[PublicValue]]
    warning: PublicWarning | None
    forecast: Sequence[PublicForecast]
    emissions: Sequence[PublicEmission]
    answers: dict[str, Answer] = field(default_factory=dict)

    def site(self, site_id: str) -> PublicSite | None:
        """A published site, None for any other."""
        return next((site for site in self.sites if site.site_id == site_id), None)

    def answer(self, key: str, make: Callable[[Snapshot], Answer]) -> Answer:
        """The answer of that key, made when it is asked for first."""
        if key not in self.answers:
            self.answers[key] = make(self)
        return self.answers[key]


def read_snapshot(desk: PublicDesk) -> Snapshot:
    """Read everything in one transaction."""
    now = desk.now()
    end, today = now.replace(minute=0, second=0, microsecond=0), local_date(now)
    with desk.pool.connection("read what is published") as conn:
        # One picture: an hour that is settled meanwhile is in all parts or in none.
        conn.execute("set transaction isolation level repeatable read, read only")
        values = read_public_values(conn, desk.county, "hour", end - 2 * HOURS * _HOUR, end)
        hour = max((one.time for one in values if isinstance(one.time, dt.datetime)), default=end - _HOUR)
        first = hour - (HOURS - 1) * _HOUR
        kept = [one for one in values if isinstance(one.time, dt.datetime) and one.time >= first]
        return Snapshot(
            area=desk.county,
            area_zh=desk.county_zh,
            hour=hour,
            late=not values or now - hour > 2 * _HOUR,
            today=today,
            sites=read_public_sites(conn, desk.county),
            hours=_by_site(kept),
            days=_by_site(read_public_values(conn, desk.county, "day", today - dt.timedelta(days=DAYS), today)),
            warning=read_public_warning(conn, desk.county),
            forecast=read_public_forecast(conn, desk.county),
            emissions=read_public_emissions(conn, desk.county, end - HOURS * _HOUR, end),
        )


def _by_site(values: Sequence[PublicValue]) -> dict[str, list[PublicValue]]:
    found: dict[str, list[PublicValue]] = {}
    for one in values:
        found.setdefault(one.site_id, []).append(one)
    return found


class Board:
    """The snapshot that everybody is shown.

    Parameters
    ----------
    desk : PublicDesk
        What is read.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, desk: PublicDesk, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._clock = clock
        self._lock = asyncio.Lock()
        self._due = clock()
        self._kept: Snapshot | None = None
        self.looks = 0

    async def snapshot(self) -> Snapshot:
        """What is published now, at most a minute old.

        While the database cannot be read the last snapshot stays, which names its hour; without one its error is
        raised.
        """
        if self._kept is not None and self._clock() < self._due:
            return self._kept
        async with self._lock:
            if self._kept is None or self._clock() >= self._due:
                self.looks += 1
                try:
                    found = await to_thread.run_sync(read_snapshot, self._desk)
                except LantianError:
                    self._due = self._clock() + _RETRY_S
                    if self._kept is None:
                        raise
                else:
                    self._kept, self._due = found, self._clock() + LOOK_S
            return self._kept
