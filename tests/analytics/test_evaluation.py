from __future__ import annotations

import numpy as np
import pytest

from analytics.compliance import all_met, exceedance_multiple, item_compliance, year_compliance
from analytics.evaluation import (
    compliance_rate,
    day_counts,
    days_per_month,
    months_valid,
    period_statistic,
    year_valid,
)
from analytics.index import daily_index
from domain.edition import HJ633_2012, LIMITS_2012, LIMITS_2026_TRANSITIONAL
from domain.standard import EvaluationItem, evaluation_items, limits, validity

NAN = float("nan")
RULES = validity()
MONTHS_2015 = (np.datetime64("2015-01-01") + np.arange(365)).astype("datetime64[M]").astype(int) % 12 + 1


def test_period_statistic_of_two_stations() -> None:
    values = np.array([[1.0, 2.0, NAN, 6.0], [NAN] * 4])
    result = period_statistic(values, 95)
    assert result.days.tolist() == [3, 0]
    assert result.means[0] == 3.0
    assert result.percentiles[0] == pytest.approx(5.6)  # k = 1 + 2 * 0.95 = 2.9
    assert np.isnan([result.means[1], result.percentiles[1]]).all()
    assert np.isnan(period_statistic(values).percentiles).all()


def test_a_year_needs_324_days_and_27_in_each_month_but_february() -> None:
    present = np.ones(365, bool)
    assert year_valid(days_per_month(present, MONTHS_2015), RULES)
    february = np.flatnonzero(MONTHS_2015 == 2)
    july = np.flatnonzero(MONTHS_2015 == 7)
    present[february[:3]] = False
    counts = days_per_month(present, MONTHS_2015)
    assert counts[1] == 25
    assert year_valid(counts, RULES)
    present[february[3]] = False
    assert not year_valid(days_per_month(present, MONTHS_2015), RULES)
    present[february] = True
    present[july[:5]] = False
    counts = days_per_month(present, MONTHS_2015)
    assert months_valid(counts, RULES).tolist() == [True] * 6 + [False] + [True] * 5
    assert counts.sum() > 324
    assert not year_valid(counts, RULES)


def test_a_year_of_bare_months_misses_324() -> None:
    counts = np.array([27, 25, 27, 27, 27, 27, 27, 27, 27, 27, 27, 27])
    assert months_valid(counts, RULES).all()
    assert not year_valid(counts, RULES)  # 322
    counts[0] += 2
    assert year_valid(counts, RULES)


def test_day_counts_by_level_and_primary_pollutant() -> None:
    days = {
        "pm25": [35.0, 75.0, 115.0, NAN, 36.0],
        "pm10": [50.0, 150.0, 150.0, NAN, 10.0],
        "o3_8h": [10.0, 10.0, 10.0, NAN, 10.0],
    }
    counts = day_counts(daily_index(HJ633_2012, days))
    assert counts.valid_days == 4
    assert counts.by_level == (1, 2, 1, 0, 0, 0)
    assert (counts.primary["pm25"], counts.primary["pm10"], counts.primary["o3_8h"]) == (3, 1, 0)
    assert counts.good_day_ratio == 75.0
    assert day_counts(daily_index(HJ633_2012, {"pm25": [NAN]})).good_day_ratio is None


def test_compliance_rate_compares_rounded_days() -> None:
    assert compliance_rate([75.4, 75.5, 75.6, NAN], 75, 0) == 33.3  # 75.5 rounds to the even 76
    assert compliance_rate([74.5, 76.0, 10.0], 75, 0) == 66.7
    assert np.isnan(compliance_rate([NAN], 75, 0))


def test_exceedance_multiple_has_two_decimals() -> None:
    assert exceedance_multiple([112.0, 75.0, 60.0], 75).tolist() == [0.49, 0.0, -0.2]


def test_item_is_compared_after_rounding() -> None:
    item = EvaluationItem("pm25", "mean", None, "year", "", "P")
    kept = item_compliance(item, 35.4, 35)
    assert (kept.met, kept.rounded, kept.value) == (True, 35.0, 35.4)
    broken = item_compliance(item, 35.6, 35)
    assert (broken.met, broken.rounded, broken.exceedance_multiple) == (False, 36.0, 0.03)
    assert item_compliance(item, NAN, 35).met is None
    co = EvaluationItem("co", "percentile", 95, "24h", "", "P")
    assert item_compliance(co, 4.05, 4).met is True
    assert item_compliance(co, 4.06, 4).met is False


def test_year_compliance_needs_mean_and_percentile() -> None:
    means = {"so2": 10.0, "no2": 30.0, "pm10": 65.0, "pm25": 33.0, "co": 9.9}
    percentiles = {"so2": 20.0, "no2": 81.0, "pm10": 110.0, "pm25": 70.0, "co": 1.0, "o3": 160.4}
    by_2012 = year_compliance(evaluation_items(), means, percentiles, limits=limits(LIMITS_2012))
    assert {key: verdict.met for key, verdict in by_2012.items()} == {
        "so2": True, "no2": False, "pm10": True, "pm25": True, "co": True, "o3": True,
    }  # fmt: skip
    assert [item.met for item in by_2012["no2"].items] == [True, False]
    assert all_met(verdict.met for verdict in by_2012.values()) is False
    by_2026 = year_compliance(evaluation_items(), means, percentiles, limits=limits(LIMITS_2026_TRANSITIONAL))
    assert (by_2026["pm25"].met, by_2026["pm10"].met) == (False, False)


def test_an_unknown_statistic_leaves_the_verdict_open_unless_another_breaks_it() -> None:
    verdicts = year_compliance(evaluation_items(), {"pm25": 20.0, "pm10": 90.0}, {}, limits=limits(LIMITS_2012))
    assert verdicts["pm25"].met is None
    assert verdicts["pm10"].met is False
    assert all_met([True, None]) is None
    assert all_met([True, True]) is True
    assert all_met([]) is None
