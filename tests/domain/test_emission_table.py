"""Emission limits: what is shipped, typed again, and what the loaders refuse."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from domain.document import standard_folder
from domain.emission import emission_limits, emission_rules, load_emission_limits, load_outlets, outlets
from domain.error import ConfigurationError

#: outlet -> reference oxygen, PM, SO2, NOx: typed a second time.
AGAIN = {
    "sinter_head": (16, 10, 35, 50),
    "pellet": (18, 10, 35, 50),
    "steel_other": (None, 10, 50, 200),
    "coke_oven": (8, 10, 30, 150),
    "cement_kiln": (10, 10, 35, 50),
    "coal_power": (6, 10, 35, 50),
    "gas_turbine": (15, None, None, 50),
}


def test_limits_typed_again() -> None:
    day = dt.date(2026, 11, 1)
    found = {}
    for key, outlet in outlets().items():
        limits = emission_limits(key, day)
        values = (limits[name].limit if name in limits else None for name in ("pm", "so2", "nox"))
        found[key] = (outlet.reference_oxygen, *values)
    assert found == AGAIN
    assert {key: emission_limits(key, day)["nh3"].limit for key in ("coke_oven", "cement_kiln")} == {
        "coke_oven": 8.0,
        "cement_kiln": 8.0,
    }


def test_limits_are_dated() -> None:
    assert not emission_limits("coke_oven", dt.date(2024, 1, 14))
    assert emission_limits("coke_oven", dt.date(2024, 1, 15))["so2"].confidence == "v1"
    with pytest.raises(ConfigurationError, match="outlet 'chimney' is unknown; expected one of sinter_head"):
        emission_limits("chimney", dt.date(2026, 1, 1))


def test_rules() -> None:
    rules = emission_rules()
    assert (rules.minutes_per_hour, rules.hours_per_day, rules.compliant_percent) == (45, 20, 95)
    assert (rules.oxygen_of_air, rules.oxygen_ceiling) == (21, 20)


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("outlets.csv", "pellet,", "sinter_head,", "an outlet that no earlier row has"),
        ("outlets.csv", ",steel,16,", ",steel,21,", "a number from 0 to 20"),
        ("limits.csv", "pellet,pm,", "pellets,pm,", "column outlet: found 'pellets'"),
        ("limits.csv", "pellet,pm,", "pellet,dust,", "column pollutant: found 'dust'"),
        ("limits.csv", "pellet,so2,", "pellet,pm,", "a date after an earlier row with a last day"),
        ("limits.csv", "2019-04-22,,", "2019-04-22,2019-01-01,", "a date from 2019-04-22 on"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, file: str, old: str, new: str, part: str) -> None:
    folder = tmp_path / "set"
    shutil.copytree(standard_folder("emission-ultra-low"), folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=part):
        load_outlets(folder)
        load_emission_limits(folder)
