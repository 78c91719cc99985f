"""Trend tests against all permutations, loops and scipy."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr, theilslopes

from analytics.trend import mann_kendall, spearman_trend
from domain.ranking import spearman_critical

VALUES = st.lists(st.integers(0, 9), min_size=5, max_size=14)


@pytest.mark.parametrize("n", [5, 6, 7, 8, 9])
def test_critical_values_are_those_of_all_permutations(n: int) -> None:
    orders = np.array(list(itertools.permutations(range(n))), dtype=np.int8)
    distance = ((orders - np.arange(n, dtype=np.int8)) ** 2).sum(axis=1)
    counts = np.bincount(distance)
    share = np.cumsum(counts) / math.factorial(n)  # P(sum of squares <= d): the larger r, the smaller d
    for significance in (0.05, 0.01):
        largest = np.flatnonzero((share <= significance) & (counts > 0)).max()
        exact = 1 - 6 * largest / (n**3 - n)
        assert spearman_critical(significance)[n] == pytest.approx(exact, abs=0.0006)


def test_spearman_by_hand() -> None:
    # Ranks 5 3 4 2 1 against 1..5: d = 4 1 1 2 4, squares 38, r = 1 - 228/120 = -0.9, exactly the critical value.
    found = spearman_trend([80, 60, 70, 50, 40])
    assert (float(found.coefficients), int(found.direction), float(found.critical)) == (-0.9, -1, 0.9)
    assert int(spearman_trend([80, 60, 70, 50, 40], significance=0.01).direction) == 0
    assert int(spearman_trend([1, 2, 3, 4, 5], significance=0.01).direction) == 1
    # n = 6: squares 6, r = 1 - 36/210 = 0.8286, in the table 0.829
    assert int(spearman_trend([2, 1, 4, 3, 6, 5]).direction) == 1


@given(VALUES)
def test_spearman_agrees_with_scipy_and_with_the_formula(values: list[int]) -> None:
    found = spearman_trend(values)
    n = len(values)
    if len(set(values)) == 1:
        assert (float(found.coefficients), int(found.direction)) == (0.0, 0)
        return
    assert float(found.coefficients) == pytest.approx(spearmanr(range(n), values).statistic, abs=1e-12)
    if len(set(values)) == n:
        squares = sum((sorted(values).index(value) - at) ** 2 for at, value in enumerate(values))
        assert float(found.coefficients) == pytest.approx(1 - 6 * squares / (n**3 - n))


@given(VALUES, st.sets(st.integers(0, 13), max_size=6))
def test_missing_periods_and_many_series(values: list[int], holes: set[int]) -> None:
    row = np.array([np.nan if at in holes else value for at, value in enumerate(values)], dtype=float)
    kept = row[~np.isnan(row)]
    together = spearman_trend(np.vstack([row, row[::-1], -row]))
    alone = spearman_trend(kept)
    assert together.periods.tolist() == [len(kept)] * 3
    if len(kept) >= 5:
        expected = [float(alone.coefficients), -float(alone.coefficients), -float(alone.coefficients)]
        assert together.coefficients.tolist() == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(together.coefficients).all()
        assert not together.direction.any()


def test_critical_value_between_and_beyond_the_rows() -> None:
    critical = spearman_trend(np.tile(np.nan, (1, 3))).critical
    assert np.isnan(critical).all()
    for n, row in ((11, 10), (12, 12), (31, 30), (90, 30)):
        assert float(spearman_trend(np.arange(n)).critical) == spearman_critical()[row]


def test_mann_kendall_by_hand() -> None:
    # 1 3 2 5 4: 8 pairs rise, 2 fall, S = 6; Var = 5 * 4 * 15 / 18 = 16.67; Z = 5 / 4.082
    found = mann_kendall([1, 3, 2, 5, 4])
    assert float(found.z) == pytest.approx(5 / math.sqrt(300 / 18))
    assert float(found.tau) == pytest.approx(0.6)
    # Slopes 2 .5 4/3 .75 -1 1 1/3 3 1 -1, ordered: -1 -1 1/3 .5 .75 1 1 4/3 2 3
    assert float(found.slopes) == pytest.approx((0.75 + 1) / 2)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=3, max_size=12), st.sets(st.integers(0, 11), max_size=4))
def test_mann_kendall_agrees_with_loops_and_scipy(values: list[int], holes: set[int]) -> None:
    row = np.array([np.nan if at in holes else value for at, value in enumerate(values)], dtype=float)
    times = np.flatnonzero(~np.isnan(row))
    kept = row[times]
    n = len(kept)
    found = mann_kendall(np.vstack([row, row]))
    assert found.periods.tolist() == [n, n]
    if n < 3:
        assert np.isnan(found.z).all()
        return
    score = sum(np.sign(late - early) for early, late in itertools.combinations(kept, 2))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(kept, return_counts=True)[1])
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    expected = 0.0 if score == 0 else (score - np.sign(score)) / math.sqrt(variance)
    assert found.z[1] == pytest.approx(expected)
    if len(set(kept)) > 1:
        assert found.tau[0] == pytest.approx(kendalltau(times, kept).statistic)
        slope, _, low, high = theilslopes(kept, times, alpha=0.95)
        assert found.slopes[0] == pytest.approx(slope)
        assert (found.slopes_low[0], found.slopes_high[0]) == pytest.approx((low, high))


def test_long_series_and_odd_shapes() -> None:
    years = np.arange(120.0).reshape(2, 5, 12)
    found = mann_kendall(years)
    assert found.slopes.shape == (2, 5)
    assert found.slopes.tolist() == np.ones((2, 5)).tolist()
    constant = mann_kendall(np.ones(6))
    assert (float(constant.z), float(constant.p_values), float(constant.slopes)) == (0.0, 1.0, 0.0)
    assert np.isnan(constant.tau)
    assert mann_kendall(np.zeros((0, 4))).z.shape == (0,)
    assert np.isnan(mann_kendall(np.zeros((2, 0))).slopes).all()
