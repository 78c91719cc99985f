"""What is expected of the air at a place: the best forecast of each coming hour and day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.period import midnight

OFFICIAL: Final = "official"
STATISTICAL: Final = "statistical"
#: Items of a forecast: hourly and daily concentrations, the daily maximum 8 h mean of O3, the index.
FORECAST_ITEMS: Final[tuple[str, ...]] = ("pm25", "pm10", "o3", "o3_8h", "aqi")
#: hour: each hour; day: each natural day; rolling: the 24 hours that end with each hour.
FORECAST_KINDS: Final[tuple[str, ...]] = ("hour", "day", "rolling")

_DAY: Final = dt.timedelta(days=1)
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DayOutlook:
    """What is expected of one natural day.

    Attributes
    ----------
    day : date
        Local day.
    aqi, aqi_low, aqi_high : int
        Expected daily AQI and its interval (of our own forecasts the 80 % interval).
    primary : tuple of str
        Expected primary pollutants; empty when none or not told.
    source : {"official", "statistical"}
        Official forecasts outrank our own.
    issuer_id : str
        Who issued it.
    issued_at : datetime
        When.
    """

    day: dt.date
    aqi: int
    aqi_low: int
    aqi_high: int
    primary: tuple[str, ...]
    source: str
    issuer_id: str
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RollingOutlook:
    """Expected AQI of the 24 hours that end with the hour starting at `hour`, measured hours among them included."""

    hour: dt.datetime
    aqi: int
    aqi_low: int
    aqi_high: int
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """The best forecasts of one site (or of an area's pseudo-site) that were known and in use at `now`.

    Attributes
    ----------
    site_id : str
        Site or area.
    now : datetime
        The moment of the question; nothing issued or received later enters.
    days : tuple of DayOutlook
        Today and the days to come that have a forecast, in order; there may be gaps, or none at all.
    rolling : tuple of RollingOutlook
        Hour by hour, up to 72 hours ahead, in order.
    """

    site_id: str
    now: dt.datetime
    days: Sequence[DayOutlook]
    rolling: Sequence[RollingOutlook]

    def day(self, day: dt.date) -> DayOutlook | None:
        """The outlook of one local day, None when there is none."""
        return next((one for one in self.days if one.day == day), None)

    def highest_aqi(self, hours: int) -> int | None:
        """Highest daily AQI expected within the coming `hours` hours.

        Days of an official forecast are taken by its daily value, hours of other days by the 24 hours that end with
        them. A warning may be lifted when this stays at or below its threshold for 36 hours.

        Parameters
        ----------
        hours : int
            How far ahead, 1 or more.

        Returns
        -------
        int or None
            None when any of the hours is covered by no forecast: what is not foreseen is not calm.
        """
        official = {one.day: one.aqi for one in self.days if one.source == OFFICIAL}
        rolling = {one.hour: one.aqi for one in self.rolling}
        first = self.now.astimezone(midnight(dt.date(2000, 1, 1)).tzinfo).replace(minute=0, second=0, microsecond=0)
        expected = []
        for ahead in range(hours):
            hour = first + ahead * _HOUR
            found = official.get(hour.date(), rolling.get(hour))
            if found is None:
                return None
            expected.append(found)
        return max(expected, default=None)
