"""Year-end budget: counted out, and the projection's interval on years it has not seen."""

import datetime as dt
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from analytics.budget import further_polluted_days, invalid_day_budget, year_end_projection
from analytics.budget_percentile import further_days_above, year_end_percentile
from analytics.daily import EVALUATED_COLUMN, daily_values
from analytics.percentile import percentile
from app.prsa import PrsaStation, load_prsa
from domain.standard import percentiles, validity

RULES = validity()
MONTHS = [(dt.date(2025, 1, 1) + dt.timedelta(days=at)).month for at in range(365)]


def test_polluted_days_by_hand() -> None:
    # 80 % of 365 = 292 good days; 240 so far, 65 to come: 52 of them must be good.
    assert further_polluted_days(240, 300, 65, least_percent=80) == 13
    assert further_polluted_days(220, 300, 65, least_percent=80) == -7
    assert further_polluted_days(300, 300, 65, least_percent=80) == 65
    assert further_polluted_days(0, 0, 365, least_percent=84.9) == 55
    with pytest.raises(ValueError, match="expected 0 <= good <= valid"):
        further_polluted_days(5, 4, 1, least_percent=80)


@given(st.integers(0, 300), st.integers(0, 60), st.integers(0, 200), st.integers(0, 1000))
def test_one_more_polluted_day_misses_the_target(good: int, bad: int, left: int, tenths: int) -> None:
    valid = good + bad
    found = further_polluted_days(good, valid, left, least_percent=tenths / 10)

    def reached(polluted: int) -> bool:
        return good + left - polluted >= Fraction(tenths, 1000) * (valid + left)

    if valid + left:
        assert reached(found)
    assert found == left or not reached(found + 1)


def test_invalid_days_by_hand() -> None:
    present = np.ones(365, dtype=bool)[:100]  # to 10 April
    present[[3, 4, 40, 95]] = False  # two in January, one in February and in April
    found = invalid_day_budget(present, MONTHS, rules=RULES)
    assert found.months_left.tolist() == [2, 2, 4, 2, 4, 3, 4, 4, 3, 4, 3, 4]
    assert (int(found.year_left), int(found.allowed), bool(found.reachable)) == (365 - 324 - 4, 31, True)
    failed = present.copy()
    failed[32:36] = False
    assert not invalid_day_budget(failed, MONTHS, rules=RULES).reachable
    many = invalid_day_budget(np.stack([present, failed]), MONTHS, rules=RULES)
    assert (many.allowed.tolist(), many.months_left[:, 1].tolist()) == ([31, 0], [2, -2])
    last = invalid_day_budget(np.ones(364, dtype=bool), MONTHS, rules=RULES)
    assert int(last.allowed) == 1


@given(st.lists(st.booleans(), max_size=365), st.integers(0, 365))
def test_budget_decides_like_the_whole_year(so_far: list[bool], at: int) -> None:
    present = np.array(so_far, dtype=bool)
    found = invalid_day_budget(present, MONTHS, rules=RULES)
    whole = np.concatenate([present, np.ones(365 - len(present), dtype=bool)])
    counts = np.bincount(np.array(MONTHS)[whole], minlength=13)[1:]
    valid = whole.sum() >= 324 and all(counts >= [25 if month == 2 else 27 for month in range(1, 13)])
    assert bool(found.reachable) == valid
    # One month cannot take more than it bears, and the year no more than its total.
    assert int(found.allowed) <= max(int(found.year_left), 0)
    assert int(found.allowed) <= 365 - len(present)


