"""Which flag counts, against a slow reading of the rules: arrays only, no database."""

from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.family import AIR
from domain.flag import FAIL, GOOD, MISSING, NOT_EVALUATED, PRECEDENCE, SUSPECT
from store import judgement
from store.judgement import FlaggedReadings, reviewed_flags
from store.quality import Results
from store.review import StandingReview

DEVICES = ("a", "b")
HOUR = 3600
FLAGS = st.sampled_from((NOT_EVALUATED, GOOD, SUSPECT, FAIL, MISSING))
#: Device, slot of ten minutes, span.
KEYS = st.tuples(st.integers(0, 1), st.integers(0, 17), st.sampled_from((60, HOUR)))
READINGS = st.lists(st.tuples(KEYS, FLAGS), max_size=15, unique_by=lambda row: row[0])
RESULTS = st.lists(
    st.tuples(KEYS, st.sampled_from(("reading", "hour")), st.sampled_from((NOT_EVALUATED, SUSPECT, FAIL))),
    max_size=12,
    unique_by=lambda row: (row[1], row[0]) if row[1] == "reading" else (row[1], (row[0][0], row[0][1] // 6)),
)


#: Device, first slot, slots, whether valid.
REVIEWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 17), st.integers(1, 9), st.booleans()), max_size=5)


def readings_of(rows: list[tuple[tuple[int, int, int], int]]) -> FlaggedReadings:
    flags = np.full((len(rows), AIR.width), GOOD, np.uint8)
    flags[:, 0] = [flag for _, flag in rows]
    device, slot, span = (np.array([key[at] for key, _ in rows], dtype=np.int64) for at in range(3))
    return FlaggedReadings("air", DEVICES, device, 600 * slot, span, flags)


@settings(deadline=None, max_examples=150)
@given(READINGS, RESULTS)
def test_the_stronger_flag_of_reading_and_tests(
    rows: list[tuple[tuple[int, int, int], int]], results: list[tuple[tuple[int, int, int], str, int]]
) -> None:
    flags = np.full((len(results), AIR.width), NOT_EVALUATED, np.uint8)
    flags[:, 0] = [flag for _, _, flag in results]
    found = judgement.tested_flags(
        readings_of(rows),
        Results(
            np.array([key[0] for key, _, _ in results], dtype=np.int64),
            np.array([600 * key[1] // (HOUR if level == "hour" else 1) * (HOUR if level == "hour" else 1)
                      for key, level, _ in results], dtype=np.int64),
            np.array([level == "hour" for _, level, _ in results], dtype=np.bool_),
            np.array([HOUR if level == "hour" else key[2] for key, level, _ in results], dtype=np.int64),
            flags,
            np.zeros(flags.shape, np.int16),
        ),
    )  # fmt: skip
    for at, (key, flag) in enumerate(rows):
        said = [flag]
        for other, level, doubt in results:
            of_hour = level == "hour" and (other[0], other[1] // 6) == (key[0], key[1] // 6)
            if of_hour or (level == "reading" and other == key):
                said.append(doubt)
        expected = MISSING if flag == MISSING else max(said, key=PRECEDENCE.index)
        assert found[at, 0] == expected
    assert (found[:, 1:] == GOOD).all()


@settings(deadline=None, max_examples=100)
@given(
    READINGS, st.lists(st.tuples(st.integers(0, 1), st.integers(0, 17), st.integers(1, 9), st.booleans()), max_size=5)
)
def test_the_last_review_that_touches_a_value_decides(
    rows: list[tuple[tuple[int, int, int], int]], reviews: list[tuple[int, int, int, bool]]
) -> None:
    def moment(slot: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(600 * slot, dt.UTC)

    standing = [
        StandingReview(DEVICES[device], moment(low), moment(low + count), ("pm25",), GOOD if valid else FAIL)
        for device, low, count, valid in reviews
    ]
    readings = readings_of(rows)
    found = reviewed_flags(readings, standing)
    for at, ((device, slot, _), flag) in enumerate(rows):
        own = [valid for owner, low, count, valid in reviews if owner == device and low <= slot < low + count]
        expected = flag if flag == MISSING or not own else GOOD if own[-1] else FAIL
        assert found[at, 0] == expected
    assert (found[:, 1:] == GOOD).all()
    assert readings.flags[:, 0].tolist() == [flag for _, flag in rows]  # the stored flags stay
