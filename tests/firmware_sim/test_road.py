"""A vehicle: distance, speed and position are one movement, fuel and exhaust follow from it."""

import numpy as np

from firmware_sim.road import KM_PER_DEGREE, Road

ROAD = Road(3, "truck-1", 111.18, 37.36)
HOURS = 1_795_000_000 + np.arange(6 * 3600, dtype=np.int64)


def test_speed_is_the_derivative_of_the_odometer() -> None:
    seen = ROAD.stream(HOURS)
    driven = np.diff(seen["odometer"]) * 3600
    np.testing.assert_allclose(driven, (seen["speed"][1:] + seen["speed"][:-1]) / 2, atol=0.05)
    assert seen["speed"].min() >= 0 and seen["speed"].max() < 100
    assert 30 < seen["speed"].mean() < 55


def test_position_moves_as_far_as_the_odometer_says() -> None:
    east, north = ROAD.position(HOURS)
    step = np.hypot(
        np.diff(east) * KM_PER_DEGREE * np.cos(np.radians(ROAD.latitude)), np.diff(north) * KM_PER_DEGREE
    )  # fmt: skip
    np.testing.assert_allclose(step.sum(), np.diff(ROAD.distance(HOURS[[0, -1]]))[0], rtol=1e-3)


def test_sound_exhaust_treatment_takes_nox_out() -> None:
    seen = ROAD.stream(HOURS)
    hot = seen["scr_inlet_temperature"] > 240
    assert (seen["nox_downstream"][hot] < 0.1 * seen["nox_upstream"][hot]).all()
    assert seen["reagent_level"].min() >= 10 and seen["reagent_level"].max() <= 100
    assert (np.diff(seen["reagent_level"]) <= 1e-9).mean() > 0.99
    assert np.corrcoef(seen["fuel_rate"], seen["intake_air"])[0, 1] > 0.95
    assert np.corrcoef(seen["dpf_pressure"], seen["intake_air"])[0, 1] > 0.8
