"""Which flag counts for each value: that of the reading or the stronger one of the quality tests, unless a confirmed
review says otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.family import AIR, FAMILIES
from domain.flag import MISSING, NOT_EVALUATED, Flags, strongest
from domain.period import HOUR_S
from store.connection import Connection
from store.quality import Results, read_results
from store.review import StandingReview, read_standing_reviews

Integers = npt.NDArray[np.int64]

#: Unix times are smaller: makes one number of device and time.
_SCALE: Final = np.int64(1) << 33


@dataclass(frozen=True, slots=True)
class FlaggedReadings:
    """n effective readings of one family with k columns.

    Attributes
    ----------
    family : str
        Key of the family.
    device_ids : sequence of str
        Devices by number.
    device : ndarray of int64
        Shape (n,); number of the device of each reading.
    times_s : ndarray of int64
        Shape (n,); Unix times of their starts.
    spans_s : ndarray of int64
        Shape (n,); seconds they cover.
    flags : ndarray of uint8
        Shape (n, k); as stored.
    """

    family: str
    device_ids: Sequence[str]
    device: Integers
    times_s: Integers
    spans_s: Integers
    flags: Flags


def judged_flags(conn: Connection, readings: FlaggedReadings, *, known_at: dt.datetime | None = None) -> Flags:
    """Flags of readings as they count now, or as they were known at a moment.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    readings : FlaggedReadings
        Effective readings.
    known_at : datetime, optional
        Only what had been decided by then.

    Returns
    -------
    ndarray of uint8
        Shape (n, k); missing values stay missing.
    """
    if not len(readings.times_s):
        return readings.flags
    between = (_moment(int(readings.times_s.min())), _moment(int(readings.times_s.max()) + 1))
    tested = readings
    if readings.family == AIR.key:
        hour_low = _moment(int(readings.times_s.min()) // HOUR_S * HOUR_S)
        results = read_results(conn, readings.device_ids, (hour_low, between[1]), known_at=known_at)
        tested = replace(readings, flags=tested_flags(readings, results))
    reviews = read_standing_reviews(conn, readings.family, readings.device_ids, between, known_at=known_at)
    return reviewed_flags(tested, reviews)


def tested_flags(readings: FlaggedReadings, results: Results) -> Flags:
    """The stronger of each reading's own flag and those of the quality tests, of its own and of its hour."""
    found = readings.flags
    for of_hour, span_s in sorted(set(zip(results.of_hour.tolist(), results.spans_s.tolist(), strict=True))):
        chosen = (results.of_hour == of_hour) & (results.spans_s == span_s)
        keys = results.device[chosen] * _SCALE + results.times_s[chosen]
        if of_hour:
            own = readings.device * _SCALE + readings.times_s // HOUR_S * HOUR_S
        else:
            own = np.where(readings.spans_s == span_s, readings.device * _SCALE + readings.times_s, -1)
        order = np.argsort(keys)
        place = np.clip(np.searchsorted(keys[order], own), 0, len(keys) - 1)
        hit = keys[order][place] == own
        letters = np.full(found.shape, NOT_EVALUATED, dtype=np.uint8)
        letters[hit] = results.flags[chosen][order][place[hit]]
        found = np.where(found == MISSING, found, strongest([found, letters]))
    return found


def reviewed_flags(readings: FlaggedReadings, reviews: Sequence[StandingReview]) -> Flags:
    """Flags of the readings after reviews, which act in their order; the readings' own array when there are none."""
    if not reviews:
        return readings.flags
    result, family = readings.flags.copy(), FAMILIES[readings.family]
    number = {name: at for at, name in enumerate(readings.device_ids)}
    for review in reviews:
        low, high = review.low.timestamp(), review.high.timestamp()
        during = (readings.times_s >= low) & (readings.times_s < high)
        rows = np.flatnonzero(during & (readings.device == number[review.device_id]))
        for at in map(family.position, review.columns):
            result[rows[readings.flags[rows, at] != MISSING], at] = review.flag
    return result


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)
