from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.screening import MARK, PERSISTENCE, RANGE, STEP, screening
from domain.error import ConfigurationError
from domain.family import AIR, FAMILIES
from domain.flag import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, usable
from domain.screening_table import ScreeningLimit, load_screening_limits, screening_limits

NAN = float("nan")
ONE = (ScreeningLimit("x", -5, 0, 100, 1000, 50, 3, NAN),)
AIR_LIMITS = screening_limits("air")


def _column(values: list[float], *, limits: tuple[ScreeningLimit, ...] = ONE, step_s: int = 3600) -> list[int]:
    times = step_s * np.arange(len(values))
    table = np.array(values, dtype=float)[:, None]
    return screening(limits, np.zeros(len(values), int), times, values=table).flags[:, 0].tolist()


@pytest.mark.parametrize(
    ("value", "flag", "failed"),
    [
        (50, GOOD, 0),
        (0, GOOD, 0),
        (100, GOOD, 0),
        (-5, SUSPECT, RANGE),
        (-0.1, SUSPECT, RANGE),
        (101, SUSPECT, RANGE),
        (1000, SUSPECT, RANGE),
        (1000.1, FAIL, RANGE),
        (-5.1, FAIL, RANGE),
        (float("inf"), FAIL, RANGE),
        (NAN, MISSING, 0),
    ],
)
def test_range(value: float, flag: int, failed: int) -> None:
    result = screening(ONE, [1], [0], values=[[value]])
    assert (result.flags[0, 0], result.failed[0, 0]) == (flag, failed)


def test_step_flags_the_later_value_of_near_neighbours_only() -> None:
    assert _column([10, 70, 70.5, 10]) == [GOOD, SUSPECT, GOOD, SUSPECT]
    assert _column([10, 60, NAN, 10]) == [GOOD, GOOD, MISSING, GOOD]
    assert _column([10, 70], step_s=3601) == [GOOD, GOOD]
    other = screening(ONE, [1, 2], [0, 60], values=[[10.0], [90.0]])
    assert other.flags[:, 0].tolist() == [GOOD, GOOD]


def test_constant_run_is_suspect_from_its_first_value() -> None:
    assert _column([7, 8, 8, 8, 8, 9]) == [GOOD, SUSPECT, SUSPECT, SUSPECT, SUSPECT, GOOD]
    assert _column([8, 8, 8, 9]) == [GOOD] * 4  # two hours
    at_limit = (ScreeningLimit("x", -5, 0, 100, 1000, 50, 3, 8),)
    assert _column([8, 8, 8, 8], limits=at_limit) == [GOOD] * 4  # the exempt value and smaller ones may stay
    assert _column([8.1, 8.1, 8.1, 8.1], limits=at_limit) == [SUSPECT] * 4
    assert _column([0, 0, 0, 0], limits=at_limit) == [SUSPECT] * 4  # nought is what broken instruments say
    below = screening(at_limit, [1] * 4, 3600 * np.arange(4), values=[[-1.0]] * 4)
    assert (below.failed == RANGE | PERSISTENCE).all()
    without = screening(ONE, [1] * 4, 3600 * np.arange(4), values=[[8.0]] * 4, persistence=False)
    assert not without.failed.any()
    assert _column([8, 8, NAN, 8, 8]) == [GOOD, GOOD, MISSING, GOOD, GOOD]
    assert _column([8, 8, 8, 8], step_s=7201) == [GOOD] * 4  # nothing in between is known


def test_runs_do_not_cross_devices_and_rows_may_come_in_any_order() -> None:
    times = np.tile(3600 * np.arange(4), 2)
    devices = np.repeat([1, 2], 4)
    values = np.array([8.0, 8, 8, 8, 8, 7, 8, 7])
    shuffled = np.array([7, 2, 5, 0, 3, 6, 1, 4])
    result = screening(ONE, devices[shuffled], times[shuffled], values=values[shuffled][:, None])
    back = np.empty(8, int)
    back[shuffled] = result.flags[:, 0]
    assert back.tolist() == [SUSPECT] * 4 + [GOOD] * 4
    assert set(result.failed.ravel().tolist()) == {0, PERSISTENCE}


