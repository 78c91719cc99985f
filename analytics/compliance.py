"""Whether a year's statistics meet the limits of GB 3095, by the items HJ 663 evaluates.

A value is compared after rounding as it is published (GB/T 8170; integers, CO one decimal); the unrounded value
stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.rounding import half_even, half_even_scalar
from domain.pollutant import POLLUTANTS
from domain.standard import EvaluationItem

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ItemCompliance:
    """One statistic of one pollutant against its limit; `met` and the rest are None where there is no value.

    `exceedance_multiple` is (C - S) / S of the rounded value, two decimals; 0 or less when the limit is met.
    """

    pollutant: str
    statistic: str
    percent: int | None
    averaging: str
    value: float | None
    rounded: float | None
    limit: float
    met: bool | None
    exceedance_multiple: float | None


@dataclass(frozen=True, slots=True)
class PollutantCompliance:
    """A pollutant complies when all its items do."""

    pollutant: str
    items: tuple[ItemCompliance, ...]
    met: bool | None


def exceedance_multiple(values: npt.ArrayLike, limit: float) -> Floats:
    """How far values exceed a limit: (C - S) / S, two decimals, any shape; NaN stays NaN (HJ 663-2013 5.1)."""
    return half_even((np.asarray(values, dtype=np.float64) - limit) / limit, 2)


def all_met(verdicts: Iterable[bool | None]) -> bool | None:
    """Combine verdicts: False when one is, else None when one is unknown (or there are none), else True."""
    found = list(verdicts)
    if any(verdict is False for verdict in found):
        return False
    return None if not found or None in found else True


def item_compliance(item: EvaluationItem, value: float | None, limit: float) -> ItemCompliance:
    """Compare one statistic with its limit.

    Parameters
    ----------
    item : EvaluationItem
        What the value is.
    value : float or None
        Unrounded; None or NaN = not known.
    limit : float
        Same unit as `value`.

    Returns
    -------
    ItemCompliance
        With `met` judged on the value rounded half to even.
    """
    rounded = half_even_scalar(value, POLLUTANTS[item.pollutant].decimals)
    head = (item.pollutant, item.statistic, item.percent, item.averaging)
    if rounded is None:
        return ItemCompliance(*head, None, None, limit, None, None)
    multiple = float(exceedance_multiple(rounded, limit))
    return ItemCompliance(*head, value, rounded, limit, rounded <= limit, multiple)


def year_compliance(
    items: Sequence[EvaluationItem],
    means: Mapping[str, float],
    percentiles: Mapping[str, float],
    *,
    limits: Mapping[tuple[str, str], float],
) -> dict[str, PollutantCompliance]:
    """Judge every pollutant of the evaluation.

    Parameters
    ----------
    items : sequence of EvaluationItem
        `domain.standard.evaluation_items()`.
    means, percentiles : mapping of str to float
        Pollutant to annual mean and to the percentile its item names; NaN or absent = not known.
    limits : mapping
        `domain.standard.limits(edition, area_class)`.

    Returns
    -------
    dict of str to PollutantCompliance
        In the order of `items`. The place complies when `all_met` of them does.

    Notes
    -----
    HJ 663-2013 4.1: mean within the year's limit and percentile within the daily limit; CO and O3 the percentile alone.
    """
    judged: dict[str, list[ItemCompliance]] = {}
    for item in items:
        source = means if item.statistic == "mean" else percentiles
        limit = limits[item.pollutant, item.averaging]
        judged.setdefault(item.pollutant, []).append(item_compliance(item, source.get(item.pollutant), limit))
    return {
        pollutant: PollutantCompliance(pollutant, tuple(parts), all_met(part.met for part in parts))
        for pollutant, parts in judged.items()
    }
