"""Electricity of hours from counters, and the time a machine ran."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.period import HOUR_S

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def counted_energy(
    groups: npt.ArrayLike, times_s: npt.ArrayLike, counters: npt.ArrayLike, *, minimum_minutes: float
) -> tuple[Integers, Integers, Floats, Floats]:
    """Electricity per group and hour from a counter.

    Parameters
    ----------
    groups : array_like of int
        Shape (n,); any numbering of meters.
    times_s : array_like of int
        Shape (n,); Unix times, in any order.
    counters : array_like
        Shape (n,); kWh; NaN = missing.
    minimum_minutes : float
        Least minutes between the first and the last counter of an hour.

    Returns
    -------
    groups, hours_s : ndarray of int64
        Shape (m,); ordered by group, then hour; hours with at least one counter.
    energy : ndarray of float64
        Shape (m,); kWh of the hour: what was counted between its first and last reading, extended to a full hour. NaN
        when they lie too close together, or the counter went back (exchanged or tampered with).
    minutes : ndarray of float64
        Shape (m,); minutes between them.
    """
    owners, times = np.asarray(groups, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    read = np.asarray(counters, dtype=np.float64)
    kept = np.flatnonzero(~np.isnan(read))
    order = kept[np.lexsort((times[kept], owners[kept]))]
    owners, times, read = owners[order], times[order], read[order]
    if not len(order):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, np.zeros(0), np.zeros(0)
    hours = times - times % HOUR_S
    begins = np.concatenate(([True], (owners[1:] != owners[:-1]) | (hours[1:] != hours[:-1])))
    first = np.flatnonzero(begins)
    last = np.concatenate((first[1:] - 1, [len(order) - 1]))
    steps = np.diff(read, prepend=read[0])
    falls = np.add.reduceat(((steps < 0) & ~begins).astype(np.int64), first)
    seconds = (times[last] - times[first]).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        energy = (read[last] - read[first]) * HOUR_S / seconds
    valid = (seconds >= minimum_minutes * 60) & (seconds > 0) & (falls == 0)
    return owners[first], hours[first], np.where(valid, energy, np.nan), seconds / 60.0
