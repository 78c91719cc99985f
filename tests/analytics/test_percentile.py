from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.percentile import percentile

NAN = float("nan")


def test_worked_example_of_a_year() -> None:
    # k = 1 + 364 * 0.95 = 346.8, so the value lies 0.8 of the way from the 346th to the 347th.
    assert percentile(np.arange(1.0, 366.0)[::-1], 95) == pytest.approx(346.8)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=400), st.integers(0, 100))
def test_agrees_with_exact_arithmetic_and_numpy(numbers: list[int], percent: int) -> None:
    ordered = sorted(Fraction(number, 10) for number in numbers)
    rank = 1 + (len(ordered) - 1) * Fraction(percent, 100)
    low = int(rank)
    exact = ordered[low - 1] + (ordered[min(low, len(ordered) - 1)] - ordered[low - 1]) * (rank - low)
    data = np.array([number / 10 for number in numbers])
    assert percentile(data, percent) == pytest.approx(float(exact))
    assert percentile(data, percent) == pytest.approx(np.percentile(data, percent))


def test_missing_values_are_left_out_per_row() -> None:
    data = np.array([[1.0, NAN, 3.0], [NAN, NAN, NAN], [NAN, 7.0, NAN]])
    result = percentile(data, 50)
    assert result[0] == 2.0
    assert np.isnan(result[1])
    assert result[2] == 7.0


def test_ends_empty_and_wrong_percent() -> None:
    assert (percentile([3.0, 1.0, 2.0], 0), percentile([3.0, 1.0, 2.0], 100)) == (1.0, 3.0)
    assert np.isnan(percentile(np.zeros((2, 0)), 95)).all()
    with pytest.raises(ValueError, match="101"):
        percentile([1.0], 101)
