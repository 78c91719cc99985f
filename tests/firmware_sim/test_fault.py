"""Faults: what they do while they last, and that they do nothing before and after."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim import frame_hj212
from firmware_sim.fault import BREAKS, OPTIONS, Fault, Values, altered, broken
from firmware_sim.noise import Times
from firmware_sim.road import Road
from firmware_sim.works import OUTLETS, Bypass, Works

TIMES = 1_795_000_000 + np.arange(0, 7200, 60, dtype=np.int64)
FROM, UNTIL = int(TIMES[30]), int(TIMES[90])
DURING = slice(30, 90)


def sound(times: Times) -> Values:
    """Three columns that never stand still."""
    return {name: np.sin(times / scale) + 10.0 for name, scale in (("so2", 500.0), ("no2", 300.0), ("o3", 900.0))}


def shown(kind: str, **options: object) -> Values:
    usual = {name: value for name, value in OPTIONS[kind].items() if value is not None}
    fault = Fault(kind, frozenset({"d"}), FROM, UNTIL, {**usual, **options})  # type: ignore[dict-item]
    return altered(sound(TIMES), TIMES, (fault,), sound, (1, "d"))


def assert_sound_outside(values: Values) -> None:
    for name, column in sound(TIMES).items():
        np.testing.assert_array_equal(values[name][:30], column[:30])
        np.testing.assert_array_equal(values[name][90:], column[90:])


def test_stuck_shows_the_value_at_its_beginning() -> None:
    values = shown("stuck", columns=("so2",))
    assert_sound_outside(values)
    assert set(values["so2"][DURING]) == {sound(TIMES)["so2"][30]}
    np.testing.assert_array_equal(values["o3"], sound(TIMES)["o3"])
    assert all(len(set(column[DURING])) == 1 for column in shown("stuck").values())


def test_drift_grows_by_the_hour() -> None:
    values = shown("drift", columns=("o3",), per_hour=20.0)
    assert_sound_outside(values)
    np.testing.assert_allclose((values["o3"] - sound(TIMES)["o3"])[DURING], np.arange(60) / 60 * 20)


def test_spikes_come_with_their_share_and_the_same_ones_again() -> None:
    values = shown("spike", columns=("o3",), factor=9.0, share=0.3)
    assert_sound_outside(values)
    high = values["o3"][DURING] > 5 * sound(TIMES)["o3"][DURING]
    assert 8 <= high.sum() <= 28
    np.testing.assert_array_equal(shown("spike", columns=("o3",), factor=9.0, share=0.3)["o3"], values["o3"])


def test_sensor_swap_exchanges_two_columns_or_replaces_one() -> None:
    values = shown("sensor_swap", columns=("so2", "no2"))
    assert_sound_outside(values)
    np.testing.assert_array_equal(values["so2"][DURING], sound(TIMES)["no2"][DURING])
    np.testing.assert_array_equal(values["no2"][DURING], sound(TIMES)["so2"][DURING])
    replaced = shown("sensor_swap", columns=("so2",), gain=1.5, offset=2.0)
    np.testing.assert_allclose(replaced["so2"][DURING], sound(TIMES)["so2"][DURING] * 1.5 + 2)


def test_tampered_obd() -> None:
    road = Road(1, "truck", 111.0, 37.0)
    fault = Fault("tampered_obd", frozenset({"truck"}), FROM, UNTIL, dict.fromkeys(("nox", "reagent", "dpf"), True))
    values = altered(road.stream(TIMES), TIMES, (fault,), road.stream, (1, "truck"))
    ratio = values["nox_downstream"] / values["nox_upstream"]
    assert (ratio[DURING] > 0.9).all() and (ratio[:30] < 0.6).all()
    assert len(set(values["reagent_level"][DURING])) == 1
    assert values["dpf_pressure"][DURING].max() < 0.3 < values["dpf_pressure"][90:].min()
    assert set(values) == set(road.stream(TIMES))


def test_clipped_values_end_at_one_value() -> None:
    values = shown("clipped", columns=("so2",), at=10.2)
    assert_sound_outside(values)
    np.testing.assert_array_equal(values["so2"][DURING], np.minimum(sound(TIMES)["so2"][DURING], 10.2))
    assert (values["so2"][DURING] == 10.2).sum() > 5


def test_copied_values_are_those_of_before() -> None:
    values = shown("copied", columns=("so2", "o3"), back=3600.0)
    assert_sound_outside(values)
    np.testing.assert_array_equal(values["so2"][DURING], sound(TIMES - 3600)["so2"][DURING])
    np.testing.assert_array_equal(values["no2"], sound(TIMES)["no2"])


def test_diluted_gas_has_less_of_everything_but_oxygen_and_the_same_converted() -> None:
    works = Works(1, "steel", OUTLETS["sinter"], (Bypass("steel", 1, 2),))

    def gas(times: Times) -> Values:
        return works.gas("cems", times)

    fault = Fault("dilution", frozenset({"cems"}), FROM, UNTIL, {"part": 0.4})
    values, before = altered(gas(TIMES), TIMES, (fault,), gas, (1, "cems")), gas(TIMES)
    for name in ("pm", "so2", "nox", "co", "nh3"):
        np.testing.assert_allclose(values[name][DURING], 0.6 * before[name][DURING])
    np.testing.assert_allclose(20.9 - values["o2"][DURING], 0.6 * (20.9 - before["o2"][DURING]))
    np.testing.assert_allclose(values["so2_converted"], values["so2"] * 5 / (21 - values["o2"]))
    np.testing.assert_array_equal(values["flow"], before["flow"])


def test_a_sprayed_station_loses_particles_and_no_gas() -> None:
    def air(times: Times) -> Values:
        return {"pm10": np.full(times.shape, 80.0), "pm25": np.full(times.shape, 50.0),
                "no2": np.full(times.shape, 30.0), "humidity": np.full(times.shape, 90.0)}  # fmt: skip

    fault = Fault("sprayed", frozenset({"micro"}), FROM, UNTIL, {"part": 0.5})
    values = altered(air(TIMES), TIMES, (fault,), air, (1, "micro"))
    assert [float(values[name][40]) for name in ("pm10", "pm25", "no2", "humidity")] == [40.0, 35.0, 30.0, 100.0]
    assert [float(values[name][10]) for name in ("pm10", "pm25", "no2", "humidity")] == [80.0, 50.0, 30.0, 90.0]


def test_lamp_on() -> None:
    road = Road(1, "truck", 111.0, 37.0)
    fault = Fault("mil_on", frozenset({"truck"}), FROM, UNTIL, {})
    values = altered(road.stream(TIMES), TIMES, (fault,), road.stream, (1, "truck"))
    assert values["mil"][DURING].all() and not values["mil"][:30].any()


@pytest.mark.parametrize("how", BREAKS)
@given(st.floats(0, 1, exclude_max=True))
def test_broken_frames_are_never_good(how: str, chance: float) -> None:
    frame = frame_hj212.frame(b"QN=20260301100500125;ST=22;CN=2011;PW=1;MN=2;Flag=5;CP=&&DataTime=20260301100500&&")
    bad = broken(frame, how, chance)
    text = bad.removesuffix(b"\r\n")
    whole = text.startswith(b"##") and text[2:6] == b"%04d" % len(text[6:-4])
    assert not (whole and text[-4:] == b"%04X" % frame_hj212.crc(text[6:-4]))
    with pytest.raises(ValueError):
        json.loads(
            broken(b'{"v":1,"seq":4,"ack":true,"ts":"2026-11-23T08:00:00+08:00","values":{"pm25":35.1}}', how, chance)
        )
