"""Heavy-pollution episodes: rolling daily AQI, and when the condition of each warning level was met.

A rolling day is the 24 hours up to and including an hour. A run of rolling days above a threshold from hour a to hour b
therefore covers b - a + 24 hours, which is what "lasting 48 hours" counts: two whole days make 48 h, one makes 24 h.

Hours without an index are neither polluted nor calm. They do not count towards the duration that a level asks for, nor
do they break it, and they do not count towards the calm that ends an episode. After `UNKNOWN_H` of them in a row nobody
can say whether the episode goes on: it is closed without having been lifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.index import NO_INDEX, daily_index
from analytics.rolling_day import rolling_maximum_8h, rolling_mean_24h
from domain.standard import Validity, report_items
from domain.warning import Condition, WarningRules

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

DAY_H: Final = 24
#: Hours in a row without an index after which an episode is closed as not to be followed any further.
UNKNOWN_H: Final = 36
#: How the record of an episode ends.
CALM: Final = "calm"
NO_DATA: Final = "no_data"
OPEN: Final = "open"
#: Pollutants whose episodes are warned of by colour; ozone and dust lead to other advice.
PARTICLES: Final[tuple[str, ...]] = ("pm25", "pm10")


@dataclass(frozen=True, slots=True)
class RollingDays:
    """Rolling daily index per hour; arrays of shape (n,).

    Attributes
    ----------
    aqi : ndarray of int64
        AQI of the 24 hours that end with each hour, of whatever was validly measured; -1 where nothing was.
    particles_lead : ndarray of bool
        Whether PM2.5 or PM10 has the highest index.
    particles_known : ndarray of bool, optional
        Whether PM2.5 or PM10 has an index at all; by default wherever there is an AQI. An AQI of ozone alone does not
        say that particles are calm.
    """

    aqi: Integers
    particles_lead: Booleans
    particles_known: Booleans | None = None

    @property
    def known(self) -> Booleans:
        """Hours of which it can be said whether particles pollute."""
        measured = self.aqi > NO_INDEX
        return measured if self.particles_known is None else measured & self.particles_known


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode, hours counted in the series it was found in.

    Attributes
    ----------
    start, end : int
        First hour of the first rolling day above the base threshold, and one past the last hour above it.
    reached : tuple of (rank, hour)
        Each level whose condition was met, ascending, with the last hour of the stretch that met it.
    peak : int
        Highest rolling daily AQI.
    peak_hour : int
        Hour at which it occurred.
    lifted : int or None
        Hour up to which the air had been calm as long as a lift asks for, hours without an index not counted; None when
        the series ends before, or the data did.
    closing : {"calm", "no_data", "open"}
        ``calm`` when lifted; ``no_data`` when `UNKNOWN_H` hours in a row without an index came first; ``open`` when the
        series ends before either.
    """

    start: int
    end: int
    reached: tuple[tuple[int, int], ...]
    peak: int
    peak_hour: int
    lifted: int | None
    closing: str = OPEN

    @property
    def rank(self) -> int:
        """Rank of the highest level met, 0 when none was."""
        return max((rank for rank, _ in self.reached), default=0)


def rolling_daily_aqi(edition: str, hours: dict[str, Floats], rules: Validity) -> RollingDays:
    """Daily AQI of the 24 hours up to each hour.

    Parameters
    ----------
    edition : str
        AQI edition.
    hours : dict of str to ndarray of float64
        The six pollutants, each of shape (n,), consecutive hours; NaN = missing.
    rules : Validity
        Minima: 20 hours for a mean, 6 of 8 for an O3 window, 14 windows for its maximum.

    Returns
    -------
    RollingDays
        Hours before the 24th have no index.

    Notes
    -----
    Warning plans allow the daily AQI to be counted over any 24 hours. O3 is the highest of the 17 windows within them.
    """
    count = len(next(iter(hours.values())))
    columns = {}
    for item in report_items(edition, "day"):
        if item.optional:
            continue
        series = hours[item.pollutant]
        windows = (rolling_maximum_8h if item.column == "o3_8h" else rolling_mean_24h)(series, rules)
        columns[item.column] = _ending(windows, count)
    result = daily_index(edition, columns)
    particle_at = [at for at, name in enumerate(result.columns) if name in PARTICLES]
    particles = result.iaqi[:, particle_at].max(axis=1)
    aqi = result.computed_aqi.astype(np.int64)
    return RollingDays(aqi, (particles == aqi) & (aqi > NO_INDEX), particles > NO_INDEX)


