"""HJ 212 factors, units and the state of the air."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.document import standards
from domain.error import ConfigurationError
from domain.factor import factor, factors, preset_names, unit_factor, unit_preset
from domain.family import AIR, FAMILIES, PLANT, STACK
from domain.flag import MARKS_ZH
from domain.protocol import CODE_TABLES, codes
from domain.unit import reference_state, reference_states, unit_named


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a34004", "a34004"),
        ("A34004", "a34004"),
        ("PM25", "a34004"),
        ("pm2.5", "a34004"),
        ("PM10", "a34002"),
        ("01", "a34013"),
        ("02", "a21026"),
        ("S01", "a19001"),
        ("b02", "a00000"),
        ("i33400", "I33400"),
        ("g10102", "g101xx"),
        ("O3", "a05024"),
    ],
)
def test_a_factor_answers_to_every_name_it_goes_by(name: str, code: str) -> None:
    found = factor(name)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("name", ["", "a99999", "g99901", "l01009", "1"])
def test_an_unknown_factor_is_none(name: str) -> None:
    assert factor(name) is None


def test_one_code_fills_different_columns_in_different_families() -> None:
    so2 = factors()["a21026"]
    assert dict(so2.columns) == {"air": "so2", "stack": "so2"}
    assert dict(so2.converted) == {"stack": "so2_converted"}
    assert dict(factors()["a34013"].columns) == {"stack": "pm"}


def test_which_columns_factors_can_fill() -> None:
    filled = {name: {entry.columns.get(name) for entry in factors().values()} - {None} for name in FAMILIES}
    assert filled["air"] == set(AIR.keys)
    converted = {column for entry in factors().values() for column in entry.converted.values()}
    assert filled["stack"] | converted == set(STACK.keys)
    assert set(PLANT.keys) - filled["plant"] == {"power", "running"}


def test_no_two_factors_fill_one_column() -> None:
    for name in FAMILIES:
        columns = [entry.columns[name] for entry in factors().values() if name in entry.columns]
        assert len(columns) == len(set(columns))


def test_the_standards_default_units_hold_their_trap() -> None:
    standard, field = unit_preset("hj212-2017"), unit_preset("ambient-field")
    assert (standard["a34004"], field["a34004"]) == ("ng/m³", "µg/m³")
    assert (standard["a21005"], field["a21005"]) == ("mg/m³", "mg/m³")
    assert "a05024" not in standard
    assert unit_preset("stack-field")["a21001"] == "mg/m³"
    assert unit_preset("stack-field")["a21026"] == "mg/m³"


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("preset", preset_names())
def test_every_unit_of_a_preset_converts_to_its_column(preset: str, family: str) -> None:
    units = {column.key: column.unit for column in FAMILIES[family].columns}
    for code, unit in unit_preset(preset, family).items():
        column = factors()[code].columns.get(family)
        if column is not None:
            assert unit_factor(unit, units[column], column) > 0


def test_ambient_field_covers_every_air_column() -> None:
    codes_of_air = {code for code, entry in factors().items() if "air" in entry.columns}
    assert codes_of_air <= set(unit_preset("ambient-field"))
    assert codes_of_air == set(unit_preset("canonical", "air"))


def test_unknown_presets_and_families_are_named() -> None:
    with pytest.raises(
        ConfigurationError, match="unit preset 'mine' is unknown; expected one of canonical, hj212-2017"
    ):
        unit_preset("mine")
    with pytest.raises(ConfigurationError, match="family 'water' is unknown"):
        unit_preset("canonical", "water")


@pytest.mark.parametrize(
    ("start", "end", "pollutant", "expected"),
    [
        ("ng/m³", "µg/m³", None, 0.001),
        ("ng/m3", "ug/m3", None, 0.001),
        ("mg/m3", "μg/m³", None, 1000.0),
        ("kPa", "hPa", None, 10.0),
        ("Pa", "hPa", None, 0.01),
        ("m³/h", "m³/s", None, 1 / 3600),
        ("km/h", "m/s", None, 1000 / 3600),
        ("MWh", "kWh", None, 1000.0),
        ("1", "%", None, 100.0),
        ("°C", "℃", None, 1.0),
        (" ug/m3 ", "µg/m³", "pm25", 1.0),
    ],
)
def test_factors_within_a_dimension(start: str, end: str, pollutant: str | None, expected: float) -> None:
    assert unit_factor(start, end, pollutant) == expected


@pytest.mark.parametrize(
    ("start", "end", "pollutant", "expected"),
    [
        ("ppb", "µg/m³", "so2", 2.6184),
        ("ppb", "µg/m³", "no2", 1.8806),
        ("ppb", "µg/m³", "o3", 1.9620),
        ("ppm", "mg/m³", "co", 1.1449),
        ("ppb", "ng/m³", "o3", 1962.0),
        ("µmol/mol", "mg/m³", "nox_converted", 1.8806),
    ],
)
def test_gases_from_volume_to_mass_at_the_reference_state(
    start: str, end: str, pollutant: str, expected: float
) -> None:
    # Molar mass over 24.4654 L/mol: 8.314462618 x 298.15 / 101.325.
    assert unit_factor(start, end, pollutant) == pytest.approx(expected, rel=1e-4)


def test_flue_gas_uses_the_rounded_molar_volume_of_annex_d() -> None:
    assert unit_factor("ppm", "mg/m³", "so2", state="stack") == pytest.approx(64.06 / 22.4, rel=1e-12)


@given(st.sampled_from(["so2", "no2", "nox", "no", "co", "o3", "nh3"]), st.sampled_from(["ppb", "ppm"]))
def test_conversion_there_and_back(pollutant: str, volume: str) -> None:
    there = unit_factor(volume, "mg/m³", pollutant)
    assert there * unit_factor("mg/m³", volume, pollutant) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize(
    ("start", "end", "pollutant", "message"),
    [
        ("ppb", "µg/m³", "pm25", "no conversion from 'ppb' to 'µg/m³' for pollutant 'pm25'; expected one of so2"),
        ("ppb", "µg/m³", None, "for pollutant None"),
        ("kPa", "µg/m³", "so2", r"no conversion from 'kPa' \(pressure\) to 'µg/m³' \(mass concentration\)"),
        ("℃", "K", None, "expected two units of one dimension"),
        ("furlong", "m", None, "unit 'furlong' is unknown"),
    ],
)
def test_impossible_conversions_name_both_units(start: str, end: str, pollutant: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        unit_factor(start, end, pollutant)


def test_every_column_unit_is_known() -> None:
    for family in FAMILIES.values():
        for column in family.columns:
            assert unit_named(column.unit).unit == column.unit


@pytest.mark.parametrize(
    ("pollutant", "day", "temperature"),
    [
        ("so2", "2018-08-31", 273.15),
        ("so2", "2018-09-01", 298.15),
        ("so2", "2026-03-01", 298.15),
        ("pm25", "2018-08-31", 273.15),
        ("pm25", "2018-09-01", None),
        ("pm25", "2026-03-01", None),
        ("o3", "2013-03-01", 273.15),
    ],
)
def test_reference_state_over_time(pollutant: str, day: str, temperature: float | None) -> None:
    assert reference_state(pollutant, dt.date.fromisoformat(day)).temperature_k == temperature


def test_a_pollutant_without_reference_state() -> None:
    with pytest.raises(ConfigurationError, match="pollutant 'noise' has no reference state"):
        reference_state("noise", dt.date(2026, 1, 1))
    assert {state.standard for state in reference_states()} == {"gb3095-2012", "gb3095-2026"}


def test_marks_of_the_table_are_the_marks_of_the_flags() -> None:
    assert {code: entry.name_zh for code, entry in codes("marks").items()} == dict(MARKS_ZH)


def test_code_tables() -> None:
    assert {"2011", "2051", "2061", "2031", "9014"} <= set(codes("commands"))
    assert codes("system_types")["44"].valid_from == dt.date(2026, 1, 1)
    for table in CODE_TABLES:
        assert all(
            entry.valid_from >= standards()["hj212-2017"].editions[0].valid_from for entry in codes(table).values()
        )
    with pytest.raises(ConfigurationError, match="code table 'colours' is unknown"):
        codes("colours")