def test_projection_by_hand() -> None:
    # Half a year at 40. Past years: 30 then 60, and 50 then 80: the rest was 60 and 80.
    history = np.array([[30.0] * 5 + [60.0] * 5, [50.0] * 5 + [80.0] * 5])
    plain = year_end_projection([40.0] * 5, history, carryover=0)
    rest = math.sqrt(60 * 80)
    assert float(plain.remaining_means) == pytest.approx(rest)
    assert float(plain.values) == pytest.approx((40 + rest) / 2)
    spread = np.std(np.log([60, 80]), ddof=1) * math.sqrt(1.5) * t.ppf(0.9, 1)
    assert float(plain.high) == pytest.approx((40 + rest * math.exp(spread)) / 2)
    assert float(plain.low) == pytest.approx((40 + rest * math.exp(-spread)) / 2)
    full = year_end_projection([40.0] * 5, history, carryover=1)
    assert float(full.remaining_means) == pytest.approx(math.sqrt(60 * 40 / 30 * 80 * 40 / 50))


def test_projection_of_odd_cases() -> None:
    history = np.array([[30.0] * 10, [np.nan] * 10, [40.0] * 5 + [np.nan] * 2 + [40.0] * 3])
    found = year_end_projection([[50.0] * 5, [np.nan] * 5], history)
    assert found.years_used.tolist() == [1, 1]
    assert np.isnan(found.low).all() and not np.isnan(found.values).any()
    assert found.values[1] == pytest.approx(30.0), "without a day so far only the past counts"
    done = year_end_projection([20.0, 40.0], [[1.0, 1.0], [2.0, 2.0]])
    assert (float(done.values), float(done.low), float(done.high)) == (30.0, 30.0, 30.0)
    assert np.isnan(year_end_projection([1.0], np.full((1, 2), np.nan)).values)
    with pytest.raises(ValueError, match="3 days so far of a year of 2"):
        year_end_projection([1.0] * 3, [[1.0, 1.0]])


def beijing_days(folder: Path) -> np.ndarray:
    """PM2.5 and PM10 of the stations, March to December of 2013 to 2016, shape (12, 4, 306)."""
    series = []
    for path in sorted(folder.glob("*.csv.gz")):
        station = load_prsa(path)
        for key in ("pm25", "pm10"):
            years = []
            for year in (2013, 2014, 2015, 2016):
                grid = station.year_grid(year)[key]
                years.append(daily_values({key: grid}, rules=RULES, o3_limit=160)[key].valid_values[-306:])
            series.append(years)
    return np.array(series)


def test_interval_covers_years_it_has_not_seen(shared_data: Path) -> None:
    """The numbers of docs/budget.md: each year is projected from the three others, at the end of April to November."""
    days = beijing_days(shared_data / "data/prsa")
    month_ends = np.cumsum([31, 30, 31, 30, 31, 31, 30, 31, 30])[1:]
    hits, errors, plain_errors = [], [], []
    for year in range(4):
        others = np.delete(days, year, axis=1)
        truth = np.nanmean(days[:, year], axis=-1)
        for end in month_ends:
            found = year_end_projection(days[:, year, :end], others)
            hits.append((found.low <= truth) & (truth <= found.high))
            errors.append((found.values - truth) / truth)
            plain_errors.append((np.nanmean(days[:, year, :end], axis=-1) - truth) / truth)
    coverage, error, plain = (
        np.mean(hits),
        np.sqrt(np.mean(np.square(errors))),
        np.sqrt(np.mean(np.square(plain_errors))),
    )
    assert 0.75 <= coverage <= 0.95
    assert error < 0.08
    assert error < 0.7 * plain
    print(f"coverage {coverage:.3f} error {error:.3f} plain {plain:.3f}")  # noqa: T201


def test_days_above_by_hand() -> None:
    """365 days, P90: rank 328.6, so the days from rank 329 on down must keep the limit and 36 may exceed it."""
    assert further_days_above(10, 300, 65, percent=90) == 26
    assert further_days_above(40, 300, 65, percent=90) == -4
    assert further_days_above(0, 0, 0, percent=95) == 0
    assert further_days_above(0, 300, 5, percent=90) == 5
    with pytest.raises(ValueError, match="5 above of 4 days"):
        further_days_above(5, 4, 1, percent=95)


