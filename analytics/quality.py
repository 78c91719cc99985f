"""One flag per value from several tests, the tests it failed as a bit mask, and what that means in words.

Values are never changed. Doubt is only `SUSPECT` and stays in the statistics; a test that lacks what it needs answers
`NOT_EVALUATED`, which never outweighs another test. The tests are in `analytics.screening` (range, step, persistence,
marks), `analytics.quality_reading` (what one device says), `analytics.quality_hour` and `analytics.quality_exchange`
(hours of all devices).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.flag import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, strongest
from domain.quality_table import FOLDER, SEVERITIES, numbers, quality_tests

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Masks = npt.NDArray[np.int16]

#: Bits of `Quality.failed`, continuing those of `analytics.screening`.
SPIKE: Final = 16
GAP: Final = 32
CLOCK: Final = 64
HUMIDITY: Final = 128
CHANNEL: Final = 256
CROSS: Final = 512
SPATIAL: Final = 1024
RATE: Final = 2048
DRIFT: Final = 4096
EXCHANGE: Final = 8192

#: Makes the median absolute deviation of normal noise its standard deviation.
MAD_SCALE: Final = 1.4826


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Thresholds of the tests; fields are the parameters of `domain/screening/quality.csv`, which explains them."""

    spike_neighbours: float
    spike_reach: float
    spike_least: float
    spike_factor: float
    spike_share: float
    spike_isolation: float
    rate_least_s: float
    rate_most_s: float
    gap_factor: float
    clock_ahead_s: float
    clock_late_s: float
    humidity: float
    dew_spread_k: float
    channel_difference: float
    channel_share: float
    cross_share: float
    cross_difference: float
    spatial_neighbours: float
    spatial_least: float
    spatial_reach_m: float
    spatial_factor: float
    spatial_share: float
    spatial_hours: float
    drift_hours: float
    drift_days: float
    drift_least_days: float
    drift_least_hours: float
    drift_factor: float
    exchange_hours: float
    exchange_least_hours: float


QUALITY_LIMITS: Final = QualityLimits(**numbers(FOLDER / "quality.csv", tuple(QualityLimits.__dataclass_fields__)))
_SEVERITY: Final = {test.bit: SEVERITIES[test.severity] for test in quality_tests()}


@dataclass(frozen=True, slots=True)
class Quality:
    """One flag per value and the tests that found something.

    Attributes
    ----------
    flags : ndarray of uint8
        Flags of `domain.flag`.
    failed : ndarray of int16
        Same shape; bits of this module and of `analytics.screening`.
    """

    flags: Flags
    failed: Masks


def combined(flags: Flags, failed: npt.NDArray[np.integer], results: Mapping[int, Sequence[Flags] | Flags]) -> Quality:
    """One flag per value by `domain.flag.strongest`, and the mask of the tests that found something.

    Parameters
    ----------
    flags : ndarray of uint8
        What is known before, with `MISSING`.
    failed : ndarray of int
        Same shape; bits of tests failed before.
    results : mapping
        Bit -> flags of that test (or several), of the shape of `flags` or broadcastable to it.

    Returns
    -------
    Quality
        Missing values stay `MISSING` and fail no test. What a test of severity ``note`` finds is in the mask and
        leaves the flag as it is; what one of severity ``fail`` finds fails.
    """
    found, mask = [flags], failed.astype(np.int16)
    present = flags != MISSING
    for bit, result in results.items():
        for one in [result] if isinstance(result, np.ndarray) else result:
            whole = np.broadcast_to(one, flags.shape)
            hit = doubted(whole)
            mask[present & hit] |= np.int16(bit)
            if _SEVERITY[bit] == FAIL:
                found.append(np.where(hit, np.uint8(FAIL), whole))
            elif _SEVERITY[bit] != NOT_EVALUATED:
                found.append(whole)
    return Quality(strongest(found), np.where(present, mask, np.int16(0)))


def doubted(flags: Flags) -> Booleans:
    """Where a test found something: `SUSPECT` or `FAIL`."""
    return np.asarray((flags == SUSPECT) | (flags == FAIL))


def verdict(doubtful: Booleans, known: Booleans) -> Flags:
    """`SUSPECT` or `GOOD` where the test had what it needs, else `NOT_EVALUATED`."""
    return np.where(known, np.where(doubtful, SUSPECT, GOOD), NOT_EVALUATED).astype(np.uint8)


def median(values: Floats) -> tuple[Floats, Integers]:
    """Median over the last axis of what is not NaN, and how many those are; NaN where none is."""
    ordered = np.sort(values, axis=-1)
    count = np.sum(~np.isnan(values), axis=-1)
    last = values.shape[-1] - 1
    low = np.take_along_axis(ordered, np.clip((count - 1) // 2, 0, last)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.clip(count // 2, 0, last)[..., None], axis=-1)[..., 0]
    return np.where(count > 0, low / 2 + high / 2, np.nan), count.astype(np.int64)


def names(failed: int) -> tuple[str, ...]:
    """Chinese names of the tests in a mask; `ValueError` for bits that no test has."""
    return tuple(test.name_zh for test in quality_tests() if _known(failed) & test.bit)


def explanation(failed: int, *, english: bool = False) -> str:
    """Text of a mask of failed tests: Chinese for operators, English for the command line.

    Parameters
    ----------
    failed : int
        Mask of `Quality.failed`.
    english : bool
        Whether English is wanted.

    Returns
    -------
    str
        One sentence per test.

    Raises
    ------
    ValueError
        For bits that no test has.
    """
    tests = [test for test in quality_tests() if _known(failed) & test.bit]
    if english:
        return "; ".join(test.sentence for test in tests) or "nothing found"
    return "；".join(test.sentence_zh for test in tests) + "。" if tests else "未发现异常。"


def _known(failed: int) -> int:
    every = sum(test.bit for test in quality_tests())
    if not 0 <= failed <= every:
        raise ValueError(f"mask {failed} names an unknown test, expected 0 to {every}")
    return failed
