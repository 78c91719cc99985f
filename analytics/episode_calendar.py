"""Heavy-pollution episodes counted in calendar days, beside the rolling days of `analytics.episode`.

A calendar day's AQI is known with its last hour and stands until the next day ends. Held that way, a run of k days
above a threshold lasts 24 k hours, so the conditions of the rolling days apply unchanged; what ends an episode is then
the midnight after its last day, 23 hours before the held value changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analytics.daily import daily_values
from analytics.episode import DAY_H, PARTICLES, Episode, RollingDays, episodes
from analytics.index import NO_INDEX, daily_index
from domain.standard import Validity, report_items
from domain.warning import WarningRules

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def calendar_daily_aqi(edition: str, hours: dict[str, Floats], rules: Validity, *, o3_limit: float) -> RollingDays:
    """Daily AQI of natural days, of whatever was validly measured.

    Parameters
    ----------
    edition : str
        AQI edition.
    hours : dict of str to ndarray of float64
        The six pollutants, each of shape (24 d,), from a local midnight on; NaN = missing.
    rules : Validity
        Minima of hours and windows.
    o3_limit : float
        Limit of the daily maximum 8 h mean, for the exception of HJ 663 6.1.2.

    Returns
    -------
    RollingDays
        One entry per day, shape (d,); -1 where nothing was valid.
    """
    grids = {key: series.reshape(-1, DAY_H) for key, series in hours.items()}
    columns = daily_values(grids, rules=rules, o3_limit=o3_limit)
    asked = [item.column for item in report_items(edition, "day") if not item.optional]
    result = daily_index(edition, {column: columns[column].valid_values for column in asked})
    particle_at = [at for at, name in enumerate(result.columns) if name in PARTICLES]
    aqi = result.computed_aqi.astype(np.int64)
    particles = result.iaqi[:, particle_at].max(axis=1)
    return RollingDays(aqi, (particles == aqi) & (aqi > NO_INDEX), particles > NO_INDEX)


def calendar_episodes(
    days: RollingDays, rules: WarningRules, *, excluded: Booleans | None = None
) -> tuple[Episode, ...]:
    """Episodes of a series of d calendar days; hours of the result count from the first day's midnight.

    Parameters
    ----------
    days : RollingDays
        One entry per day (`calendar_daily_aqi`).
    rules : WarningRules
        Dated conditions: "lasting 48 hours" is two days in a row.
    excluded : ndarray of bool, optional
        Shape (d,); days of confirmed dust or other causes that are not warned of by colour.

    Returns
    -------
    tuple of Episode
        In order of time. A level is reached with the last hour of the day that completes it.
    """
    late = DAY_H - 1 if len(days.aqi) else 0
    held = RollingDays(
        np.pad(np.repeat(days.aqi, DAY_H), (late, 0), constant_values=NO_INDEX),
        _held(days.particles_lead, late),
        _held(days.known, late),
    )
    found = episodes(held, rules, excluded=None if excluded is None else _held(excluded, late))
    return tuple(
        replace(one, end=one.end - late, lifted=None if one.lifted is None else one.lifted - late) for one in found
    )


def _held(days: Booleans, late: int) -> Booleans:
    """Each day's statement from its last hour on for 24 hours, False in the hours before the first."""
    return np.pad(np.repeat(days, DAY_H), (late, 0), constant_values=False)
