"""Where a plan target stands, and what the rest of the year may bring for an annual mean to stay within its limit."""

from __future__ import annotations

import datetime as dt
import math
import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from analytics.rounding import half_even_scalar
from domain.error import ConfigurationError

COMPARATORS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {"<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt, "=": operator.eq}
)


class TargetStatus(StrEnum):
    """Status of a target on a day."""

    MET = "met"
    NOT_MET = "not_met"
    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OUT_OF_REACH = "out_of_reach"
    NO_DATA = "no_data"


def holds(actual: float, comparator: str, value: float) -> bool:
    """Whether ``actual comparator value`` is true; an unknown comparator is a `ConfigurationError`."""
    if comparator not in COMPARATORS:
        raise ConfigurationError(f"comparator {comparator!r} is unknown, expected one of {' '.join(COMPARATORS)}")
    return COMPARATORS[comparator](actual, value)


def target_status(  # noqa: PLR0913 - the facts a judgement rests on
    actual: float | None,
    comparator: str,
    value: float,
    *,
    due: dt.date,
    as_of: dt.date,
    decimals: int | None = None,
    final: bool = False,
    reachable: bool = True,
) -> TargetStatus:
    """Status of a target.

    Parameters
    ----------
    actual : float or None
        The figure to date in the target's unit; None or NaN = none known.
    comparator : str
        One of `COMPARATORS`: how the actual must compare with `value`.
    value : float
        The target.
    due : date
        Last local day on which the target may be reached.
    as_of : date
        Local day of the judgement.
    decimals : int, optional
        Round the actual half to even before comparing, as it is published.
    final : bool
        The actual cannot get worse any more (e.g. boilers scrapped), so reaching the value early settles it.
    reachable : bool
        False when the rest of the period cannot repair the figure (see `remaining_allowance`).

    Returns
    -------
    TargetStatus
        After `due`: met, not met or no data. Before: met when final, else on track, at risk or out of reach.
    """
    figure = actual if decimals is None else half_even_scalar(actual, decimals)
    if figure is None or math.isnan(figure):
        return TargetStatus.NO_DATA
    reached = holds(figure, comparator, value)
    if as_of > due:
        return TargetStatus.MET if reached else TargetStatus.NOT_MET
    if reached:
        return TargetStatus.MET if final else TargetStatus.ON_TRACK
    return TargetStatus.AT_RISK if reachable else TargetStatus.OUT_OF_REACH


def remaining_allowance(
    mean_so_far: float | None, valid_days: int, remaining_days: int, *, limit: float
) -> float | None:
    """Mean the remaining days may have so that the mean of all days equals the limit.

    Parameters
    ----------
    mean_so_far : float or None
        Unrounded mean of the valid days so far; None or NaN when there are none.
    valid_days : int
        Valid days so far.
    remaining_days : int
        Days still to come, all taken as valid.
    limit : float
        Limit of the annual mean, same unit. It is kept unrounded: the up to half a unit that rounding would forgive
        is not spent.

    Returns
    -------
    float or None
        Same unit; negative when the limit is out of reach, the limit itself without a valid day, None when no day
        remains.
    """
    if valid_days < 0 or remaining_days < 0:
        raise ValueError(f"{valid_days} valid and {remaining_days} remaining days, expected 0 or more")
    if remaining_days == 0:
        return None
    if valid_days == 0 or mean_so_far is None or math.isnan(mean_so_far):
        return limit
    return limit + (limit - mean_so_far) * valid_days / remaining_days
