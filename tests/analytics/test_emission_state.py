"""Stack readings brought to dry gas at the standard state."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.emission_state import dry_standard_rows
from domain.emission import emission_rules
from domain.family import STACK

RULES = emission_rules()


def row(**values: float) -> np.ndarray:
    return np.array([[values.get(key, np.nan) for key in STACK.keys]])


def shown(rows: np.ndarray, key: str) -> float:
    return float(rows[0, STACK.position(key)])


def test_each_basis_by_hand() -> None:
    # 136.5 ℃ is 1.5 times 273 K; the duct is at standard pressure; a tenth of the gas is water.
    told = row(so2=12.0, o2=9.0, flow=30.0, velocity=3.0, flue_temperature=136.5, flue_pressure=0.0, flue_humidity=10.0,
               so2_converted=99.0)  # fmt: skip
    kinds = {"rules": RULES, "atmospheric_kpa": 101.325, "duct_area_m2": None}
    dry = dry_standard_rows(told, basis="dry-standard", flow_basis="dry-standard", **kinds)
    assert (shown(dry, "so2"), shown(dry, "o2"), shown(dry, "flow")) == (12.0, 9.0, 30.0)
    wet = dry_standard_rows(told, basis="wet-standard", flow_basis="duct", **kinds)
    np.testing.assert_allclose([shown(wet, "so2"), shown(wet, "o2"), shown(wet, "flow")], [12 / 0.9, 10.0, 18.0])
    duct = dry_standard_rows(told, basis="duct", flow_basis="duct", **kinds)
    np.testing.assert_allclose([shown(duct, "so2"), shown(duct, "o2")], [20.0, 10.0])
    assert shown(duct, "so2_converted") == 99.0
    assert shown(told, "so2") == 12.0


def test_a_missing_flow_comes_from_speed_and_area() -> None:
    told = row(velocity=3.0, flue_temperature=136.5, flue_pressure=0.0, flue_humidity=10.0)
    kinds = {"basis": "dry-standard", "flow_basis": "dry-standard", "rules": RULES, "atmospheric_kpa": 101.325}
    assert np.isnan(shown(dry_standard_rows(told, duct_area_m2=None, **kinds), "flow"))
    np.testing.assert_allclose(shown(dry_standard_rows(told, duct_area_m2=10.0, **kinds), "flow"), 18.0)
    there = row(flow=5.0, velocity=3.0, flue_temperature=136.5, flue_pressure=0.0, flue_humidity=10.0)
    assert shown(dry_standard_rows(there, duct_area_m2=10.0, **kinds), "flow") == 5.0


def test_without_the_state_of_the_gas_nothing_is_converted() -> None:
    kinds = {"rules": RULES, "atmospheric_kpa": 101.325, "duct_area_m2": None, "flow_basis": "duct"}
    duct = dry_standard_rows(row(so2=12.0, o2=9.0, flow=30.0), basis="duct", **kinds)
    assert np.isnan([shown(duct, key) for key in ("so2", "o2", "flow")]).all()


@given(st.integers(0, 400), st.integers(-90, 90), st.integers(0, 60), st.integers(0, 10_000), st.integers(80, 105))
def test_agrees_with_exact_numbers(celsius: int, pressure: int, humidity: int, so2: int, air: int) -> None:
    told = row(so2=so2, flue_temperature=celsius, flue_pressure=pressure / 10, flue_humidity=humidity)
    found = dry_standard_rows(
        told, basis="duct", flow_basis="duct", duct_area_m2=None, atmospheric_kpa=air, rules=RULES
    )
    exact = (
        so2
        * Fraction(101_325, air * 1000 + pressure * 100)
        * Fraction(273 + celsius, 273)
        / (1 - Fraction(humidity, 100))
    )
    assert abs(shown(found, "so2") - float(exact)) <= 1e-9 * max(1.0, float(exact))
