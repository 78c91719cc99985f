"""Stack monitors: marks that last too long, levels that shift with them, conversions that do not fit."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Floats, Found, checked, runs, undetermined, usual_step_s
from analytics.integrity_works import usual_level

#: The normal distribution's standard deviation over its median absolute deviation.
_MAD: Final = 1.4826


def _numbers(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def long_marks(times_s: npt.ArrayLike, marked: npt.ArrayLike, *, allowed_minutes: float) -> Check:
    """Marks of maintenance, calibration or fault that last too long.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times of all readings.
    marked : array_like of bool
        Shape (n,); the reading bears the mark.
    allowed_minutes : float
        Longest time.

    Returns
    -------
    Check
        Figures: ``minutes``, ``allowed_minutes``. A hole in the data ends a run.
    """
    times = np.asarray(times_s, dtype=np.int64)
    step = usual_step_s(times)
    if np.isnan(step):
        return undetermined("readings")
    first, last = runs(marked, times, gap_s=3.0 * step)
    minutes = (times[last] - times[first] + step) / 60.0
    return checked(
        Found(int(times[a]), int(times[b]), {"minutes": float(long), "allowed_minutes": allowed_minutes})
        for a, b, long in zip(first.tolist(), last.tolist(), minutes.tolist(), strict=True)
        if long > allowed_minutes
    )


def shift_after_marks(  # noqa: PLR0913 - keyword-only thresholds
    times_s: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    marked: npt.ArrayLike,
    loads: npt.ArrayLike | None,
    compared_minutes: float,
    least_values: float,
    factor: float,
    spread: float,
    load_change: float,
) -> Check:
    """A level that is another one after maintenance or calibration while production is the same.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    values : array_like
        Shape (n,); NaN = missing or not in operation; values under a mark are not compared.
    marked : array_like of bool
        Shape (n,); marked as maintained, calibrated or faulty.
    loads : array_like or None
        Shape (n,); any measure of production, NaN = unknown; None where nothing measures it.
    compared_minutes : float
        Time before and after each mark that is compared.
    least_values : float
        Least values on each side.
    factor : float
        Least ratio of the medians, either way.
    spread : float
        Least difference of the medians in robust standard deviations of the calmer side.
    load_change : float
        Largest relative change of production.

    Returns
    -------
    Check
        Figures: ``before``, ``after``, ``ratio_percent``; the span reaches from the mark's beginning to the last value
        compared. Undetermined when no mark has enough values on both sides, or production changed with each.
    """
    times, data, bad = np.asarray(times_s, dtype=np.int64), _numbers(values), np.asarray(marked, dtype=np.bool_)
    work = np.full(data.shape, np.nan) if loads is None else _numbers(loads)
    usable = ~bad & ~np.isnan(data)
    step = usual_step_s(times)
    if np.isnan(step):
        return undetermined("readings")
    found, compared = [], 0
    for first, last in zip(*(part.tolist() for part in runs(bad, times, gap_s=3.0 * step)), strict=True):
        length = compared_minutes * 60
        before = usable & (times >= times[first] - length) & (times < times[first])
        after = usable & (times > times[last]) & (times <= times[last] + length)
        if min(np.count_nonzero(before), np.count_nonzero(after)) < least_values:
            continue
        works = [usual_level(work[side], least=1) for side in (before, after)]
        if abs(works[1] - works[0]) > load_change * abs(works[0]):
            continue
        compared += 1
        low, high = float(np.median(data[before])), float(np.median(data[after]))
        scale = _MAD * min(float(np.median(np.abs(data[side] - np.median(data[side])))) for side in (before, after))
        ratio = high / low if low > 0 else np.inf
        if (ratio >= factor or ratio <= 1 / factor) and abs(high - low) > spread * scale:
            figures = {"before": low, "after": high, "ratio_percent": 100.0 * ratio}
            found.append(Found(int(times[first]), int(times[after][-1]), figures))
    return checked(found) if compared else undetermined("marks with values before and after")


def conversion_mismatch(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    sent: npt.ArrayLike,
    computed: npt.ArrayLike,
    *,
    largest_share: float,
    largest_difference: float,
    least_minutes: float,
) -> Check:
    """Values at reference oxygen that the monitor sends but that its own oxygen does not give.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    sent, computed : array_like
        Shape (n,); mg/m³, NaN = none.
    largest_share, largest_difference : float
        Largest relative and absolute difference; both must be exceeded.
    least_minutes : float
        Least time, together.

    Returns
    -------
    Check
        Figures: ``difference_percent`` (median), ``minutes``.

    Notes
    -----
    HJ 212-2017 annex D 2.3.
    """
    times, told, own = np.asarray(times_s, dtype=np.int64), _numbers(sent), _numbers(computed)
    step = usual_step_s(times)
    known = ~np.isnan(told) & ~np.isnan(own)
    if np.isnan(step) or np.count_nonzero(known) * step < least_minutes * 60:
        return undetermined("values sent and computed")
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = np.abs(told - own)
        wrong = known & (difference > largest_difference) & (difference > largest_share * np.abs(own))
        shares = difference / np.abs(own)
    rows = np.flatnonzero(wrong)
    minutes = len(rows) * step / 60.0
    if minutes < least_minutes:
        return checked(())
    figures = {"difference_percent": 100.0 * float(np.median(shares[rows])), "minutes": minutes}
    return checked([Found(int(times[rows[0]]), int(times[rows[-1]]), figures)])
