"""Stacks and works: each check by hand, its edges, oracles with loops, and what must not be a verdict."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.integrity import Check
from analytics.integrity_stack import conversion_mismatch, long_marks, shift_after_marks
from analytics.integrity_works import counter_mismatch, diluted_hours, low_under_load, treatment_off, usual_level

START = 1_795_003_200
NAN = float("nan")


def minutes(count: int) -> np.ndarray:
    return START + 60 * np.arange(count, dtype=np.int64)


def hours(count: int) -> np.ndarray:
    return START + 3600 * np.arange(count, dtype=np.int64)


def test_marks_that_last_too_long() -> None:
    marked = np.zeros(300, dtype=bool)
    marked[10:70], marked[100:221] = True, True
    check = long_marks(minutes(300), marked, allowed_minutes=120)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 6000, START + 220 * 60)
    assert found.figures == {"minutes": 121.0, "allowed_minutes": 120}
    assert long_marks(minutes(300), marked, allowed_minutes=121).verdict == "compliant"
    assert long_marks(minutes(1), [True], allowed_minutes=1).verdict == "undetermined"


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(1, 20))
def test_marks_agree_with_a_loop(marked: list[bool], allowed: int) -> None:
    runs, length = [], 0
    for yes in [*marked, False]:
        if yes:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    found = long_marks(minutes(len(marked)), marked, allowed_minutes=allowed).found
    assert [one.figures["minutes"] for one in found] == [run for run in runs if run > allowed]


def shift(values: np.ndarray, loads: np.ndarray | None = None, marked: tuple[int, int] = (200, 230)) -> Check:
    mask = np.zeros(len(values), dtype=bool)
    mask[slice(*marked)] = True
    limits = {"compared_minutes": 120, "least_values": 30, "factor": 1.6, "spread": 5, "load_change": 0.2}
    return shift_after_marks(minutes(len(values)), values, marked=mask, loads=loads, **limits)


def test_a_level_that_shifts_with_maintenance() -> None:
    values = np.where(np.arange(500) % 2, 19.0, 21.0)
    assert shift(values).verdict == "compliant"
    values[230:] /= 2
    values[200:230] = 900.0
    check = shift(values)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 200 * 60, START + 349 * 60)
    assert found.figures == {"before": 20.0, "after": 10.0, "ratio_percent": 50.0}
    # Production fell as well: nothing is said, and nothing else was compared.
    loads = np.where(np.arange(500) < 230, 100.0, 50.0)
    assert shift(values, loads) == Check("undetermined", lacking="marks with values before and after")
    assert shift(values, np.full(500, 100.0)).verdict == "suspected"
    assert shift(values[:240]).verdict == "undetermined"
    assert shift(values, marked=(0, 0)).verdict == "undetermined"


def test_a_shift_within_the_usual_spread_is_none() -> None:
    noise = np.random.default_rng(1).normal(20, 12, 500)
    noise[230:] += 3
    assert shift(np.abs(noise)).verdict == "compliant"


def diluted(o2: list[float], so2: list[float], load: list[float] | float = 100.0, usual_o2: float = 15.9) -> Check:
    loads = np.broadcast_to(np.asarray(load, dtype=float), len(o2))
    limits = {"least_o2": 1.5, "largest_ratio": 0.8, "tolerance": 0.15, "least_load": 0.7, "least_hours": 2}
    measured = np.column_stack([so2, np.full(len(o2), NAN)])
    return diluted_hours(
        hours(len(o2)), o2, measured, loads=loads, usual_oxygen=usual_o2, usual_pollutants=[20.0, NAN],
        usual_load=100.0, **limits,
    )  # fmt: skip


def test_air_let_in() -> None:
    # 15.9 % becomes 17.9 %: (20.9 - 17.9) / (20.9 - 15.9) = 0.6, so 20 mg/m³ become 12.
    check = diluted([15.9, 17.9, 17.9, 15.9], [20.0, 12.0, 12.0, 20.0])
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 3600, START + 3 * 3600 - 1)
    assert found.figures == pytest.approx(
        {
            "o2": 17.9,
            "usual_o2": 15.9,
            "ratio_percent": 60.0,
            "expected_percent": 60.0,
            "load_percent": 100.0,
            "hours": 2,
        }
    )
    assert diluted([15.9, 17.9, 15.9], [20.0, 12.0, 20.0]).verdict == "compliant"
    assert diluted([17.9] * 3, [16.0] * 3).verdict == "compliant"
    assert diluted([17.9] * 3, [12.0] * 3, 50.0).verdict == "compliant"
    assert diluted([17.9] * 3, [12.0] * 3, NAN).verdict == "undetermined"
    assert diluted([NAN] * 3, [12.0] * 3).verdict == "undetermined"
    assert diluted([17.9] * 3, [12.0] * 3, usual_o2=NAN) == Check("undetermined", lacking="usual level")


def low(shown: list[list[float]], load: list[float]) -> Check:
    limits = {"least_load": 0.6, "largest_ratio": 0.3, "least_hours": 2}
    return low_under_load(
        hours(len(load)),
        np.array(shown, dtype=float),
        loads=load,
        usual_shown=[20.0, 40.0, 100.0],
        usual_load=1000.0,
        **limits,
    )


def test_little_shown_while_producing() -> None:
    check = low([[20, 40, 100], [4, 8, 100], [5, 4, 100], [20, 40, 100]], [1000, 900, 1000, 1000])
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 3600, START + 3 * 3600 - 1)
    assert found.figures == pytest.approx(
        {"what": "pollutants", "ratio_percent": 22.5, "load_percent": 95.0, "hours": 2.0}
    )
    # One pollutant at its usual level, or the line at rest: nothing.
    assert low([[4, 40, 100]] * 3, [1000] * 3).verdict == "compliant"
    assert low([[4, 8, 100]] * 3, [500] * 3).verdict == "compliant"
    assert low([[20, 40, 20]] * 3, [1000] * 3).found[0].figures["what"] == "flow"


def test_silence_of_a_monitor_is_no_verdict() -> None:
    assert low([[NAN, NAN, NAN]] * 3, [1000] * 3).verdict == "undetermined"
    assert low([[4, 8, 100]] * 3, [NAN] * 3).verdict == "undetermined"
    assert low([[20, 40, 100], [NAN] * 3, [NAN] * 3], [1000] * 3).verdict == "compliant"


def off(treatment: np.ndarray, production: np.ndarray | float, usual: tuple[float, float] = (50.0, 1000.0)) -> Check:
    limits = {"least_load": 0.5, "largest_ratio": 0.15, "least_minutes": 15}
    return treatment_off(
        minutes(len(treatment)), treatment, production=np.broadcast_to(production, len(treatment)),
        usual_treatment=usual[0], usual_production=usual[1], **limits,
    )  # fmt: skip


def test_treatment_off_while_producing() -> None:
    treatment = np.full(120, 50.0)
    treatment[30:50], treatment[80:90] = 1.0, 1.0
    check = off(treatment, 900.0)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 1800, START + 49 * 60)
    assert found.figures == pytest.approx({"ratio_percent": 2.0, "load_percent": 90.0, "minutes": 20.0})
    production = np.full(120, 900.0)
    production[30:50] = 100.0
    assert off(treatment, production).verdict == "compliant"
    assert off(treatment, 100.0).verdict == "undetermined"
    assert off(np.full(120, NAN), 900.0).verdict == "undetermined"
    assert off(treatment, 900.0, (NAN, 1000.0)).verdict == "undetermined"
    # A hole in the data ends a run.
    holed = treatment.copy()
    holed[38:42] = NAN
    assert off(holed, 900.0).verdict == "compliant"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1200)), min_size=2, max_size=80))
def test_treatment_agrees_with_a_loop(rows: list[tuple[int, int]]) -> None:
    runs, length = [], 0
    for clean, work in [*rows, (60, 0)]:
        if work >= 500 and Fraction(clean, 50) <= Fraction(15, 100):
            length += 1
        elif length:
            runs.append(length)
            length = 0
    check = off(np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows], dtype=float))
    assert [one.figures["minutes"] for one in check.found] == [run for run in runs if run >= 15]
    assert (check.verdict == "undetermined") == all(row[1] < 500 for row in rows)


def test_conversions_that_do_not_fit() -> None:
    own = np.full(200, 20.0)
    sent = own.copy()
    sent[50:130] = 10.0
    limits = {"largest_share": 0.1, "largest_difference": 1, "least_minutes": 60}
    check = conversion_mismatch(minutes(200), sent, own, **limits)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 3000, START + 129 * 60)
    assert found.figures == {"difference_percent": 50.0, "minutes": 80.0}
    assert conversion_mismatch(minutes(200), own * 1.09, own, **limits).verdict == "compliant"
    assert conversion_mismatch(minutes(200), own / 20 + 0.9, own / 20, **limits).verdict == "compliant"
    assert conversion_mismatch(minutes(200), np.full(200, NAN), own, **limits).verdict == "undetermined"


def test_counters_against_power() -> None:
    energy, power = np.full(6, 100.0), np.array([100.0, 90.0, 50.0, 200.0, 0.0, NAN])
    limits = {"largest_share": 0.15, "least_hours": 3}
    check = counter_mismatch(hours(6), energy, power, **limits)
    (found,) = check.found
    assert (found.first_s, found.last_s) == (START + 2 * 3600, START + 5 * 3600 - 1)
    assert found.figures == {"difference_percent": 50.0, "hours": 3.0}
    assert counter_mismatch(hours(6), energy, energy, **limits).verdict == "compliant"
    assert counter_mismatch(hours(6), np.zeros(6), np.zeros(6), **limits).verdict == "compliant"
    assert counter_mismatch(hours(2), energy[:2], power[:2], **limits).verdict == "undetermined"


def test_the_usual_level_needs_enough() -> None:
    assert usual_level([1.0, 3.0, NAN, 2.0], least=3) == 2.0
    assert np.isnan(usual_level([1.0, 3.0, NAN, 2.0], least=4))
    assert np.isnan(usual_level([], least=0))
