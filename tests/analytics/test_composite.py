"""Composite index, ranking and change: hand-worked, exact, and with the odd cases."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.composite import change, composite_index, ranking
from domain.edition import LIMITS_2012, LIMITS_2026_TRANSITIONAL
from domain.error import ConfigurationError
from domain.pollutant import SIX_KEYS
from domain.ranking import index_items, spearman_critical
from domain.standard import limits

#: Typed again: limits of the ranking of 2014 and the weights known for 2026.
LIMIT = {"pm25": 35, "pm10": 70, "so2": 60, "no2": 40, "co": 4, "o3": 160}
LIMIT_2026 = {**LIMIT, "pm25": 30, "pm10": 60}
WEIGHT_2026 = {"pm25": 3, "no2": 2, "o3": 2, "pm10": 1, "so2": 1, "co": 1}
MEANS = {"pm25": [70.0, 35.0], "pm10": [105.0, 70.0], "so2": [15.0, 60.0], "no2": [50.0, 40.0]}
PERCENTILES = {"co": [3.0, 4.0], "o3": [200.0, 160.0]}


def test_index_by_hand() -> None:
    found = composite_index(index_items("hj663-2013"), MEANS, PERCENTILES, limits=limits(LIMITS_2012))
    # 70/35 + 105/70 + 15/60 + 50/40 + 3/4 + 200/160 = 2 + 1.5 + 0.25 + 1.25 + 0.75 + 1.25
    assert found.weighted.tolist() == pytest.approx([7.0, 6.0])
    assert found.unweighted.tolist() == found.weighted.tolist()
    assert found.maximum.tolist() == [2.0, 1.0]
    named = [[key for key, main in zip(found.pollutants, row, strict=True) if main] for row in found.main]
    assert named == [["pm25"], list(found.pollutants)]
    assert found.published.tolist() == [7.0, 6.0]


def test_weights_of_2026_beside_the_unweighted() -> None:
    found = composite_index(
        index_items("hj663-2026"),
        {"pm25": 30, "pm10": 60, "so2": 60, "no2": 40},
        {"co": 4, "o3": 160},
        limits=limits(LIMITS_2026_TRANSITIONAL),
    )
    assert (float(found.weighted), float(found.unweighted)) == (10.0, 6.0)


@given(st.lists(st.integers(0, 500), min_size=6, max_size=6))
def test_index_agrees_with_fractions(values: list[int]) -> None:
    given_ = dict(zip(SIX_KEYS, values, strict=True))
    exact = {key: Fraction(value, LIMIT_2026[key]) for key, value in given_.items()}
    found = composite_index(index_items("hj663-2026"), given_, given_, limits=limits(LIMITS_2026_TRANSITIONAL))
    assert float(found.weighted) == pytest.approx(float(sum(WEIGHT_2026[key] * exact[key] for key in SIX_KEYS)))
    assert float(found.unweighted) == pytest.approx(float(sum(exact.values())))
    best = max(round(value, 3) for value in exact.values())
    assert {key for key, main in zip(found.pollutants, found.main, strict=True) if main} == {
        key for key, value in exact.items() if round(value, 3) == best
    }


def test_missing_pollutant_leaves_no_sum() -> None:
    means = {**MEANS, "so2": [np.nan, 60.0]}
    found = composite_index(index_items(), means, PERCENTILES, limits=limits(LIMITS_2012))
    assert np.isnan(found.weighted).tolist() == np.isnan(found.unweighted).tolist() == [True, False]
    assert found.maximum[0] == 2.0
    nothing = dict.fromkeys(SIX_KEYS, np.nan)
    empty = composite_index(index_items(), nothing, nothing, limits=limits(LIMITS_2012))
    assert np.isnan(empty.maximum) and not empty.main.any()


def test_ranking_with_ties() -> None:
    assert ranking([5.004, 4.0, 5.0, np.nan, 6.0]).tolist() == [2, 1, 2, 0, 4]
    assert ranking([80.0, 95.5, 80.0], decimals=1, descending=True).tolist() == [2, 1, 2]
    assert ranking([]).tolist() == []
    assert ranking([[1, 2], [2, 1]]).tolist() == [[1, 2], [2, 1]]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_rank_is_one_more_than_the_better_places(hundredths: list[int]) -> None:
    ranks = ranking(np.array(hundredths) / 100)
    assert ranks.tolist() == [1 + sum(other < own for other in hundredths) for own in hundredths]


def test_change_against_last_year() -> None:
    found = change([45.0, 30.0, 10.0, 5.0], [50.0, 20.0, 0.0, np.nan])
    assert found.absolute[:3].tolist() == [-5.0, 10.0, 10.0]
    assert found.percent[:2].tolist() == [-10.0, 50.0]
    assert np.isnan(found.percent[2:]).all()


def test_tables_are_checked() -> None:
    assert spearman_critical(0.01)[5] == 1.0
    with pytest.raises(ConfigurationError, match=r"significance 0\.1 is unknown"):
        spearman_critical(0.1)
