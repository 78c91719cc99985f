"""Hints of the wind: rose and conditional probability by hand, the surface against loops, places upwind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.source_hint import SECTORS, bearings_and_distances, polar_surface, pollution_rose, upwind

NAN = np.nan


def test_rose_and_conditional_probability_by_hand() -> None:
    # Ten hours from the north (350° and 11° are north too), ten from the east, two calm, one without a direction.
    directions = np.array([350.0, 11.0, *[0.0] * 8, *[90.0] * 10, 200.0, 200.0, NAN])
    values = np.array([*[10.0] * 9, 100.0, *[100.0] * 6, *[10.0] * 4, 500.0, 10.0, 999.0])
    speeds = np.array([*[2.0] * 10, *[4.0] * 10, 0.4, 0.1, 5.0])
    rose = pollution_rose(values, directions, speeds, percent=50.0)
    assert rose.threshold == 10.0
    assert rose.hours[[0, 4]].tolist() == [10, 10] and rose.hours.sum() == 20
    assert rose.means[[0, 4]].tolist() == [19.0, 64.0] and rose.speeds[[0, 4]].tolist() == [2.0, 4.0]
    assert rose.probabilities[[0, 4]].tolist() == [0.1, 0.6]
    assert np.isnan(rose.means[8]) and np.isnan(rose.probabilities[8])
    assert (rose.calm_hours, rose.calm_mean) == (2, 255.0)
    empty = pollution_rose(*[np.full(3, NAN)] * 3)
    assert empty.hours.sum() == 0 and np.isnan(empty.threshold) and np.isnan(empty.calm_mean)


def test_surface_agrees_with_loops_and_says_nothing_where_no_wind_was() -> None:
    random = np.random.default_rng(1)
    directions, speeds = random.uniform(180, 270, 200), random.uniform(0, 5, 200)
    values = 50 + 10 * speeds + random.normal(0, 5, 200)
    values[:5] = NAN
    surface = polar_surface(values, directions, speeds)
    assert surface.means.shape == (SECTORS, 20)
    for sector, at in ((10, 5), (8, 2), (2, 15)):
        angle, speed = math.radians(22.5 * sector), surface.speeds[at]
        top = bottom = 0.0
        for value, direction, wind in zip(values, directions, speeds, strict=True):
            if math.isnan(value):
                continue
            east = wind * math.sin(math.radians(direction)) - speed * math.sin(angle)
            north = wind * math.cos(math.radians(direction)) - speed * math.cos(angle)
            weight = math.exp(-(east**2 + north**2) / (2 * 0.8**2))
            top, bottom = top + weight * value, bottom + weight
        assert surface.hours[sector, at] == pytest.approx(bottom)
        expected = top / bottom if bottom >= 5 else NAN
        assert surface.means[sector, at] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(surface.means[2, 15])


def test_bearings_and_distances_of_a_degree() -> None:
    bearings, distances = bearings_and_distances((111.0, 37.0), np.array([[111.0, 38.0], [112.0, 37.0], [111.0, 36.0]]))
    assert bearings == pytest.approx([0.0, 89.7, 180.0], abs=0.1)
    assert distances == pytest.approx([111.19, 88.80, 111.19], abs=0.05)


def test_the_place_the_wind_came_from_is_named_first() -> None:
    station = (111.0, 37.0)
    places = np.array([[111.0, 37.05], [111.05, 37.0], [111.0, 36.95], [111.03, 37.05], [111.0, 37.5]])
    wind = {"directions": np.array([2.0, 358.0, 180.0, 90.0, NAN]), "speeds": np.array([2.0, 2.0, 2.0, 0.2, 2.0])}
    found = upwind(station, places, np.array([100.0, 60.0, -5.0, 80.0, 50.0]), **wind)
    assert int(found.scores.argmax()) == 0
    assert found.hours.tolist() == [2, 0, 0, 2, 0], "the south and the calm east do not count, 55 km is too far"
    assert found.scores[[1, 2, 4]].tolist() == [0.0, 0.0, 0.0] and 0 < found.scores[3] < found.scores[0] <= 1
    nothing = upwind(station, places, np.full(5, NAN), **wind)
    assert nothing.scores.tolist() == [0.0] * 5
