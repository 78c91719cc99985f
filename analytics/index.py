"""Individual and overall air quality index (IAQI, AQI), level and primary pollutants for arrays of concentrations.

Concentrations are rounded to the item's decimals first (GB/T 8170), which makes them small integers; the index of
every such integer is computed once with `Fraction` and rounded up, so binary fractions can never lift 100 to 101.
What remains per value is one table look-up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from analytics.rounding import scaled_half_even
from domain.error import ConfigurationError
from domain.level import LEVELS
from domain.standard import breakpoints, publication, report_items

Index = npt.NDArray[np.int16]
Booleans = npt.NDArray[np.bool_]
Report = Literal["hour", "day"]

#: What stands for "no index" in every array of this module.
NO_INDEX: Final = -1
#: Level of each AQI; the last entry, at which index -1 finds itself, is that of no AQI.
_GRADES: Final = np.array(
    [*(1 + sum(aqi > level.aqi_high for level in LEVELS[:-1]) for aqi in range(LEVELS[-1].aqi_high + 1)), NO_INDEX],
    dtype=np.int16,
)
#: Rows indexed at once: what is worked on stays in the processor's cache.
_BLOCK: Final = 16384


@dataclass(frozen=True, slots=True)
class IndexResult:
    """Indices of n hours or days.

    Attributes
    ----------
    columns : tuple of str
        The k report columns in order, e.g. ``("pm25", ..., "o3_8h")``.
    iaqi : ndarray of int16
        Shape (n, k); `NO_INDEX` where there is none.
    computed_aqi : ndarray of int16
        Shape (n,); AQI of whatever was measured, `NO_INDEX` when nothing was.
    aqi : ndarray of int16
        Shape (n,); the AQI that may be published, `NO_INDEX` where the standard says NA.
    level : ndarray of int16
        Shape (n,); 1-6, `NO_INDEX` where `aqi` has none.
    primary : ndarray of bool
        Shape (n, k); True for every primary pollutant of a row with a published AQI above 50.
    """

    columns: tuple[str, ...]
    iaqi: Index
    computed_aqi: Index
    aqi: Index
    level: Index
    primary: Booleans


@cache
def _table(edition: str, item: str) -> tuple[Index, int]:
    """Index of each whole concentration; then one entry above the top and one for missing. Also the item's decimals."""
    table = breakpoints(edition)
    if item not in table:
        raise ConfigurationError(f"{edition} has no breakpoints for {item!r}, expected one of {sorted(table)}")
    row = table[item]
    scale = 10**row.decimals
    points = [value * scale for value in row.concentrations]
    top = int(points[-1])
    indices = np.empty(top + 3, dtype=np.int16)
    segment = 0
    for concentration in range(top + 1):
        while concentration > points[segment + 1]:
            segment += 1
        low, high = points[segment], points[segment + 1]
        slope = (row.iaqi[segment + 1] - row.iaqi[segment]) / (high - low)
        exact = slope * (concentration - low) + row.iaqi[segment]
        indices[concentration] = -int(-exact // 1)
    indices[top + 1] = NO_INDEX if row.above is None else row.above
    indices[top + 2] = NO_INDEX
    indices.setflags(write=False)
    return indices, row.decimals


def iaqi(edition: str, item: str, concentrations: npt.ArrayLike) -> Index:
    """Individual index of each concentration of one item.

    Parameters
    ----------
    edition : str
        ``hj633-2012`` or ``hj633-2026``.
    item : str
        Breakpoint item, e.g. ``pm25_24h``, ``o3_1h``.
    concentrations : array_like
        Any shape; µg/m³, CO mg/m³. Rounded half to even to the item's decimals before use.

    Returns
    -------
    ndarray of int16
        Same shape, 0-500. `NO_INDEX` (-1) for NaN, for a negative value (no valid concentration), and in the 2012
        edition for SO2 1 h and O3 8 h above 800.

    Raises
    ------
    ConfigurationError
        When the edition has no such item.

    Notes
    -----
    HJ 633-2012 4.3, HJ 633-2026 4.2: linear between breakpoints, rounded up.
    """
    table, decimals = _table(edition, item)
    values = np.asarray(concentrations, dtype=np.float64)
    if values.size and np.fmin.reduce(values, axis=None) < 0:
        values = np.where(values < 0, np.nan, values)
    whole = np.asarray(scaled_half_even(values, decimals))
    # NaN becomes -1 and so the last entry, what lies above the top the one before it.
    np.fmax(whole, -1.0, out=whole)
    np.minimum(whole, len(table) - 2, out=whole)
    return table.take(whole.astype(np.intp))


def aqi(indices: Index) -> Index:
    """Largest individual index per row: shape (n, k) -> (n,); `NO_INDEX` for a row without any (HJ 633-2026 4.3)."""
    if not indices.shape[1]:
        return np.full(len(indices), NO_INDEX, dtype=np.int16)
    # A loop over the few columns is many times faster than a reduction along a short last axis.
    result = indices[:, 0].copy()
    for column in range(1, indices.shape[1]):
        np.maximum(result, indices[:, column], out=result)
    return result


def primary_pollutants(edition: str, indices: Index, overall: Index | None = None) -> Booleans:
    """Which individual indices make the AQI, where it exceeds 50; ties are all named.

    Parameters
    ----------
    edition : str
        AQI edition.
    indices : ndarray of int16
        Shape (n, k), as `iaqi` gives them.
    overall : ndarray of int16, optional
        Shape (n,), the AQI; computed when absent.

    Returns
    -------
    ndarray of bool
        Shape (n, k); all False in a row whose AQI is 50 or less or missing.

    Notes
    -----
    HJ 633-2012 4.5, HJ 633-2026 4.4.
    """
    largest = aqi(indices) if overall is None else overall
    return np.asarray((indices == largest[:, None]) & (largest > publication(edition).primary_above)[:, None])


def level(overall: Index) -> Index:
    """Level 1-6 of each AQI (any shape); `NO_INDEX` where there is no AQI (HJ 633-2026 table 1)."""
    return np.asarray(_GRADES.take(np.asarray(overall), mode="wrap"))


def published_aqi(edition: str, computed: Index, complete: Booleans) -> Index:
    """AQI that may be published.

    Parameters
    ----------
    edition : str
        AQI edition.
    computed : ndarray of int16
        Shape (n,); the AQI of whatever was measured.
    complete : ndarray of bool
        Shape (n,); every monitored pollutant has an index.

    Returns
    -------
    ndarray of int16
        Shape (n,). 2012: unchanged. 2026: at least 1, and `NO_INDEX` for an incomplete row whose AQI is not above 100.

    Notes
    -----
    HJ 633-2026 5.3.1 (missing pollutants) and its AQI range 1-500.
    """
    rule = publication(edition)
    result = np.where(computed >= 0, np.maximum(computed, np.int16(rule.aqi_minimum)), np.int16(NO_INDEX))
    if rule.missing_publish_above is not None:
        np.copyto(result, np.int16(NO_INDEX), where=~complete & (computed <= rule.missing_publish_above))
    return result


def report_index(
    edition: str,
    report: Report,
    concentrations: Mapping[str, npt.ArrayLike],
    *,
    not_monitored: Collection[str] = (),
) -> IndexResult:
    """IAQI, AQI, level and primary pollutants of a report's columns.

    Parameters
    ----------
    edition : str
        AQI edition.
    report : {"hour", "day"}
        Hour: 1 h means, particles read on the 24 h column. Day: 24 h means and the daily maximum of O3.
    concentrations : mapping of str to array_like
        Report column (``pm25``, ..., ``o3`` or ``o3_8h``/``o3_1h``) to n concentrations. A column that is absent is
        missing in every row.
    not_monitored : collection of str
        Report columns or pollutants outside the monitoring plan: ignored, and their absence does not hide an AQI
        (HJ 633-2026 5.3.2, whose condition on the last three years the caller has to know).

    Returns
    -------
    IndexResult
        n rows, one column per item of the report, those not monitored included (without index).

    Raises
    ------
    ConfigurationError
        For a column the report does not have.
    """
    items = report_items(edition, report)
    columns = tuple(item.column for item in items)
    _require_known(concentrations, columns, edition, report)
    _require_known(not_monitored, (*columns, *(item.pollutant for item in items)), edition, report)
    lengths = {len(np.atleast_1d(np.asarray(values))) for values in concentrations.values()}
    if len(lengths) > 1:
        raise ValueError(f"columns have {sorted(lengths)} rows, expected one length")
    rows = lengths.pop() if lengths else 0
    known = [
        (at, item, np.atleast_1d(np.asarray(concentrations[item.column], dtype=np.float64)))
        for at, item in enumerate(items)
        if item.column in concentrations and not {item.column, item.pollutant} & set(not_monitored)
    ]
    due = [
        at
        for at, item in enumerate(items)
        if not item.optional and not {item.column, item.pollutant} & set(not_monitored)
    ]
    indices = np.full((rows, len(items)), NO_INDEX, dtype=np.int16, order="F")
    computed, published, grades = (np.empty(rows, dtype=np.int16) for _ in range(3))
    primary = np.empty((rows, len(items)), dtype=np.bool_, order="F")
    for start in range(0, rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        for at, item, values in known:
            indices[block, at] = iaqi(edition, item.item, values[block])
        part = indices[block]
        complete = np.ones(len(part), dtype=np.bool_)
        for at in due:
            complete &= part[:, at] >= 0
        computed[block] = aqi(part)
        published[block] = published_aqi(edition, computed[block], complete)
        grades[block] = level(published[block])
        named = np.where(published[block] < 0, np.int16(NO_INDEX), computed[block])
        for at in range(len(items)):
            primary[block, at] = primary_pollutants(edition, part[:, at : at + 1], named)[:, 0]
    return IndexResult(columns, indices, computed, published, grades, primary)


def hourly_index(
    edition: str, concentrations: Mapping[str, npt.ArrayLike], *, not_monitored: Collection[str] = ()
) -> IndexResult:
    """Real-time report from 1 h means; see `report_index`."""
    return report_index(edition, "hour", concentrations, not_monitored=not_monitored)


def daily_index(
    edition: str, concentrations: Mapping[str, npt.ArrayLike], *, not_monitored: Collection[str] = ()
) -> IndexResult:
    """Daily report from 24 h means and daily maxima of O3; see `report_index`."""
    return report_index(edition, "day", concentrations, not_monitored=not_monitored)


def _require_known(names: Collection[str], known: Sequence[str], edition: str, report: str) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ConfigurationError(
            f"{', '.join(unknown)}: not a column of the {report} report of {edition}, expected {', '.join(known)}"
        )
