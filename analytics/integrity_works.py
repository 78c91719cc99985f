"""The works behind a stack: dilution, low values under load, treatment off, counters that do not fit the power."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import (
    Booleans,
    Check,
    Floats,
    Found,
    Integers,
    checked,
    merged,
    runs,
    undetermined,
    usual_step_s,
)
from domain.period import HOUR_S

_AIR_O2: Final = 20.9
#: Hours that are neighbours.
_NEXT_S: Final = 1.5 * HOUR_S


def _numbers(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def usual_level(values: npt.ArrayLike, *, least: float) -> float:
    """Median of the values that are no NaN; NaN with fewer than `least` of them."""
    data = _numbers(values)
    known = data[~np.isnan(data)]
    return float(np.median(known)) if len(known) >= max(least, 1) else float("nan")


def diluted_hours(  # noqa: PLR0913 - keyword-only
    hours_s: npt.ArrayLike,
    oxygen: npt.ArrayLike,
    pollutants: npt.ArrayLike,
    *,
    loads: npt.ArrayLike,
    usual_oxygen: float,
    usual_pollutants: npt.ArrayLike,
    usual_load: float,
    least_o2: float,
    largest_ratio: float,
    tolerance: float,
    least_load: float,
    least_hours: float,
) -> Check:
    """Oxygen above the usual and every pollutant below it as air let in explains, while production goes on.

    Parameters
    ----------
    hours_s : array_like of int
        Shape (n,); ascending Unix times of hours.
    oxygen : array_like
        Shape (n,); percent of dry gas, NaN = no valid hour.
    pollutants : array_like
        Shape (n, k); measured (not converted), NaN = none.
    loads : array_like
        Shape (n,); any measure of production.
    usual_oxygen, usual_load : float
        Levels of the days before.
    usual_pollutants : array_like
        Shape (k,); likewise, NaN = unknown.
    least_o2 : float
        Least rise of oxygen.
    largest_ratio : float
        Largest dilution (20.9 - O2) / (20.9 - usual) that the oxygen tells.
    tolerance : float
        How far pollutants may lie above it.
    least_load : float
        Least production in units of the usual.
    least_hours : float
        Shortest time.

    Returns
    -------
    Check
        Figures: ``o2``, ``usual_o2``, ``ratio_percent`` (the largest of the pollutants), ``expected_percent``,
        ``load_percent``, ``hours``. Undetermined when a usual level is unknown or no hour of production has values.
    """
    hours, o2, load = np.asarray(hours_s, dtype=np.int64), _numbers(oxygen), _numbers(loads)
    levels = _numbers(usual_pollutants)
    if np.isnan([usual_oxygen, usual_load]).any() or np.isnan(levels).all():
        return undetermined("usual level")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = _numbers(pollutants) / levels
        share = load / usual_load
    known = ~np.isnan(ratios).all(axis=1) & ~np.isnan(o2) & ~np.isnan(share)
    if not known.any():
        return undetermined("hours with oxygen, pollutants and production")
    largest = np.max(np.where(np.isnan(ratios), -np.inf, ratios), axis=1, initial=-np.inf)
    expected = (_AIR_O2 - o2) / (_AIR_O2 - usual_oxygen)
    with np.errstate(invalid="ignore"):
        diluted = known & (share >= least_load) & (o2 >= usual_oxygen + least_o2) & (expected <= largest_ratio)
        diluted &= largest <= expected + tolerance
    return checked(
        Found(
            int(hours[a]),
            int(hours[b]) + HOUR_S - 1,
            {
                "o2": float(o2[a : b + 1].mean()),
                "usual_o2": usual_oxygen,
                "ratio_percent": 100.0 * float(largest[a : b + 1].mean()),
                "expected_percent": 100.0 * float(expected[a : b + 1].mean()),
                "load_percent": 100.0 * float(share[a : b + 1].mean()),
                "hours": float(b - a + 1),
            },
        )
        for a, b in _long_runs(diluted, hours, least_hours)
    )


def _long_runs(true: Booleans, hours: Integers, least: float) -> list[tuple[int, int]]:
    first, last = runs(true, hours, gap_s=_NEXT_S)
    return [(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if b - a + 1 >= least]


def low_under_load(  # noqa: PLR0913 - keyword-only
    hours_s: npt.ArrayLike,
    shown: npt.ArrayLike,
    *,
    loads: npt.ArrayLike,
    usual_shown: npt.ArrayLike,
    usual_load: float,
    least_load: float,
    largest_ratio: float,
    least_hours: float,
) -> Check:
    """A stack that shows little while its line draws the power of production.

    Parameters
    ----------
    hours_s : array_like of int
        Shape (n,); ascending Unix times of hours.
    shown : array_like
        Shape (n, k); what the monitor shows, NaN = nothing. The first columns are pollutants, of which all must be low;
        the last one is the flow, low by itself.
    loads : array_like
        Shape (n,); power of the line.
    usual_shown : array_like
        Shape (k,); levels of the days before.
    usual_load : float
        Likewise.
    least_load : float
        Least production in units of the usual.
    largest_ratio : float
        What counts as low, in units of the usual.
    least_hours : float
        Shortest time.

    Returns
    -------
    Check
        Figures: ``what`` (pollutants or flow), ``ratio_percent`` (the largest), ``load_percent``, ``hours``. An hour in
        which the monitor shows nothing is no finding.
    """
    hours, load, levels = np.asarray(hours_s, dtype=np.int64), _numbers(loads), _numbers(usual_shown)
    if np.isnan(usual_load) or np.isnan(levels).all():
        return undetermined("usual level")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios, share = _numbers(shown) / levels, load / usual_load
    if not (~np.isnan(ratios).all(axis=1) & ~np.isnan(share)).any():
        return undetermined("hours with values and production")
    checks = []
    for what, part in (("pollutants", ratios[:, :-1]), ("flow", ratios[:, -1:])):
        known = ~np.isnan(part).all(axis=1)
        largest = np.max(np.where(np.isnan(part), -np.inf, part), axis=1, initial=-np.inf)
        with np.errstate(invalid="ignore"):
            low = known & (share >= least_load) & (largest <= largest_ratio)
        checks.append(
            checked(
                Found(
                    int(hours[a]),
                    int(hours[b]) + HOUR_S - 1,
                    {
                        "what": what,
                        "ratio_percent": 100.0 * float(largest[a : b + 1].mean()),
                        "load_percent": 100.0 * float(share[a : b + 1].mean()),
                        "hours": float(b - a + 1),
                    },
                )
                for a, b in _long_runs(low, hours, least_hours)
            )
        )
    return merged(checks)


def treatment_off(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    treatment: npt.ArrayLike,
    *,
    production: npt.ArrayLike,
    usual_treatment: float,
    usual_production: float,
    least_load: float,
    largest_ratio: float,
    least_minutes: float,
) -> Check:
    """Treatment that draws no power while the line it belongs to produces.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times at which both are known.
    treatment, production : array_like
        Shape (n,); kW, NaN = missing.
    usual_treatment, usual_production : float
        Levels in production, of the days before or rated.
    least_load : float
        Least production in units of the usual.
    largest_ratio : float
        Largest power of the treatment in units of the usual.
    least_minutes : float
        Shortest time.

    Returns
    -------
    Check
        Figures: ``ratio_percent``, ``load_percent``, ``minutes``. Undetermined without a usual level, or when
        production never ran with both known.
    """
    times = np.asarray(times_s, dtype=np.int64)
    if np.isnan([usual_treatment, usual_production]).any():
        return undetermined("usual level")
    work, clean = _numbers(production) / usual_production, _numbers(treatment) / usual_treatment
    step = usual_step_s(times)
    with np.errstate(invalid="ignore"):
        producing = (work >= least_load) & ~np.isnan(clean)
        off = producing & (clean <= largest_ratio)
    if np.isnan(step) or not producing.any():
        return undetermined("production with both meters")
    found = []
    for a, b in zip(*(part.tolist() for part in runs(off, times, gap_s=3.0 * step)), strict=True):
        minutes = (int(times[b]) - int(times[a]) + step) / 60.0
        if minutes >= least_minutes:
            figures = {
                "ratio_percent": 100.0 * float(clean[a : b + 1].mean()),
                "load_percent": 100.0 * float(work[a : b + 1].mean()),
                "minutes": minutes,
            }
            found.append(Found(int(times[a]), int(times[b]), figures))
    return checked(found)


def counter_mismatch(
    hours_s: npt.ArrayLike, counted: npt.ArrayLike, powers: npt.ArrayLike, *, largest_share: float, least_hours: float
) -> Check:
    """Electricity that the counter counted against the hours' mean power.

    Parameters
    ----------
    hours_s : array_like of int
        Shape (n,); ascending Unix times of hours.
    counted : array_like
        Shape (n,); kWh of the hour by the counter, NaN = unknown.
    powers : array_like
        Shape (n,); mean kW of the hour.
    largest_share : float
        Largest difference in units of the larger of the two.
    least_hours : float
        Hours with more, together.

    Returns
    -------
    Check
        Figures: ``difference_percent`` (median), ``hours``.
    """
    hours, energy, power = np.asarray(hours_s, dtype=np.int64), _numbers(counted), _numbers(powers)
    known = ~np.isnan(energy) & ~np.isnan(power)
    if np.count_nonzero(known) < least_hours:
        return undetermined("hours with counter and power")
    larger = np.maximum(np.abs(energy), np.abs(power))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(larger > 0, np.abs(energy - power) / larger, 0.0)
        rows = np.flatnonzero(known & (shares > largest_share))
    if len(rows) < least_hours:
        return checked(())
    figures = {"difference_percent": 100.0 * float(np.median(shares[rows])), "hours": float(len(rows))}
    return checked([Found(int(hours[rows[0]]), int(hours[rows[-1]]) + HOUR_S - 1, figures)])
