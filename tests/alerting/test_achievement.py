"""What orders achieved, worked by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from alerting.achievement import hours_of, saved, shown_share
from store.order import OrderMeasure, Verification
from store.reduction import ListedLine

HOUR = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
STOP = OrderMeasure("m1", 1, "l1", "1号线", "sinter", "stop", None, None, None, "停产", id=1, order_id=1)
HALF = replace(STOP, id=2, kind="limit", limit_percent=50.0)
LINES = {"l1": ListedLine("l1", "e", "1号线", "sinter", {"nox": 24.0, "pm": 0.0})}


def row(at: int, verdict: str, reason: str, power: float | None, base: float | None = 100.0) -> Verification:
    hour = HOUR + at * dt.timedelta(hours=1)
    return Verification(1, hour, verdict, reason, power, base, 25.0, 30.0, None, None, None, None)


ROWS = [
    row(0, "fulfilled", "below_allowed", 20.0),
    row(1, "suspected", "above_allowed", 110.0),
    row(2, "undetermined", "silent", None),
    row(3, "undetermined", "dead_meter", 0.0),
    row(4, "undetermined", "no_baseline", 20.0, None),
]


def test_emission_saved_is_what_electricity_shows() -> None:
    assert [shown_share(each) for each in ROWS] == [0.8, 0.0, None, None, None]
    (nox,) = saved([STOP], {1: ROWS}, LINES)
    # 24 t/d are 1 t/h: five hours planned, 0.8 shown in the first, three hours of which nothing can be said.
    assert (nox.pollutant, nox.planned, nox.unknown) == ("nox", pytest.approx(5.0), pytest.approx(3.0))
    assert nox.shown == pytest.approx(0.8)


def test_of_several_measures_at_a_line_one_counts() -> None:
    (nox,) = saved([HALF, STOP], {1: ROWS, 2: ROWS}, LINES)
    assert nox.planned == pytest.approx(5.0)
    assert saved([replace(STOP, line_id=None)], {1: ROWS}, LINES) == []
    assert saved([replace(STOP, kind="transport")], {1: ROWS}, LINES) == []


def test_hours_by_verdict() -> None:
    hours = hours_of(ROWS)
    assert (hours.fulfilled, hours.suspected, hours.undetermined, hours.total) == (1, 1, 3, 5)
    assert hours.percent == 50
    assert hours_of(ROWS[2:]).percent is None
