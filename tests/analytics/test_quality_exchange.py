"""Two columns read crosswise: by hand, against scipy's own rank correlation hour by hour, and what must not matter."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from analytics.quality import EXCHANGE, QUALITY_LIMITS
from analytics.quality_exchange import exchange_flags
from analytics.quality_hour import LOOK_BACK_H, HourGrid, hour_quality
from domain.family import AIR
from domain.flag import GOOD, NOT_EVALUATED, SUSPECT
from domain.quality_table import exchange_pairs

NAN = float("nan")
LIMITS = replace(QUALITY_LIMITS, exchange_hours=4, exchange_least_hours=3)
EACH = tuple(np.array([other for other in range(4) if other != site]) for site in range(4))
NO2, O3 = AIR.position("no2"), AIR.position("o3")


def test_the_score_by_hand() -> None:
    """Theirs go 1 2 3 4 and 4 3 2 1; the site's other way round: (1 + 1) - (-1 - 1) = 4; two ranks changed: 3.6."""
    first = np.tile([[1.0], [2], [3], [4]], (1, 4))
    second = np.tile([[8.0], [6], [4], [2]], (1, 4))
    first[:, 3], second[:, 3] = [80, 60, 40, 20], [10, 20, 30, 40]
    assert exchange_flags(EACH, first, second, score=4, limits=LIMITS)[3].tolist() == [GOOD, GOOD, GOOD, SUSPECT]
    first[2:, 3] = [20, 40]  # 4 3 1 2: Spearman 0.8 with theirs
    assert exchange_flags(EACH, first, second, score=3.6, limits=LIMITS)[3, 3] == SUSPECT
    assert exchange_flags(EACH, first, second, score=3.61, limits=LIMITS)[3, 3] == GOOD
    first[:, 3] = 5  # nothing varies: the second column alone decides, 1 - -1
    assert exchange_flags(EACH, first, second, score=2, limits=LIMITS)[3, 3] == SUSPECT


def test_what_is_not_known_is_not_judged() -> None:
    first = np.tile([[1.0], [2], [3], [4], [5]], (1, 4))
    second = first[::-1].copy()
    flags = exchange_flags(EACH, first, second, score=1, limits=LIMITS)
    assert (flags[:2] == NOT_EVALUATED).all() and (flags[2:] == GOOD).all()
    first[2, 0] = NAN  # one value of one site: its own hour, and two neighbours are too few for the others
    flags = exchange_flags(EACH, first, second, score=1, limits=LIMITS)
    assert flags[:, 0].tolist() == [NOT_EVALUATED, NOT_EVALUATED, NOT_EVALUATED, GOOD, GOOD]
    assert flags[:, 1].tolist() == flags[:, 0].tolist()
    pair = (np.array([1]), np.array([0]))
    assert (exchange_flags(pair, first[:, :2], second[:, :2], score=1, limits=LIMITS) == NOT_EVALUATED).all()
    assert exchange_flags(EACH, first[:0], second[:0], score=1, limits=LIMITS).shape == (0, 4)


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_scipy_hour_by_hour(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 9, (2, 40, 4)).astype(float)
    for values in (first, second):
        values[random.random(values.shape) < 0.1] = NAN
    limits = replace(QUALITY_LIMITS, exchange_hours=9, exchange_least_hours=6)
    flags = exchange_flags(EACH, first, second, score=0.2, limits=limits)
    for site in range(4):
        others = EACH[site]
        for hour in range(40):
            rows = []
            for at in range(max(0, hour - 8), hour + 1):
                near = [np.median(values[at, others]) for values in (first, second)]
                rows.append([first[at, site], second[at, site], *near])
            window = np.array(rows)[~np.isnan(rows).any(axis=1)]
            if np.isnan(rows[-1]).any() or len(window) < 6:
                assert flags[hour, site] == NOT_EVALUATED
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                r = [[np.nan_to_num(spearmanr(window[:, a], window[:, b])[0]) for b in (2, 3)] for a in (0, 1)]
            score = r[0][1] + r[1][0] - r[0][0] - r[1][1]
            assert abs(score - 0.2) < 1e-9 or flags[hour, site] == (SUSPECT if score >= 0.2 else GOOD)


def test_gain_zero_and_scale_do_not_matter_and_both_columns_are_doubted() -> None:
    random = np.random.default_rng(5)
    hours = LOOK_BACK_H + 96
    sun = np.cos(2 * np.pi * (np.arange(hours) - 15) / 24)
    means = np.full((hours, 5, AIR.width), NAN)
    means[:, :, NO2] = 30 - 10 * sun[:, None] + random.normal(0, 3, (hours, 5))
    means[:, :, O3] = 32 + 12 * sun[:, None] + random.normal(0, 3, (hours, 5))
    places = np.column_stack((1000.0 * np.arange(5), np.zeros(5)))

    def found(values: np.ndarray) -> np.ndarray:
        grid = HourGrid(3600 * np.arange(hours), values, values, values, places, np.ones(5, bool))
        return (hour_quality(grid).failed & EXCHANGE) != 0

    assert not found(means).any()
    crossed = means.copy()
    crossed[-72:, 4, [NO2, O3]] = means[-72:, 4, [O3, NO2]]
    once = found(crossed)
    assert set(np.argwhere(once)[:, 1]) == {4} and set(np.argwhere(once)[:, 2]) == {NO2, O3}
    assert once[-1, 4, NO2] and once[-1, 4, O3] and not once[:-72].any()
    crossed[:, 4, NO2] = 1.3 * crossed[:, 4, NO2] + 7
    assert (found(crossed) == once).all()


def test_the_table_names_pairs_of_gases() -> None:
    assert [(pair.first, pair.second, pair.score) for pair in exchange_pairs()] == [
        ("no2", "o3", 1), ("so2", "o3", 1), ("so2", "no2", 0.7)
    ]  # fmt: skip
