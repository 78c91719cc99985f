"""Constant, clipped and copied values: by hand, against slow exact oracles, and properties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.integrity import Check, checked, merged, runs, undetermined
from analytics.integrity_series import Copy, clipped_values, constant_values, copied_blocks

START = 1_795_000_020
RNG = np.random.default_rng(7)


def minutes(count: int) -> np.ndarray:
    return START + 60 * np.arange(count, dtype=np.int64)


def constant(times: np.ndarray, values: np.ndarray) -> Check:
    limits = {"least_minutes": 30, "chance": 1e-6, "times_usual": 2.5, "largest_usual": 0.5, "certain_minutes": 240}
    return constant_values(times, values, **limits)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=40))
def test_runs_agree_with_a_loop(rows: list[tuple[bool, int]]) -> None:
    true, times = [row[0] for row in rows], list(itertools.accumulate(row[1] for row in rows))
    expected: list[list[int]] = []
    for at, yes in enumerate(true):
        if yes and expected and expected[-1][1] == at - 1 and times[at] - times[at - 1] <= 2:
            expected[-1][1] = at
        elif yes:
            expected.append([at, at])
    first, last = runs(true, times, gap_s=2)
    assert [list(pair) for pair in zip(first.tolist(), last.tolist(), strict=True)] == expected


def test_one_check_of_several() -> None:
    none, nothing = undetermined("a"), checked(())
    assert (merged([none, nothing]).verdict, merged([none, none]).lacking) == ("compliant", "a")
    assert merged([]).verdict == "undetermined"


def test_a_run_of_forty_minutes_by_hand() -> None:
    values = np.arange(200) % 7 / 10
    values[100:140] = 0.25
    check = constant(minutes(200), values)
    (found,) = check.found
    assert (check.verdict, found.first_s, found.last_s) == ("suspected", START + 6000, START + 8340)
    assert found.figures["value"] == 0.25 and found.figures["minutes"] == 40.0
    # None of the 159 other neighbours is the same: (0 + 1) / (159 + 2).
    assert found.figures["usual_percent"] == pytest.approx(100 / 161, rel=0.02)
    values[120] = 0.3
    assert constant(minutes(200), values).verdict == "compliant"


def test_a_coarse_instrument_may_repeat_itself() -> None:
    values = np.repeat(RNG.integers(0, 3, 60), 20).astype(float)
    values[600:700] = 1.0
    assert constant(minutes(1200), values) == Check("undetermined", lacking="a finer resolution")
    values[600:860] = 1.0
    assert constant(minutes(1200), values).verdict == "suspected"


def test_smooth_gas_may_turn_slowly() -> None:
    sound = np.round(6 + 0.4 * np.sin(np.arange(1440) / 45), 2)
    shorter = max(len(list(run)) for _, run in itertools.groupby(sound.tolist()))
    assert constant(minutes(1440), sound).verdict == "compliant"
    for length, verdict in ((2 * shorter, "compliant"), (4 * shorter, "suspected")):
        values = sound.copy()
        values[700 : 700 + length] = 7.0
        assert (length >= 30, constant(minutes(1440), values).verdict) == (True, verdict)


def test_little_data_is_no_verdict() -> None:
    assert constant(minutes(20), np.ones(20)).verdict == "undetermined"
    assert constant(minutes(50), np.ones(50)).verdict == "undetermined"
    assert constant(minutes(60), np.full(60, np.nan)).verdict == "undetermined"
    # Two halves an hour apart are no run of eighty minutes.
    times = np.concatenate([minutes(25), minutes(25) + 5000])
    assert constant(times, np.ones(50)).verdict != "suspected"


@given(st.integers(0, 2**32 - 1), st.floats(1, 1000), st.integers(0, 10**6))
def test_scale_and_time_do_not_matter_and_noise_is_no_finding(seed: int, scale: float, shift: int) -> None:
    values = np.random.default_rng(seed).normal(size=300)
    assert constant(minutes(300), values).verdict == "compliant"
    values[100:150] = 0.5
    spans = [(found.first_s - START, found.last_s - START) for found in constant(minutes(300), values).found]
    moved = constant(minutes(300) + shift, values * scale).found
    assert spans == [(6000, 8940)] == [(found.first_s - START - shift, found.last_s - START - shift) for found in moved]


def clip(values: np.ndarray) -> Check:
    return clipped_values(
        minutes(len(values)), values, least_values=30, least_percent=5, times_usual=5, window_minutes=240
    )


def test_values_cut_off_at_a_limit() -> None:
    values = np.round(RNG.normal(30, 4, 1440), 1)
    assert clip(values).verdict == "compliant"
    check = clip(np.minimum(values, 34.5))
    (found,) = check.found
    count = int((values >= 34.5).sum())
    assert found.figures["value"] == 34.5
    length = (found.last_s - found.first_s) // 60 + 1
    assert found.figures["minutes"] == count and found.figures["share_percent"] == pytest.approx(100 * count / length)
    assert clip(values[:140]).verdict == "undetermined"
    assert clip(np.ones(1440)).verdict == "undetermined"


def test_values_cut_off_for_some_hours_only() -> None:
    values = np.round(RNG.normal(30, 4, 1440), 1)
    values[480:960] = np.minimum(values[480:960], 33.0)
    check = clip(values)
    assert check.verdict == "suspected"
    (found,) = check.found
    # Windows that reach beyond these hours hold larger values and say nothing.
    first, last = (found.first_s - START) // 60, (found.last_s - START) // 60
    assert 480 <= first < last < 960 and last - first > 300
    top = int((values[first : last + 1] == 33.0).sum())
    assert (found.figures["value"], found.figures["minutes"]) == (33.0, top)


def test_values_that_stand_at_zero_or_at_the_bottom_are_not_clipped() -> None:
    values = np.maximum(np.round(RNG.normal(0, 4, 1440), 1), 0.0)
    assert clip(values).verdict == "compliant"


def copies(series: np.ndarray, times: np.ndarray, values: np.ndarray, length: int, distinct: int = 3) -> list[Copy]:
    return copied_blocks(series, times, values, least_values=length, least_distinct=distinct)


def oracle(values: list[float], length: int) -> list[tuple[int, int, int]]:
    """Maximal blocks equal to an earlier block, consecutive equal windows only, as (late, early, values)."""
    windows = [tuple(values[at : at + length]) for at in range(len(values) - length + 1)]
    before: dict[tuple[float, ...], int] = {}
    pairs = []
    for at, window in enumerate(windows):
        if window in before and len(set(window)) >= 3:
            pairs.append((at, before[window]))
        before[window] = at
    blocks: dict[int, list[list[int]]] = {}
    for late, early in pairs:
        own = blocks.setdefault(late - early, [])
        if own and own[-1][1] == late - 1:
            own[-1][1] = late
        else:
            own.append([late, late])
    return sorted((first, first - lag, last - first + length) for lag, own in blocks.items() for first, last in own)


@given(st.lists(st.integers(0, 3), min_size=5, max_size=80))
def test_copies_agree_with_a_slow_oracle(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=np.float64)
    times = minutes(len(values))
    found = copies(np.zeros(len(values), dtype=np.int64), times, values, 4)
    told = sorted(((one.first_s - START) // 60, (one.source_s - START) // 60, one.values) for one in found)
    assert told == oracle(values.tolist(), 4)


def test_a_day_copied_and_a_neighbour_copied() -> None:
    day = np.round(RNG.normal(30, 4, 2880), 1)
    day[1500:1560] = day[60:120]
    assert copies(np.zeros(2880, dtype=np.int64), minutes(2880), day, 30, 10) == [
        Copy(0, 0, START + 1500 * 60, START + 1559 * 60, START + 60 * 60, 60)
    ]
    other = np.round(RNG.normal(30, 4, 2880), 1)
    other[100:140] = day[100:140]
    series = np.repeat([0, 1], 2880)
    found = copies(series, np.tile(minutes(2880), 2), np.concatenate([day, other]), 30, 10)
    assert Copy(1, 0, START + 6000, START + 139 * 60, START + 6000, 40) in found


def test_standstill_and_holes_are_no_copies() -> None:
    times = np.concatenate([minutes(40), minutes(40) + 86_400])
    zeros = np.zeros(80, dtype=np.int64)
    assert copies(zeros, times, np.ones(80), 30, 10) == []
    pattern = np.round(RNG.normal(30, 4, 40), 1)
    assert len(copies(zeros, times, np.tile(pattern, 2), 30, 10)) == 1
    holed = np.delete(times, slice(45, 70)), np.delete(np.tile(pattern, 2), slice(45, 70))
    assert copies(zeros[:55], *holed, 30, 10) == []
    assert copies(zeros[:20], times[:20], pattern[:20], 30, 10) == []
