"""Indices of hours and days, each judged by the edition in force on its local date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analytics.index import Report, report_index
from domain.edition import aqi_edition
from domain.standard import report_items
from store.statistic import IndexRows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def index_rows(report: Report, days: Sequence[dt.date], concentrations: Mapping[str, Floats]) -> IndexRows:
    """Index n hours or days.

    Parameters
    ----------
    report : {"hour", "day"}
        Which report of HJ 633.
    days : sequence of date
        Length n; local date of each row.
    concentrations : mapping of str to ndarray of float64
        Report column to n valid concentrations, NaN = none; the keys, in order, are the columns of the result. Columns
        an edition does not report (``o3_1h`` of a day since 2026) have no index there.

    Returns
    -------
    IndexRows
        `primary` names pollutants, each once.
    """
    count, columns = len(days), tuple(concentrations)
    iaqi = np.full((count, len(columns)), None, dtype=object)
    overall = np.full((count, 3), None, dtype=object)
    primary: list[list[str]] = [[] for _ in range(count)]
    editions = editions_of(days)
    for edition in sorted(set(editions)):
        chosen = np.flatnonzero(np.array([name == edition for name in editions]))
        items = {item.column: item.pollutant for item in report_items(edition, report)}
        part = {column: concentrations[column][chosen] for column in columns if column in items}
        result = report_index(edition, report, part)
        for at, column in enumerate(result.columns):
            iaqi[chosen, columns.index(column)] = _optional(result.iaqi[:, at])
        for at, indices in enumerate((result.aqi, result.computed_aqi, result.level)):
            overall[chosen, at] = _optional(indices)
        for row, at in np.argwhere(result.primary).tolist():
            names, pollutant = primary[int(chosen[row])], items[result.columns[at]]
            if pollutant not in names:
                names.append(pollutant)
    aqi, available, level = (overall[:, at].tolist() for at in range(3))
    return IndexRows([tuple(row) for row in iaqi.tolist()], aqi, available, level, primary, editions)


def editions_of(days: Sequence[dt.date]) -> list[str]:
    """AQI edition of each local date."""
    known = {day: aqi_edition(day) for day in set(days)}
    return [known[day] for day in days]


def dates_of(day_numbers: Integers) -> list[dt.date]:
    """Local dates of day numbers (`domain.period.day_number`)."""
    numbers = day_numbers.tolist()
    known = {number: dt.date(1970, 1, 1) + dt.timedelta(days=number) for number in set(numbers)}
    return [known[number] for number in numbers]


def _optional(indices: npt.NDArray[np.int16]) -> npt.NDArray[np.object_]:
    """Indices as objects, None where there is none."""
    values = indices.astype(object)
    values[indices < 0] = None
    return values