def test_calm_is_no_fault() -> None:
    hours = 40
    values = np.full((hours, AIR.width), NAN)
    values[:, AIR.position("wind_speed")] = 0.0
    values[:, AIR.position("pm25")] = 0.0
    flags = screening(AIR_LIMITS, np.zeros(hours, int), 3600 * np.arange(hours), values=values).flags
    assert (flags[:, AIR.position("wind_speed")] == GOOD).all()
    assert (flags[:, AIR.position("pm25")] == SUSPECT).all()


def test_marks_of_the_device() -> None:
    letters = "N-SFMDCTBX"
    marks = np.frombuffer(letters.encode(), np.uint8)[:, None]
    devices = np.arange(len(letters))
    result = screening(ONE, devices, np.zeros(len(letters), int), values=np.full((len(letters), 1), 5.0), marks=marks)
    assert result.flags[:, 0].tolist() == [GOOD, GOOD, SUSPECT, *[FAIL] * 6, SUSPECT]
    assert result.failed[:, 0].tolist() == [0, 0] + [MARK] * 8
    missing = screening(ONE, [1], [0], values=[[NAN]], marks=np.array([[ord("D")]], np.uint8))
    assert (missing.flags[0, 0], missing.failed[0, 0]) == (MISSING, 0)


def test_several_tests_are_all_noted() -> None:
    result = screening(ONE, [1, 1], [0, 60], values=[[10.0], [500.0]])
    assert result.failed[:, 0].tolist() == [0, RANGE | STEP]


def test_extremes_that_really_happened_are_not_failed() -> None:
    values = np.full((1, AIR.width), NAN)
    for key, value in {
        "pm25": 999,
        "pm10": 5000,
        "o3": 1071,
        "co": 10,
        "so2": 500,
        "no2": 290,
        "pressure": 880,
    }.items():
        values[0, AIR.position(key)] = value
    flags = screening(AIR_LIMITS, [1], [0], values=values).flags
    assert set(flags.ravel().tolist()) == {GOOD, MISSING}


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(NAN), st.integers(-20, 1200).map(float)), max_size=40))
def test_agrees_with_loops(values: list[float]) -> None:
    expected = []
    for at, value in enumerate(values):
        if np.isnan(value):
            expected.append(MISSING)
            continue
        first = last = at
        while first > 0 and values[first - 1] == value:
            first -= 1
        while last + 1 < len(values) and values[last + 1] == value:
            last += 1
        doubtful = not 0 <= value <= 100 or last - first >= 3 or (at > 0 and abs(value - values[at - 1]) > 50)
        expected.append(FAIL if not -5 <= value <= 1000 else SUSPECT if doubtful else GOOD)
    assert _column(values) == expected


def test_every_family_has_limits_and_empty_batches_pass() -> None:
    for key, family in FAMILIES.items():
        limits = screening_limits(key)
        assert tuple(limit.column for limit in limits) == family.keys
        empty = np.zeros(0, int)
        assert screening(limits, empty, empty, values=np.zeros((0, family.width))).flags.shape == (0, family.width)
    with pytest.raises(ConfigurationError, match="noise"):
        screening_limits("noise")


def test_faults_in_a_table_are_named(tmp_path: Path) -> None:
    path = tmp_path / "air.csv"
    header = "column,fail_low,suspect_low,suspect_high,fail_high,step,constant_h,exempt,basis\n"
    path.write_text(header + "pm25,5,0,10,20,,,,\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 2, column fail_low"):
        load_screening_limits(path, ("pm25",))
    path.write_text(header + "pm10,,,,,,,,\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="found columns pm10, expected pm25"):
        load_screening_limits(path, ("pm25",))


def test_infinity_fails_even_without_limits() -> None:
    free = (ScreeningLimit("x", *[NAN] * 7),)
    assert screening(free, [1, 2], [0, 0], values=[[float("inf")], [1e300]]).flags[:, 0].tolist() == [FAIL, GOOD]


def test_wrong_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 1\)"):
        screening(ONE, [1], [0], values=[[1.0, 2.0]])


def test_doubt_stays_in_the_statistics_and_failure_does_not() -> None:
    """GB 3095-2026 6.4: every valid value counts; what a test merely doubts is still valid."""
    flags = np.array([NOT_EVALUATED, GOOD, SUSPECT, FAIL, MISSING], dtype=np.uint8)
    assert usable(flags).tolist() == [True, True, True, False, False]
