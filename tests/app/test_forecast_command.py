"""`lantian forecast evaluate` on real stations: skill and coverage on years and stations that were not fitted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.command.forecast import command
from app.forecast_evaluation import parse_years
from domain.error import ConfigurationError


def run(*arguments: object) -> dict[str, dict[str, list[dict[str, float]]]]:
    result = CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["stations"]  # type: ignore[no-any-return]


def of(rows: list[dict[str, float]], kind: str, item: str, lead: int) -> dict[str, float]:
    return next(row for row in rows if (row["kind"], row["item"], row["lead_h"]) == (kind, item, lead))


def test_a_station_and_year_that_were_not_fitted(shared_data: Path) -> None:
    files = [shared_data / f"data/prsa/PRSA_Data_{name}_20130301-20170228.csv.gz" for name in ("Dongsi", "Shunyi")]
    years = ("--fit-years", "2014", "--test-years", "2016")
    found = run("--format", "prsa", *years, "--test-station", "Shunyi", "--json", *files)
    assert list(found) == ["Shunyi"] and found["Shunyi"]["fitted_on"] == ["Dongsi"]
    rows = found["Shunyi"]["skill"]
    day, hour = of(rows, "rolling", "pm25", 24), of(rows, "hour", "pm25", 24)
    assert day["count"] > 7500 and day["below_persistence"] > 0.2
    assert hour["below_persistence"] > 0.12
    assert all(0.70 < row["coverage"] < 0.90 for row in (day, hour))


def test_years_are_read_or_refused() -> None:
    assert parse_years("2013-2015,2017") == (2013, 2014, 2015, 2017)
    for text in ("13", "2015-2013", "2015;2016"):
        with pytest.raises(ConfigurationError, match="expected for instance"):
            parse_years(text)


def test_wrong_plans_are_refused(shared_data: Path) -> None:
    file = shared_data / "data/prsa/PRSA_Data_Dongsi_20130301-20170228.csv.gz"
    for options, message in (
        (("--fit-years", "2014-2016"), "fitted and judged"),
        (("--test-years", "2019"), "no hour of 2019"),
        (("--test-station", "Wanliu"), "no station Wanliu"),
        (("--test-station", "Dongsi"), "judged only"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            CliRunner().invoke(command, ["--format", "prsa", *options, str(file)], catch_exceptions=False)
