"""Automatic screening of readings: range, step, persistence and the device's own marks become one flag per value.

Values are never changed. Impossible values fail; everything doubtful is only suspect and stays in the statistics,
because GB 3095 lets no valid value be left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.flag import FAIL, GOOD, MARK_FLAGS, MISSING, SUSPECT, Flags, strongest
from domain.period import HOUR_S
from domain.screening_table import ScreeningLimit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: Bits of `Screening.failed`: which tests found something.
RANGE: Final = 1
STEP: Final = 2
PERSISTENCE: Final = 4
MARK: Final = 8

#: Neighbouring readings further apart than this say nothing about a step, and end a constant run after twice this time.
_NEIGHBOUR_S: Final = HOUR_S
_MARK_TABLE: Final = np.full(256, SUSPECT, dtype=np.uint8)
for _mark, _flag in MARK_FLAGS.items():
    _MARK_TABLE[ord(_mark)] = _flag


@dataclass(frozen=True, slots=True)
class Screening:
    """Result for n readings of k columns.

    Attributes
    ----------
    flags : ndarray of uint8
        Shape (n, k); QARTOD flags of `domain.flag`.
    failed : ndarray of uint8
        Shape (n, k); bits `RANGE`, `STEP`, `PERSISTENCE`, `MARK` of the tests that found something.
    """

    flags: Flags
    failed: npt.NDArray[np.uint8]


def screening(  # noqa: PLR0913 - parallel columns of one table
    limits: Sequence[ScreeningLimit],
    devices: npt.ArrayLike,
    times_s: npt.ArrayLike,
    *,
    values: npt.ArrayLike,
    marks: npt.NDArray[np.uint8] | None = None,
    persistence: bool = True,
) -> Screening:
    """Run every test over a batch of readings of one family.

    Step and persistence see only the rows given: pass a device's recent rows along and drop their flags to judge
    across batches.

    Parameters
    ----------
    limits : sequence of ScreeningLimit
        One per column (`domain.screening_table.screening_limits`).
    devices : array_like of int
        Shape (n,).
    times_s : array_like of int
        Shape (n,); Unix times, in any order.
    values : array_like
        Shape (n, k); NaN = missing.
    marks : ndarray of uint8, optional
        Shape (n, k); ASCII codes of the device's status letters (`domain.flag.MARK_FLAGS`).
    persistence : bool
        Whether constant runs are looked for; they need many hours of rows.

    Returns
    -------
    Screening
        Missing values are flagged `MISSING` and fail no test.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 2 or data.shape[1] != len(limits):
        raise ValueError(f"values have shape {data.shape}, expected (n, {len(limits)})")
    owners, times = np.asarray(devices, dtype=np.int64), np.asarray(times_s, dtype=np.int64)
    present = ~np.isnan(data)
    order = np.lexsort((times, owners))
    doubtful = {
        STEP: np.zeros(data.shape, dtype=np.bool_),
        PERSISTENCE: np.zeros(data.shape, dtype=np.bool_),
    }
    doubtful[STEP][order] = step_exceeded(limits, owners[order], times[order], values=data[order])
    if persistence:
        doubtful[PERSISTENCE][order] = constant(limits, owners[order], times[order], values=data[order])
    by_range = range_flags(limits, data)
    results = [np.where(present, by_range, MISSING).astype(np.uint8)]
    failed = np.where(by_range > GOOD, np.uint8(RANGE), np.uint8(0))
    for bit, found in doubtful.items():
        results.append(np.where(found, np.uint8(SUSPECT), np.uint8(GOOD)))
        failed |= np.where(found, np.uint8(bit), np.uint8(0))
    if marks is not None:
        by_mark = _MARK_TABLE[marks]
        results.append(by_mark)
        failed |= np.where(present & (by_mark > GOOD), np.uint8(MARK), np.uint8(0))
    return Screening(strongest(results), failed)


def range_flags(limits: Sequence[ScreeningLimit], values: Floats) -> Flags:
    """`FAIL` beyond the impossible, `SUSPECT` beyond the plausible limits, else `GOOD` (also for NaN); shape (n, k).

    Infinities fail: no instrument measures them.
    """
    columns = ("fail_low", "suspect_low", "suspect_high", "fail_high")
    fail_low, low, high, fail_high = (np.array([getattr(limit, name) for limit in limits]) for name in columns)
    flags = np.where((values < low) | (values > high), np.uint8(SUSPECT), np.uint8(GOOD))
    flags[(values < fail_low) | (values > fail_high) | np.isinf(values)] = FAIL
    return flags


def step_exceeded(
    limits: Sequence[ScreeningLimit], devices: Integers, times_s: Integers, *, values: Floats
) -> Booleans:
    """Where a value differs from the device's previous one by more than the step limit; rows sorted by device and time.

    Readings more than an hour apart, and values next to a missing one, are not compared. Shape (n, k).
    """
    steps = np.array([limit.step for limit in limits])
    exceeded = np.zeros(values.shape, dtype=np.bool_)
    if len(values) > 1:
        near = (devices[1:] == devices[:-1]) & (times_s[1:] - times_s[:-1] <= _NEIGHBOUR_S)
        with np.errstate(invalid="ignore"):
            exceeded[1:] = near[:, None] & (np.abs(values[1:] - values[:-1]) > steps)
    return exceeded


def constant(limits: Sequence[ScreeningLimit], devices: Integers, times_s: Integers, *, values: Floats) -> Booleans:
    """Where a value belongs to a run of one value that lasts `constant_h` or longer; rows sorted, shape (n, k).

    A missing value, another device or a gap of more than two hours ends a run; the exempt value and those between 0
    and it never count.
    """
    count = len(values)
    if not count:
        return np.zeros(values.shape, dtype=np.bool_)
    apart = (devices[1:] != devices[:-1]) | (times_s[1:] - times_s[:-1] > 2 * _NEIGHBOUR_S)
    begins = np.ones(values.shape, dtype=np.bool_)
    begins[1:] = apart[:, None] | (values[1:] != values[:-1])
    ends = np.ones(values.shape, dtype=np.bool_)
    ends[:-1] = begins[1:]
    rows = np.arange(count)[:, None]
    first = np.maximum.accumulate(np.where(begins, rows, 0), axis=0)
    last = np.minimum.accumulate(np.where(ends, rows, count - 1)[::-1], axis=0)[::-1]
    lasted_h = (times_s[last] - times_s[first]) / HOUR_S
    least_h = np.array([limit.constant_h for limit in limits])
    exempt = np.array([limit.exempt for limit in limits])
    may_stay = (values == exempt) | ((values > 0) & (values < exempt))
    return np.asarray((lasted_h >= least_h) & ~may_stay & ~np.isnan(values))
