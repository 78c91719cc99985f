"""Flue gas by hand from annex D of HJ 212-2017, exactly with fractions, and at the edges."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.emission import (
    conversion,
    day_mean,
    dry_concentration,
    dry_standard_flow,
    mass_rate,
    nox_as_no2,
    standard_concentration,
    stopped,
    vouched,
)
from analytics.emission_compliance import counted_share, cumulative_emission, judge_hours
from domain.emission import emission_rules

RULES = emission_rules()
TENTHS = st.integers(0, 3000).map(lambda value: Fraction(value, 10))


def codes(letters: str) -> np.ndarray:
    return np.frombuffer(letters.encode(), dtype=np.uint8)


def test_conversion_by_hand() -> None:
    # Sinter, reference 16 %, measured 13.5 %: 12 mg/m³ * 5 / 7.5 = 8. Coke oven, 8 %, at 14.5 %: twice.
    assert float(conversion(12.0, 13.5, 16.0, rules=RULES).values) == 8.0
    assert float(conversion(12.0, 14.5, 8.0, rules=RULES).values) == 24.0
    assert conversion([1.0, 2.0], [5.0, 20.9], None, rules=RULES).values.tolist() == [1.0, 2.0]


def test_oxygen_near_air_is_guarded() -> None:
    found = conversion(np.ones(7), [19.999, 20.0, 20.99, 21.0, 21.1, -0.1, np.nan], 16.0, rules=RULES)
    assert np.isnan(found.values).tolist() == [False, True, True, True, True, True, True]
    assert found.standstill.tolist() == [False, True, True, True, False, False, False]
    assert found.impossible.tolist() == [False, False, False, False, True, True, False]
    assert float(found.values[0]) == pytest.approx(5 / 1.001)


@given(TENTHS, st.integers(0, 1999), st.integers(0, 18))
def test_conversion_agrees_with_fractions(value: Fraction, oxygen: int, reference: int) -> None:
    exact = value * (21 - reference) / (21 - Fraction(oxygen, 100))
    found = conversion(float(value), oxygen / 100, float(reference), rules=RULES)
    assert float(found.values) == pytest.approx(float(exact), rel=1e-12)


def test_standard_state_by_hand() -> None:
    # 136.5 ℃ is 1.5 times 273 K, and 67.55 kPa two thirds of 101.325: the gas is 2.25 times as thin as at the standard.
    state = {"atmospheric": 70.0, "rules": RULES}
    assert float(standard_concentration(10.0, 136.5, -2.45, **state)) == pytest.approx(22.5)
    assert float(dry_standard_flow(90.0, 136.5, -2.45, humidity=10.0, **state)) == pytest.approx(90 / 2.25 * 0.9)
    assert float(dry_concentration(9.0, 10.0)) == pytest.approx(10.0)
    assert np.isnan(dry_concentration(9.0, [100.0, -1.0])).all()
    assert np.isnan(standard_concentration(1.0, [-273.0, 20.0], [0.0, -200.0], atmospheric=100.0, rules=RULES)).all()


@given(TENTHS, st.integers(-50, 400), st.integers(-100, 100), st.integers(0, 600))
def test_mass_does_not_depend_on_the_state(value: Fraction, celsius: int, pressure: int, humidity: int) -> None:
    # Concentration up, flow down by the same factors: the mass in a wet cubic metre of the duct stays.
    state = {"atmospheric": 90.0, "rules": RULES}
    wet = standard_concentration(float(value), celsius, pressure / 10, **state)
    concentration = dry_concentration(wet, humidity / 10)
    flow = dry_standard_flow(50.0, celsius, pressure / 10, humidity=humidity / 10, **state)
    assert float(mass_rate(concentration, flow)) == pytest.approx(float(value) * 50 * 3600 / 1e6)


def test_nox_counts_as_no2() -> None:
    assert float(nox_as_no2(30.0, 4.0)) == 50.0


def test_marks_decide_what_is_judged() -> None:
    assert vouched(codes("N-SFMDCTBx")).tolist() == [True, True, *[False] * 8]
    assert stopped(codes("NFM")).tolist() == [False, True, False]


def test_days_need_enough_hours() -> None:
    hours = np.full((2, 24), 7.0)
    hours[0, :4], hours[1, :5] = np.nan, np.nan
    assert day_mean(hours, rules=RULES).valid.tolist() == [True, False]


def test_hours_over_the_limit() -> None:
    values = np.array([[10.0, 10.1, 50.0, np.nan], [30.0, 30.0, 30.0, 36.0]])
    usable = np.array([[True, True, False, True], [True] * 4])
    found = judge_hours(values, [10.0, 35.0], usable)
    assert found.over.tolist() == [[False, True, False, False], [False, False, False, True]]
    assert found.any_over.tolist() == [False, True, False, True]
    assert found.all_within.tolist() == [True, False, False, False]
    dated = judge_hours(values, np.array([[np.nan, 10, 10, 10], [35, 35, 20, 40]]), np.ones((2, 4), dtype=bool))
    assert dated.judged.tolist() == [[False, True, True, False], [True] * 4]
    assert dated.over.tolist() == [[False, True, True, False], [False, False, True, False]]


def test_values_converted_to_exactly_the_limit_are_within() -> None:
    # Every reading in hundredths that annex D converts to exactly the limit: in binary a third of them come out above.
    for reference, limit in ((16, 35), (8, 30), (10, 50), (6, 10)):
        pairs = [(Fraction(limit * (2100 - oxygen), 100 * (21 - reference)), oxygen) for oxygen in range(2000)]
        kept = [(float(value), oxygen / 100) for value, oxygen in pairs if (value * 100).denominator == 1]
        assert len(kept) > 50
        measured, oxygens = np.array(kept).T
        converted = conversion(measured, oxygens, float(reference), rules=RULES).values
        assert not judge_hours(converted[None], [float(limit)], np.ones((1, len(kept)), dtype=bool)).over.any()
        above = conversion(measured + 0.01, oxygens, float(reference), rules=RULES).values
        assert judge_hours(above[None], [float(limit)], np.ones((1, len(kept)), dtype=bool)).over.all()


def test_share_of_the_month() -> None:
    # Exactly 95 %; one more over; nothing judged: no verdict.
    percent, met = counted_share([100, 100, 0], [5, 6, 0], rules=RULES)
    assert percent[:2].tolist() == [95.0, 94.0]
    assert met[:2].tolist() == [1.0, 0.0]
    assert np.isnan([percent[2], met[2]]).all()


@given(st.lists(st.tuples(st.integers(0, 744), st.integers(0, 744)), max_size=20))
def test_share_agrees_with_exact_numbers(months: list[tuple[int, int]]) -> None:
    counts = [(max(pair), min(pair)) for pair in months]
    percent, met = counted_share([pair[0] for pair in counts], [pair[1] for pair in counts], rules=RULES)
    for (judged, over), share, reached in zip(counts, percent.tolist(), met.tolist(), strict=True):
        if not judged:
            assert np.isnan(share) and np.isnan(reached)
            continue
        exact = Fraction(100 * (judged - over), judged)
        assert bool(reached) == (exact >= 95)
        assert abs(share - float(exact)) <= 0.05 + 1e-9


def test_cumulative_emission() -> None:
    rates = [500.0, np.nan, 700.0, 1000.0, 300.0]
    found = cumulative_emission(rates, standing=[False, False, False, True, False], permitted_t=1.2)
    assert found.tonnes.tolist() == [0.5, 0.5, 1.2, 1.2, 1.5]
    assert (found.valid_hours, found.missing_hours, found.exceeded_at) == (3, 1, 4)
    assert found.share.tolist() == pytest.approx([5 / 12, 5 / 12, 1, 1, 1.25])
    free = cumulative_emission([1.0], standing=[False])
    assert free.exceeded_at is None and np.isnan(free.share).all()