def _ending(windows: Floats, count: int) -> Floats:
    """Values of windows placed at the hour with which they end."""
    placed = np.full(count, np.nan)
    if len(windows):
        placed[count - len(windows) :] = windows
    return placed


def runs(mask: Booleans) -> tuple[Integers, Integers]:
    """Starts and (exclusive) ends of each unbroken stretch of True in a 1-D array."""
    edges = np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def episodes(days: RollingDays, rules: WarningRules, *, excluded: Booleans | None = None) -> tuple[Episode, ...]:
    """Episodes of particle pollution in a series, with the levels whose conditions were met.

    Parameters
    ----------
    days : RollingDays
        Series of n consecutive hours.
    rules : WarningRules
        Dated conditions.
    excluded : ndarray of bool, optional
        Shape (n,); hours of confirmed dust, wildfire or other causes that are not warned of by colour.

    Returns
    -------
    tuple of Episode
        In order of time. Stretches above the base threshold are one episode unless `lift_calm_hours` of calm lie
        between them, or `UNKNOWN_H` hours in a row without an index.
    """
    counted = days.particles_lead if excluded is None else days.particles_lead & ~excluded
    known = days.known
    aqi = np.where(counted, days.aqi, np.where(known, 0, NO_INDEX))
    starts, ends = runs(aqi > rules.base)
    if not len(starts):
        return ()
    closings = [_closing(aqi, int(end), rules.base, rules.lift_calm_hours) for end in ends]
    found, first = [], 0
    for at, (closed, closing) in enumerate(closings):
        if at + 1 == len(starts) or closing != OPEN:
            end = _Ending(int(ends[at]), closed if closing == CALM else None, closing)
            found.append(_episode(aqi, int(starts[first]), end, rules))
            first = at + 1
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Ending:
    """One past the last hour above, the hour of the lift if any, and how the record ends."""

    last: int
    lifted: int | None
    closing: str


def _closing(aqi: Integers, end: int, base: int, calm_hours: int) -> tuple[int, str]:
    """Hour at which a stretch that ended at `end` is closed, were nothing to follow, and how."""
    after = aqi[end:]
    stop = int(np.argmax(after > base)) if (after > base).any() else len(after)
    after = after[:stop]
    calm = np.flatnonzero(after > NO_INDEX)
    lifted = int(calm[calm_hours - 1]) + 1 if len(calm) >= calm_hours else None
    gaps, closes = runs(after == NO_INDEX)
    long = gaps[closes - gaps >= UNKNOWN_H]
    if len(long) and (lifted is None or int(long[0]) < lifted):
        return end + int(long[0]) + UNKNOWN_H, NO_DATA
    return (end + stop, OPEN) if lifted is None else (end + lifted, CALM)


def _episode(aqi: Integers, first: int, ending: _Ending, rules: WarningRules) -> Episode:
    part = aqi[first : ending.last]
    hours = np.flatnonzero(part > NO_INDEX)
    met = [(rank, hour) for rank in range(1, 5) if (hour := _level_met(part[hours], rank, rules)) is not None]
    peak_hour = int(part.argmax())
    return Episode(
        start=max(first - DAY_H + 1, 0),
        end=ending.last,
        reached=tuple((rank, first + int(hours[hour])) for rank, hour in met),
        peak=int(part[peak_hour]),
        peak_hour=first + peak_hour,
        lifted=ending.lifted,
        closing=ending.closing,
    )


def _level_met(aqi: Integers, rank: int, rules: WarningRules) -> int | None:
    """First of the known hours at which one alternative of a level has all conditions met; None when none ever has."""
    hours = []
    for alternative in rules.alternatives(rank):
        met = [_condition_met(aqi, condition) for condition in alternative]
        complete = [hour for hour in met if hour is not None]
        if len(complete) == len(met):
            hours.append(max(complete))
    return min(hours, default=None)


def _condition_met(aqi: Integers, condition: Condition) -> int | None:
    """First of the known hours at which a run above the threshold covers the hours asked for."""
    starts, ends = runs(aqi > condition.above)
    needed = max(condition.hours - DAY_H, 0)
    long = starts[ends - starts > needed]
    return int(long[0]) + needed if len(long) else None
