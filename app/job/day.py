"""Days of sites from hours, and days of areas from the days of their evaluated sites: pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from analytics.averaging import day_grids
from analytics.daily import area_mean, daily_values
from app.job.index import dates_of
from domain.edition import limit_edition
from domain.family import AIR
from domain.pollutant import SIX_KEYS
from domain.standard import Validity, limits
from store.statistic import DAY_COLUMNS, DayRows, HourRows


def site_days(hours: HourRows, wanted: Collection[tuple[str, dt.date]], rules: Validity) -> DayRows:
    """Daily values of sites.

    Parameters
    ----------
    hours : HourRows
        Stored hours; those of days not wanted are left out.
    wanted : collection of (str, date)
        Site and local day.
    rules : Validity
        Minima of GB 3095 and HJ 663.

    Returns
    -------
    DayRows
        One row per wanted day that has an hour, ordered by site and day; NaN where a value is not valid.
    """
    names = sorted(set(hours.sites))
    number = {name: at for at, name in enumerate(names)}
    six = hours.values[:, [AIR.position(key) for key in SIX_KEYS]]
    owners, day_numbers, grids = day_grids([number[name] for name in hours.sites], hours.hours_s, six)
    days = dates_of(day_numbers)
    keep = np.array([(names[at], day) in wanted for at, day in zip(owners.tolist(), days, strict=True)], dtype=np.bool_)
    sites = [names[at] for at in owners[keep].tolist()]
    days = [day for day, kept in zip(days, keep.tolist(), strict=True) if kept]
    values = np.full((len(days), len(DAY_COLUMNS)), np.nan)
    counts = np.zeros((len(days), len(DAY_COLUMNS)), dtype=np.int64)
    editions = np.array([limit_edition(day) for day in days], dtype=object)
    for edition in sorted(set(editions.tolist())):
        chosen = np.flatnonzero(editions == edition)
        part = {key: grids[keep][chosen, at] for at, key in enumerate(SIX_KEYS)}
        daily = daily_values(part, rules=rules, o3_limit=limits(edition)["o3", "8h"])
        for at, column in enumerate(DAY_COLUMNS):
            values[chosen, at] = daily[column].valid_values
            counts[chosen, at] = daily[column].counts
    windows = counts[:, DAY_COLUMNS.index("o3_8h")]
    return DayRows(sites, days, values, np.delete(counts, DAY_COLUMNS.index("o3_8h"), axis=1), windows)


def area_days(members: Mapping[str, Sequence[str]], days: DayRows) -> DayRows:
    """Days of areas: per column the mean over the sites with a valid value.

    Parameters
    ----------
    members : mapping of str to sequence of str
        Area to its evaluated sites.
    days : DayRows
        Days of these sites.

    Returns
    -------
    DayRows
        One row per area and day; `hours` and `windows` are the fewest of a site that counted, 0 where none did.
    """
    owner = {site: area for area, sites in members.items() for site in sites}
    groups: dict[tuple[str, dt.date], list[int]] = defaultdict(list)
    for at, (site, day) in enumerate(zip(days.sites, days.days, strict=True)):
        groups[owner[site], day].append(at)
    values = np.full((len(groups), len(DAY_COLUMNS)), np.nan)
    hours = np.zeros((len(groups), len(SIX_KEYS)), dtype=np.int64)
    windows = np.zeros(len(groups), dtype=np.int64)
    for row, members_at in enumerate(groups.values()):
        part = days.values[members_at]
        values[row] = area_mean(part)
        counted = ~np.isnan(part)
        hour_columns = np.delete(counted, DAY_COLUMNS.index("o3_8h"), axis=1)
        hours[row] = _fewest(days.hours[members_at], hour_columns)
        windows[row] = _fewest(days.windows[members_at], counted[:, DAY_COLUMNS.index("o3_8h")])
    return DayRows([area for area, _ in groups], [day for _, day in groups], values, hours, windows)


def _fewest(counts: np.typing.NDArray[np.int64], counted: np.typing.NDArray[np.bool_]) -> np.typing.NDArray[np.int64]:
    """Least count along the first axis among those that counted; 0 where none did."""
    least = np.min(np.where(counted, counts, np.iinfo(np.int64).max), axis=0)
    return np.where(counted.any(axis=0), least, 0)
