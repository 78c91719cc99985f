"""Periods and completeness: by hand, and day by day."""

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.period_evaluation import EVALUATION_KINDS, completeness, evaluated_periods, inside
from domain.standard import validity

RULES = validity()


def test_periods_by_hand() -> None:
    named = {kind: [one.label for one in evaluated_periods(kind, 2024)] for kind in EVALUATION_KINDS}
    assert named["year"] == ["2024"]
    assert named["quarter"] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    assert (named["month"][1], len(named["month"])) == ("2024-02", 12)
    assert (named["rolling12"][0], named["rolling12"][-1]) == ("2023-02..2024-01", "2024-01..2024-12")
    assert named["three-years"] == ["2022..2024"]
    (three,) = evaluated_periods("three-years", 2024)
    assert (three.days, three.last_day) == (365 + 365 + 366, dt.date(2024, 12, 31))
    assert three.last_year().label == "2021..2023"
    february = evaluated_periods("month", 2024)[1]
    assert (february.days, february.last_year().days) == (29, 28)


@pytest.mark.parametrize("kind", EVALUATION_KINDS)
def test_periods_of_a_year_end_in_it(kind: str) -> None:
    periods = evaluated_periods(kind, 2025)
    assert periods[-1].end == dt.date(2026, 1, 1)
    if kind in ("quarter", "month"):
        assert all(one.end == two.start for one, two in itertools.pairwise(periods))


@given(st.sampled_from(EVALUATION_KINDS), st.sets(st.integers(0, 1460), max_size=120), st.integers(0, 11))
def test_completeness_day_by_day(kind: str, holes: set[int], at: int) -> None:
    days = np.arange(np.datetime64("2021-01-01"), np.datetime64("2025-01-01"))
    present = ~np.isin(np.arange(len(days)), list(holes))
    periods = evaluated_periods(kind, 2024)
    period = periods[at % len(periods)]
    found = completeness(present, days, period, rules=RULES)
    dates = [
        day for day, there in zip(days.tolist(), present, strict=True) if there and period.start <= day < period.end
    ]
    assert (found.valid_days, found.days) == (len(dates), (period.end - period.start).days)
    assert found.percent == pytest.approx(100 * len(dates) / found.days, abs=0.051)
    per_month: dict[tuple[int, int], int] = {}
    for day in dates:
        per_month[day.year, day.month] = per_month.get((day.year, day.month), 0) + 1
    months_full = [
        per_month.get((month // 12, month % 12 + 1), 0) >= (25 if month % 12 == 1 else 27)
        for month in range(period.start.year * 12 + period.start.month - 1, period.end.year * 12 + period.end.month - 1)
    ]
    if kind == "quarter":
        assert found.valid is None
    elif kind == "three-years":
        years = [sum(day.year == year for day in dates) for year in (2022, 2023, 2024)]
        assert found.valid == (all(months_full) and min(years) >= 324)
    else:
        assert found.valid == (all(months_full) and (kind == "month" or len(dates) >= 324))


def test_inside_keeps_whole_days() -> None:
    days = np.array(["2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01"], dtype="datetime64[D]")
    assert inside(days, evaluated_periods("month", 2024)[1]).tolist() == [False, True, True, False]
