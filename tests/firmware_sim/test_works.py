"""One works: power, counters, gas and treatment belong together."""

import numpy as np
import pytest

from firmware_sim.works import CYCLE_S, OUTLETS, STOP_S, Bypass, Curtailment, Works, meter

START = 1_795_000_000
DAY = START + np.arange(0, 86400, 60, dtype=np.int64)


def works(outlet: str = "sinter", *bypasses: Bypass) -> Works:
    return Works(5, "steel", OUTLETS[outlet], bypasses)


def test_counters_are_the_integral_of_the_power_over_stops_too() -> None:
    fine = START + np.arange(0, CYCLE_S, 20, dtype=np.int64)
    one, other = works(), works("sinter", Bypass("steel", START + 3 * 86400 + 60, START + 4 * 86400))
    assert 0 < (one.running(fine) == 0).sum() * 20 - STOP_S + 20 <= 40
    assert other.running(fine).all()
    half = Curtailment("steel", "sinter", START + 2 * 86400, START + 3 * 86400 - 60, 0.5)
    none = Curtailment("steel", "sinter", START + 5 * 86400, START + 9 * 86400, 0.0)
    less = Works(5, "steel", OUTLETS["sinter"], (), (half, none))
    pairs = [(line.power(fine), line.energy(fine)) for line in (one, other, less)]
    pairs += [(line.treatment_power(fine), line.treatment_energy(fine)) for line in (one, other, less)]
    for power, energy in pairs:
        summed = np.cumsum((power[1:] + power[:-1]) / 2) * 20 / 3600
        assert np.abs(energy[1:] - energy[0] - summed).max() < 1e-4 * summed[-1]
        assert (np.diff(energy) >= 0).all()


def test_a_curtailed_works_produces_its_part_and_still_draws_its_base() -> None:
    less = Curtailment("steel", "sinter", START + 6 * 3600, START + 12 * 3600, 0.3)
    one, other = works(), Works(5, "steel", OUTLETS["sinter"], (), (less,))
    inside = (less.start_s <= DAY) & (less.end_s > DAY)
    usual, shown = one.load(DAY), other.load(DAY)
    assert np.array_equal(shown[~inside], usual[~inside])
    assert np.allclose(shown[inside], 0.3 * usual[inside])
    assert other.power(DAY)[inside].min() >= 0.06 * OUTLETS["sinter"].power
    assert other.gas("m", DAY)["flow"][inside].mean() < 0.7 * one.gas("m", DAY)["flow"][inside].mean()


def test_production_decides_power_and_gas() -> None:
    one = works("cement-kiln")
    fine = START + np.arange(0, CYCLE_S, 600, dtype=np.int64)
    gas, running = one.gas("m", fine), one.running(fine) > 0
    assert gas["flow"][running].min() > 8 * gas["flow"][~running].max()
    assert one.power(fine)[running].min() > 8 * one.power(fine)[~running].max()
    assert gas["o2"][~running].min() > 20
    assert np.corrcoef(one.power(fine)[running], gas["flow"][running])[0, 1] > 0.8


@pytest.mark.parametrize("outlet", sorted(OUTLETS))
def test_sound_treatment_keeps_the_ultra_low_limits(outlet: str) -> None:
    gas = works(outlet).gas("m", DAY)
    nox = 150 if outlet == "coke-oven" else 50
    limits = (("pm_converted", 10), ("so2_converted", 35), ("nox_converted", nox), ("nh3", 8))
    assert all(0 < gas[name].mean() < limit for name, limit in limits)


def test_gas_follows_the_equations_of_annex_d() -> None:
    one, line = works(), OUTLETS["sinter"]
    gas = one.gas("m", DAY[:880])
    assert one.running(DAY[:880]).all()
    wet = gas["velocity"] * line.area
    dry = wet * 273 / (273 + gas["flue_temperature"]) * (88.8 + gas["flue_pressure"]) / 101.325
    np.testing.assert_allclose(dry * (1 - gas["flue_humidity"] / 100), gas["flow"])
    np.testing.assert_allclose(gas["so2_converted"], gas["so2"] * (21 - 16) / (21 - gas["o2"]))


def test_treatment_switched_off_while_producing() -> None:
    off = Bypass("steel", int(DAY[300]), int(DAY[600]))
    cheat, sound = works("sinter", off), works()
    during = slice(320, 590)
    np.testing.assert_array_equal(cheat.power(DAY)[:880], sound.power(DAY)[:880])
    assert cheat.treatment_power(DAY)[during].max() < 0.1 * sound.treatment_power(DAY)[during].min()
    assert cheat.gas("m", DAY)["so2"][during].min() > 10 * sound.gas("m", DAY)["so2"][during].max()
    assert cheat.gas("m", DAY)["nh3"][during].max() < 0.2
    for name, column in cheat.gas("m", DAY).items():
        np.testing.assert_array_equal(column[:300], sound.gas("m", DAY)[name][:300])
        np.testing.assert_array_equal(column[620:880], sound.gas("m", DAY)[name][620:880])


def test_a_meter_obeys_the_law_of_power() -> None:
    one = works()
    shown = meter(one.power(DAY), one.energy(DAY), 5, "m", DAY)
    total = sum(shown[f"voltage_{phase}"] * shown[f"current_{phase}"] for phase in "abc") * shown["power_factor"]
    np.testing.assert_allclose(total / 1000, shown["power"])
