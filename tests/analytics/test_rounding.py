from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rounding import half_even, half_even_scalar, scaled_half_even


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.45, 1, 0.4),
        (0.55, 1, 0.6),
        (2.5, 0, 2.0),
        (3.5, 0, 4.0),
        (1.005, 2, 1.0),
        (1.015, 2, 1.02),
        (2.675, 2, 2.68),
        (0.15000000000000002, 1, 0.2),
        (0.25, 1, 0.2),
        (0.35, 1, 0.4),
        (-2.5, 0, -2.0),
        (2.4999, 0, 2.0),
        (2.5001, 0, 3.0),
        (2.499999999999999, 0, 2.0),
        (3.499999999999999, 0, 4.0),
        (4.05, 1, 4.0),
        (4.15, 1, 4.2),
    ],
)
def test_gbt_8170_cases(value: float, decimals: int, expected: float) -> None:
    assert half_even(value, decimals) == expected


def test_ties_made_by_means_are_ties() -> None:
    # 0.1 + 0.2 is not 0.3 in binary, yet the mean of both is the decimal 0.15.
    assert half_even(np.mean([0.1, 0.2]), 1) == 0.2
    assert half_even(np.mean([0.7, 0.8, 0.9, 0.6, 0.7, 0.8]), 1) == 0.8  # 0.75
    assert half_even(np.mean([0.6, 0.7]), 1) == 0.6  # 0.65


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(0, 5), st.integers(0, 4))
def test_agrees_with_decimal_arithmetic(digits: int, places: int, decimals: int) -> None:
    exact = Decimal(digits).scaleb(-places)
    expected = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    assert half_even(float(exact), decimals) == float(expected)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=400), st.integers(0, 2))
def test_rounded_means_agree_with_exact_means(numbers: list[int], decimals: int) -> None:
    tenths = [number / 10 for number in numbers]
    exact = Decimal(sum(numbers)) / 10 / len(numbers)
    expected = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    assert half_even(np.mean(tenths), decimals) == float(expected)


def test_shape_missing_and_infinite_values_stay() -> None:
    result = half_even(np.array([[np.nan, 0.5], [np.inf, -np.inf]]), 0)
    assert result.shape == (2, 2)
    assert np.isnan(result[0, 0])
    assert result[0, 1] == 0
    assert result[1].tolist() == [np.inf, -np.inf]


def test_no_negative_zero_leaves() -> None:
    assert not np.signbit(half_even([-0.2, -0.5, -0.0], 0)).any()


def test_scaled_values_are_whole() -> None:
    assert scaled_half_even([4.05, 4.15, 0.0], 1).tolist() == [40.0, 42.0, 0.0]


def test_negative_decimals_are_refused() -> None:
    with pytest.raises(ValueError, match="decimals is -1"):
        half_even(1.0, -1)


def test_scalar_knows_missing() -> None:
    assert half_even_scalar(None, 0) is None
    assert half_even_scalar(float("nan"), 0) is None
    assert half_even_scalar(2.5, 0) == 2.0
