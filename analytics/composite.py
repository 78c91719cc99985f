"""Single and composite index of a period, ranking of places, change against the same period of last year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from analytics.rounding import half_even
from domain.ranking import IndexItem

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: Decimals of a published composite index and of a published single index.
INDEX_DECIMALS: Final = 2
SINGLE_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class CompositeIndex:
    """Indices of places or periods; arrays have the shape (...) of the statistics they came from.

    Attributes
    ----------
    pollutants : tuple of str
        The k pollutants, in the order of the items.
    single : ndarray of float64
        Shape (..., k); concentration over limit, unrounded; NaN where the statistic is not known.
    unweighted : ndarray of float64
        Shape (...); sum of the single indices; NaN unless all are known.
    weighted : ndarray of float64
        Shape (...); sum of weight times single index; NaN unless all of weight above 0 are known.
    maximum : ndarray of float64
        Shape (...); the largest single index known, NaN without any.
    main : ndarray of bool
        Shape (..., k); the pollutants whose published single index is the largest; ties are all named.
    """

    pollutants: tuple[str, ...]
    single: Floats
    unweighted: Floats
    weighted: Floats
    maximum: Floats
    main: Booleans

    @property
    def published(self) -> Floats:
        """The weighted index as published, two decimals."""
        return half_even(self.weighted, INDEX_DECIMALS)


def composite_index(
    items: Sequence[IndexItem],
    means: Mapping[str, npt.ArrayLike],
    percentiles: Mapping[str, npt.ArrayLike],
    *,
    limits: Mapping[tuple[str, str], float],
) -> CompositeIndex:
    """Single and composite index of each place.

    Parameters
    ----------
    items : sequence of IndexItem
        `domain.ranking.index_items(standard)`.
    means, percentiles : mapping of str to array_like
        Pollutant to the period's mean and percentile, all of one shape (...); µg/m³, CO mg/m³, NaN = not known. Rounded
        values where a bulletin computes from rounded values, else unrounded ones.
    limits : mapping
        `domain.standard.limits(edition, area_class)`.

    Returns
    -------
    CompositeIndex
        Smaller is better.

    Notes
    -----
    环办〔2014〕64号: I_i = C_i / S_i, I_sum = sum of I_i, with the means of PM2.5, PM10, SO2 and NO2 over the limits of
    a year, the percentile of CO over the daily and that of O3 over the 8 h limit. The weights of 2026 have one source.
    """
    columns = []
    for item in items:
        source = means if item.statistic == "mean" else percentiles
        value = np.asarray(source[item.pollutant], dtype=np.float64)
        columns.append(value / limits[item.pollutant, item.averaging])
    single = np.stack(columns, axis=-1)
    weights = np.array([item.weight for item in items])
    known = ~np.isnan(single)
    weighted = np.where(known, single, 0.0) @ weights
    published = np.where(known, half_even(single, SINGLE_DECIMALS), -np.inf)
    main = known & (published == published.max(axis=-1, keepdims=True))
    largest = np.where(known, single, -np.inf).max(axis=-1)
    return CompositeIndex(
        pollutants=tuple(item.pollutant for item in items),
        single=single,
        unweighted=single.sum(axis=-1),
        weighted=np.where((known | (weights == 0)).all(axis=-1), weighted, np.nan),
        maximum=np.where(known.any(axis=-1), largest, np.nan),
        main=main,
    )


def ranking(values: npt.ArrayLike, *, decimals: int = INDEX_DECIMALS, descending: bool = False) -> Integers:
    """Rank of each place by its published value.

    Parameters
    ----------
    values : array_like
        Shape (..., n): n places; NaN = not known.
    decimals : int
        Values are rounded half to even to as many decimals before they are compared.
    descending : bool
        True where larger is better, as for the good-day ratio.

    Returns
    -------
    ndarray of int64
        Shape (..., n); 1 is best, ties share a rank and the ranks after them are left out; 0 where nothing is known.
    """
    data = half_even(values, decimals)
    missing = np.isnan(data)
    ordered = np.where(missing, np.inf, -data if descending else data)
    ranks = rankdata(ordered, method="min", axis=-1) if data.shape[-1] else ordered
    return np.where(missing, 0, ranks).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Change:
    """Change against the same period of last year; arrays of one shape.

    Attributes
    ----------
    absolute : ndarray of float64
        Now minus then, unrounded, in the unit of the values.
    percent : ndarray of float64
        The same over then, one decimal; NaN where then is 0 or either is not known. Negative is a fall.
    """

    absolute: Floats
    percent: Floats


def change(now: npt.ArrayLike, before: npt.ArrayLike) -> Change:
    """Change of values (any shape, any unit) against those of the same period of last year (同比)."""
    current, former = np.asarray(now, dtype=np.float64), np.asarray(before, dtype=np.float64)
    absolute = current - former
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = np.where(former == 0, np.nan, absolute / former * 100.0)
    return Change(absolute, half_even(percent, 1))