@given(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25), st.sampled_from([90, 95, 98]))
def test_one_more_day_above_exceeds_the_limit(above: int, below: int, left: int, percent: int) -> None:
    """Days above are 1000, the others 0; limit 1: as many as it bears keep it, one more does not."""
    found = further_days_above(above, above + below, left, percent=percent)
    assert found <= left

    def year_end(more: int) -> float:
        days = [1000.0] * (above + more) + [0.0] * (below + left - more)
        return float(percentile(days, percent))

    if above + below + left:
        assert found < 0 or year_end(found) <= 1
        assert found == left or year_end(max(found + 1, 0)) > 1


def test_percentile_projection_by_hand() -> None:
    """Median of 10 20 and two days to come: past years had 10 and 40; 20 and 40. All at the same level: no anomaly."""
    history = [[10.0, 20.0, 10.0, 40.0], [20.0, 10.0, 20.0, 40.0]]
    found = year_end_percentile([10.0, 20.0], history, 50)
    logs = np.log([15.0, 20.0])  # of 10 10 20 40 and of 10 20 20 40
    assert float(found.values) == pytest.approx(np.exp(logs.mean()))
    reach = t.ppf(0.9, 1) * logs.std(ddof=1) * np.sqrt(1.5)
    assert [float(found.low), float(found.high)] == pytest.approx(np.exp([logs.mean() - reach, logs.mean() + reach]))
    # four times as high so far: with all of it carried over the rest is four times as high too
    high = year_end_percentile([40.0, 80.0], history, 50, carryover=1)
    assert float(high.values) == pytest.approx(4 * float(found.values))
    done = year_end_percentile([20.0, 40.0], [[1.0, 1.0], [2.0, 2.0]], 50)
    assert [float(done.values), float(done.low), float(done.high)] == pytest.approx([30.0] * 3)
    assert np.isnan(year_end_percentile([1.0], np.full((1, 2), np.nan), 95).values)
    assert year_end_percentile(np.zeros(0), [[10.0, 20.0], [10.0, 20.0]], 50).values == pytest.approx(15)
    with pytest.raises(ValueError, match="3 days so far of a year of 2"):
        year_end_percentile([1.0] * 3, [[1.0, 1.0]], 95)


def test_interval_of_percentiles_covers_years_it_has_not_seen(shared_data: Path) -> None:
    """The numbers of docs/budget.md: the evaluated percentile of the six pollutants, as the means above."""
    stations = [load_prsa(path) for path in sorted((shared_data / "data/prsa").glob("*.csv.gz"))]
    month_ends = np.cumsum([31, 30, 31, 30, 31, 31, 30, 31, 30])[1:]
    hits, errors, plain = [], [], []
    for key, percent in percentiles().items():
        days = np.array([[_days(station, key, year) for year in range(2013, 2017)] for station in stations])
        for year in range(4):
            others, truth = np.delete(days, year, axis=1), percentile(days[:, year], percent)
            for end in month_ends:
                found = year_end_percentile(days[:, year, :end], others, percent)
                hits.append((found.low <= truth) & (truth <= found.high))
                errors.append(np.log(found.values / truth))
                plain.append(np.log(percentile(days[:, year, :end], percent) / truth))
    coverage, error, naive = (
        float(np.mean(hits)),
        *(float(np.sqrt(np.mean(np.square(part)))) for part in (errors, plain)),
    )
    assert 0.75 <= coverage <= 0.85
    assert error < 0.65 * naive
    print(f"coverage {coverage:.3f} error {error:.3f} plain {naive:.3f}")  # noqa: T201


def _days(station: PrsaStation, key: str, year: int) -> np.ndarray:
    """March to December."""
    grid = {key: station.year_grid(year)[key]}
    return daily_values(grid, rules=RULES, o3_limit=160)[EVALUATED_COLUMN[key]].valid_values[-306:]
