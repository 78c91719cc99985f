"""Heavy vehicles whose exhaust treatment does not work: catalyst, reagent, particle filter."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Floats, Found, Integers, checked, runs, undetermined

#: Readings are judged in blocks of this length.
BLOCK_S: Final = 600
#: Blocks further apart than this belong to different journeys.
_JOURNEY_S: Final = 4 * 3600
#: Readings further apart than this are not neighbours.
_NEIGHBOUR_S: Final = 600


def _numbers(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _blocks(times: Integers, kept: npt.NDArray[np.bool_]) -> tuple[Integers, list[Integers]]:
    """Start of each block with a kept row, and its kept rows."""
    rows = np.flatnonzero(kept)
    numbers = times[rows] // BLOCK_S
    starts, first = np.unique(numbers, return_index=True)
    return starts * BLOCK_S, np.split(rows, first[1:]) if len(rows) else []


def _spans(bad: npt.ArrayLike, starts: Integers, least_minutes: float) -> list[tuple[int, int]]:
    """Runs of bad blocks of at least so many minutes; blocks in which nothing could be judged do not end a run."""
    first, last = runs(bad, starts, gap_s=_JOURNEY_S)
    least = least_minutes * 60 / BLOCK_S
    return [(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if b - a + 1 >= least]


def nox_not_reduced(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    upstream: npt.ArrayLike,
    downstream: npt.ArrayLike,
    *,
    temperature: npt.ArrayLike,
    least_temperature: float,
    least_upstream: float,
    largest_ratio: float,
    least_minutes: float,
) -> Check:
    """NOx behind the catalyst near that before it although it is warm enough to work.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    upstream, downstream : array_like
        Shape (n,); ppm, NaN = not available.
    temperature : array_like
        Shape (n,); SCR inlet, ℃.
    least_temperature, least_upstream : float
        What a reading needs to be judged.
    largest_ratio : float
        Downstream over upstream of a block of ten minutes that says the catalyst does not work.
    least_minutes : float
        Shortest time; blocks without a reading at temperature do not count and do not end it.

    Returns
    -------
    Check
        Figures: ``ratio_percent``, ``minutes``. Undetermined with less time at temperature.
    """
    times, before, behind = np.asarray(times_s, dtype=np.int64), _numbers(upstream), _numbers(downstream)
    with np.errstate(invalid="ignore"):
        hot = (_numbers(temperature) >= least_temperature) & (before >= least_upstream) & (behind >= 0)
    starts, blocks = _blocks(times, hot)
    if len(starts) * BLOCK_S < least_minutes * 60:
        return undetermined("driving with a warm catalyst")
    ratios = np.array([behind[rows].sum() / before[rows].sum() for rows in blocks])
    return checked(
        Found(
            int(times[blocks[a][0]]),
            int(times[blocks[b][-1]]),
            {"ratio_percent": 100.0 * float(ratios[a : b + 1].mean()), "minutes": (b - a + 1) * BLOCK_S / 60.0},
        )
        for a, b in _spans(ratios >= largest_ratio, starts, least_minutes)
    )


def reagent_frozen(times_s: npt.ArrayLike, level: npt.ArrayLike, odometer: npt.ArrayLike, *, least_km: float) -> Check:
    """A reagent level that does not fall over a long way.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    level : array_like
        Shape (n,); percent, NaN = not available.
    odometer : array_like
        Shape (n,); km.
    least_km : float
        Way that must show a fall.

    Returns
    -------
    Check
        Figures: ``value``, ``km``. Undetermined when less was driven with a known level.
    """
    times, shown, way = np.asarray(times_s, dtype=np.int64), _numbers(level), _numbers(odometer)
    kept = ~np.isnan(shown) & ~np.isnan(way)
    times, shown, way = times[kept], shown[kept], way[kept]
    if not len(way) or way[-1] - way[0] < least_km:
        return undetermined("way driven with a known level")
    same = np.concatenate(([False], shown[1:] == shown[:-1]))
    first, last = runs(same, times, gap_s=np.inf)
    return checked(
        Found(int(times[a - 1]), int(times[b]), {"value": float(shown[b]), "km": float(way[b] - way[a - 1])})
        for a, b in zip(first.tolist(), last.tolist(), strict=True)
        if way[b] - way[a - 1] >= least_km
    )


def reagent_jumps(times_s: npt.ArrayLike, level: npt.ArrayLike, *, least_step: float, refills: float) -> Check:
    """A reagent level that jumps down, or up more often than a tank is filled.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    level : array_like
        Shape (n,); percent, NaN = not available.
    least_step : float
        Change between readings at most ten minutes apart that is a jump.
    refills : float
        Jumps up that filling explains.

    Returns
    -------
    Check
        Figures: ``jumps``, ``value`` (the largest, points).
    """
    times, shown = np.asarray(times_s, dtype=np.int64), _numbers(level)
    kept = ~np.isnan(shown)
    times, shown = times[kept], shown[kept]
    if len(shown) < 2:
        return undetermined("levels")
    steps, near = np.diff(shown), np.diff(times) <= _NEIGHBOUR_S
    if not near.any():
        return undetermined("levels")
    up, down = near & (steps >= least_step), near & (steps <= -least_step)
    rows = np.flatnonzero(up | down) if np.count_nonzero(up) > refills else np.flatnonzero(down)
    if not len(rows):
        return checked(())
    figures = {"jumps": float(len(rows)), "value": float(np.abs(steps[rows]).max())}
    return checked([Found(int(times[rows[0]]), int(times[rows[-1] + 1]), figures)])


def filter_gone(  # noqa: PLR0913 - keyword-only
    times_s: npt.ArrayLike,
    pressure: npt.ArrayLike,
    air: npt.ArrayLike,
    *,
    least_air: float,
    largest_pressure: float,
    least_minutes: float,
) -> Check:
    """A particle filter without pressure drop although much air passes.

    Parameters
    ----------
    times_s : array_like of int
        Shape (n,); ascending Unix times.
    pressure : array_like
        Shape (n,); pressure drop, kPa, NaN = not available.
    air : array_like
        Shape (n,); intake air, kg/h.
    least_air : float
        Least air of a reading to be judged.
    largest_pressure : float
        Median of a block of ten minutes that says there is no filter.
    least_minutes : float
        Shortest time.

    Returns
    -------
    Check
        Figures: ``value``, ``air``, ``minutes``.
    """
    times, drop, passing = np.asarray(times_s, dtype=np.int64), _numbers(pressure), _numbers(air)
    with np.errstate(invalid="ignore"):
        kept = (passing >= least_air) & ~np.isnan(drop)
    starts, blocks = _blocks(times, kept)
    if len(starts) * BLOCK_S < least_minutes * 60:
        return undetermined("driving with enough air")
    medians = np.array([np.median(drop[rows]) for rows in blocks])
    flows = np.array([np.median(passing[rows]) for rows in blocks])
    return checked(
        Found(
            int(times[blocks[a][0]]),
            int(times[blocks[b][-1]]),
            {
                "value": float(medians[a : b + 1].mean()),
                "air": float(flows[a : b + 1].mean()),
                "minutes": (b - a + 1) * BLOCK_S / 60.0,
            },
        )
        for a, b in _spans(medians < largest_pressure, starts, least_minutes)
    )
