"""`lantian rank` as an analyst runs it: weights of the shipped sets, then one that the bureau enters."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.main import main
from store.connection import connect
from store.reference import load_reference

#: Concentrations at the limits of 2012: SO2 60, NO2 40, PM10 70, PM2.5 35, CO 4 (P95), O3 160 (P90).
LIMITS = {"so2": 60, "no2": 40, "pm10": 70, "pm25": 35, "co": 4, "o3": 160}
STATISTIC = {"co": "p95", "o3": "p90"}


@pytest.fixture
def ranked(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """May 2025: the south at half of every limit; the north at 0.4 of them, PM2.5 at the whole."""
    for role in ("writer", "app", "reader", "owner"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    with connect(database.url("lantian_owner")) as conn:
        load_reference(conn)
        conn.execute("insert into area (id, name_zh) values ('x', '县')")
        for site, name, share in (("n", "北站", 0.4), ("s", "南站", 0.5)):
            conn.execute(
                "insert into site (id, area_id, kind, name_zh, township) values (%s, 'x', 'ambient', %s, '东乡')",
                (site, name),
            )
            for pollutant, limit in LIMITS.items():
                value = limit if (site, pollutant) == ("n", "pm25") else share * limit
                conn.execute(
                    "insert into period_statistic (site_id, kind, start, pollutant, statistic, value, valid_days, days,"
                    " valid, limit_edition) values (%s, 'month', '2025-05-01', %s, %s, %s, 31, 31, true, '2012')",
                    (site, pollutant, STATISTIC.get(pollutant, "mean"), value),
                )


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["rank", *arguments])


def rows(*arguments: str) -> list[list[str]]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if "站" in line]


@pytest.mark.usefixtures("ranked")
def test_ranking_follows_the_weights_in_force() -> None:
    month = ("--kind", "month", "--day", "2025-05-20")
    assert [[row[0], row[1], row[5]] for row in rows(*month)] == [["1", "北站", "3.00"], ["1", "南站", "3.00"]]
    entered = run("weigh", "pm25=3", "--from", "2025-01-01", "--by", "李工", "--why", "市局文件")
    assert entered.stdout == "entered: pm25=3 pm10=1 so2=1 no2=1 co=1 o3=1\n"
    found = rows(*month)
    assert [[row[0], row[1], row[5]] for row in found] == [["1", "南站", "4.00"], ["2", "北站", "5.00"]]
    assert found[0][-4:] == ["1", "-", "4.00", "3.00"]  # rank and change with all weights 1; without dust, both
    township = [line.split() for line in run(*month, "--townships").stdout.splitlines() if "乡" in line]
    assert township == [["1", "东乡", "2", "4.50", "-", "-", "100%", "3.00", "1", "-", "4.50", "3.00"]]
    assert "weights: PM2.5×3" in run(*month).stdout and "100%" in run(*month).stdout
    listed = run("weights").stdout
    assert "李工: 市局文件" in listed and listed.count("yes") == 3
    empty = run("--day", dt.date(2024, 5, 1).isoformat()).stdout
    assert empty == "no station has all six pollutants in the month from 2024-05-01\n"


@pytest.mark.usefixtures("ranked")
@pytest.mark.parametrize(
    ("pair", "named"),
    [
        ("pm1=3", "found 'pm1=3', expected one of pm25"),
        ("pm25", "found 'pm25', expected"),
        ("pm25=-1", "a weight from 0 to 1000"),
        ("pm25=nan", "a weight from 0 to 1000"),
    ],
)
def test_wrong_weights_are_named(pair: str, named: str) -> None:
    result = run("weigh", pair, "--from", "2025-01-01", "--by", "李工", "--why", "试")
    assert result.exit_code != 0 and named in result.stderr
    nothing = [f"{key}=0" for key in LIMITS]
    result = run("weigh", *nothing, "--from", "2025-01-01", "--by", "李工", "--why", "试")
    assert result.exit_code != 0 and "expected one above 0" in result.stderr
