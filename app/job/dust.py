"""Days and periods without dust hours, beside the measured ones."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from analytics.dust import DUST_POLLUTANTS, dust_hours, without_dust
from app.job.day import area_days, site_days
from app.job.index import dates_of
from app.job.period import Period, period_rows
from domain.family import AIR
from domain.period import day_number
from domain.standard import Validity
from store.dust import DUST_COLUMNS, CleanDays
from store.statistic import DAY_COLUMNS, DayRows, HourRows, StatisticRow

Spans = Mapping[str, tuple[Sequence[int], Sequence[int]]]
_PARTICLES = [DAY_COLUMNS.index(column) for column in DUST_COLUMNS]
_NO_DAYS = CleanDays([], [], np.empty((0, len(DUST_COLUMNS))), [])


def clean_site_days(
    hours: HourRows, wanted: Collection[tuple[str, dt.date]], spans: Spans, rules: Validity
) -> CleanDays:
    """Daily means of particles without dust hours.

    Parameters
    ----------
    hours : HourRows
        Stored hours of the days.
    wanted : collection of (str, date)
        Site and local day.
    spans : mapping of str to (sequence of int, sequence of int)
        Starts and ends of the dust intervals of each site that has some, Unix time.
    rules : Validity
        Minima of GB 3095: a day with too few hours left is not valid.

    Returns
    -------
    CleanDays
        The wanted days that have a dust hour.
    """
    dusty = np.zeros(len(hours.sites), dtype=np.bool_)
    for site, (starts, ends) in spans.items():
        own = np.array([name == site for name in hours.sites], dtype=np.bool_)
        dusty[own] = dust_hours(hours.hours_s[own], starts, ends)
    at = np.flatnonzero(dusty)
    days = dates_of(day_number(hours.hours_s[at]))
    counts = Counter(zip([hours.sites[row] for row in at.tolist()], days, strict=True))
    touched = set(wanted) & set(counts)
    if not touched:
        return _NO_DAYS
    values = hours.values.copy()
    positions = {key: AIR.position(key) for key in DUST_POLLUTANTS}
    for key, series in without_dust({key: values[:, column] for key, column in positions.items()}, dusty).items():
        values[:, positions[key]] = series
    clean = site_days(HourRows(hours.sites, hours.hours_s, values, hours.minutes, hours.flags), touched, rules)
    return _clean(clean, counts)


def clean_area_days(members: Mapping[str, Sequence[str]], days: DayRows, clean: CleanDays) -> CleanDays:
    """Days of areas that have a site with dust hours; `dust_hours` is the most of a site."""
    owner = {site: area for area, sites in members.items() for site in sites}
    counts: dict[tuple[str, dt.date], int] = {}
    for site, day, hours in zip(clean.sites, clean.days, clean.dust_hours, strict=True):
        counts[owner[site], day] = max(hours, counts.get((owner[site], day), 0))
    if not counts:
        return _NO_DAYS
    areas = area_days(members, replaced(days, clean))
    return _clean(areas, counts)


def clean_periods(periods: Sequence[Period], days: DayRows, clean: CleanDays) -> list[StatisticRow]:
    """Statistics of particles without dust hours, of the periods that have some."""
    dusty = set(clean.sites)
    return [
        row
        for period in periods
        if period.site in dusty
        for row in period_rows(period, replaced(days.of(period.site), clean))[0]
        if row.pollutant in DUST_POLLUTANTS
    ]


def replaced(days: DayRows, clean: CleanDays) -> DayRows:
    """The days with the particles of those that have dust hours replaced."""
    number = {key: at for at, key in enumerate(zip(clean.sites, clean.days, strict=True))}
    values = days.values.copy()
    for row, key in enumerate(zip(days.sites, days.days, strict=True)):
        if key in number:
            values[row, _PARTICLES] = clean.values[number[key]]
    return DayRows(days.sites, days.days, values, days.hours, days.windows)


def _clean(rows: DayRows, counts: Mapping[tuple[str, dt.date], int]) -> CleanDays:
    """The rows that `counts` names, with their dust hours."""
    keys = list(zip(rows.sites, rows.days, strict=True))
    kept = [at for at, key in enumerate(keys) if key in counts]
    return CleanDays(
        [keys[at][0] for at in kept],
        [keys[at][1] for at in kept],
        rows.values[np.ix_(kept, _PARTICLES)],
        [counts[keys[at]] for at in kept],
    )
