"""Power of a line from its meters: shares, spans, instants, what is unknown; reading spans chosen for checks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.job.integrity_plant import line_hours, line_minutes
from app.job.integrity_stack import densest_span
from domain.family import PLANT
from store.device_reading import DeviceReadings
from store.line import Line
from store.plant_hour import PlantHours

START = 1_795_003_200
MINUTES = START + 60 * np.arange(120, dtype=np.int64)
POWER = PLANT.position("power")


def readings(rows: list[tuple[int, int, int, float]], flag: int = 1) -> DeviceReadings:
    """Rows of (device, minute, span in seconds, power)."""
    many = len(rows)
    values = np.full((many, PLANT.width), np.nan)
    values[:, POWER] = [row[3] for row in rows]
    columns = [np.array([row[at] for row in rows], dtype=np.int64) for at in range(3)]
    flags = np.full((many, PLANT.width), flag, dtype=np.uint8)
    marks = np.full((many, PLANT.width), ord("N"), dtype=np.uint8)
    times = START + 60 * columns[1]
    return DeviceReadings(("a", "b"), columns[0], times, columns[2], values, flags, marks, times.astype(np.float64))


def test_the_sum_of_the_meters_by_their_shares() -> None:
    line = Line("l", "e", "线", "production", meters={"a": 1.0, "b": 0.5})
    rows = [(0, at, 60, 100.0) for at in range(120)] + [(1, at, 60, 40.0) for at in range(60)]
    found = line_minutes(line, readings(rows), MINUTES)
    assert set(found[:60]) == {120.0}
    assert np.isnan(found[60:]).all()
    # A device that tells no power does not count.
    rows = [*rows[:120], *((1, at, 60, np.nan) for at in range(60))]
    assert set(line_minutes(line, readings(rows), MINUTES)) == {100.0}
    assert np.isnan(line_minutes(line, readings(rows, flag=4), MINUTES)).all()
    assert np.isnan(line_minutes(Line("l", "e", "线", "production"), readings(rows), MINUTES)).all()


def test_hour_means_and_five_minute_instants_fill_their_time() -> None:
    line = Line("l", "e", "线", "production", meters={"a": 1.0})
    assert (
        line_minutes(line, readings([(0, 0, 3600, 7.0), (0, 60, 3600, 9.0)]), MINUTES).tolist()
        == [7.0] * 60 + [9.0] * 60
    )
    found = line_minutes(line, readings([(0, at, 0, float(at)) for at in range(0, 120, 5)]), MINUTES)
    assert found.tolist() == [float(at - at % 5) for at in range(120)]
    # An instant an hour stands for a quarter of it.
    found = line_minutes(line, readings([(0, 0, 0, 1.0), (0, 60, 0, 1.0)]), MINUTES)
    assert np.flatnonzero(~np.isnan(found)).tolist() == [*range(15), *range(60, 75)]


@given(st.lists(st.tuples(st.integers(-10, 130), st.sampled_from([60, 300, 600]), st.integers(0, 50)), max_size=30))
def test_minutes_agree_with_a_loop(rows: list[tuple[int, int, int]]) -> None:
    expected: list[list[int]] = [[] for _ in range(120)]
    for minute, span, power in rows:
        for at in range(minute, minute + span // 60):
            if 0 <= at < 120:
                expected[at].append(power)
    line = Line("l", "e", "线", "production", meters={"a": 1.0})
    found = line_minutes(line, readings([(0, *row[:2], float(row[2])) for row in sorted(rows)]), MINUTES)
    for told, value in zip(expected, found.tolist(), strict=True):
        assert np.isnan(value) if not told else abs(value - sum(told) / len(told)) < 1e-9


def test_hours_in_which_every_meter_is_known() -> None:
    values = np.full((5, 4), np.nan)
    values[:, 0] = [100.0, 200.0, np.nan, 10.0, 20.0]
    hours = PlantHours(["a"] * 3 + ["b"] * 2, np.array([0, 3600, 7200, 0, 7200]), values, np.full((5, 4), 60))
    one = Line("l", "e", "线", "production", meters={"a": 1.0, "b": 0.5})
    assert line_hours([one], hours) == {0: 105.0}
    assert line_hours([Line("m", "e", "线", "production", meters={"a": 1.0})], hours) == {0: 100.0, 3600: 200.0}
    assert line_hours([Line("n", "e", "线", "production", meters={"c": 1.0})], hours) == {}


def test_the_span_sent_most_often_below_an_hour() -> None:
    rows = [(0, at, 0, 1.0) for at in range(60)] + [(0, at, 600, 1.0) for at in range(0, 60, 10)] + [(0, 0, 3600, 1.0)]
    assert set(densest_span(readings(rows)).spans_s) == {0}
    assert set(densest_span(readings(rows[-1:])).spans_s) == {3600}
