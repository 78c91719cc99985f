"""`lantian review` as an operator runs it, and the statistics that follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_settle_database import AREA, DAY, NOON, Network

from app.main import main
from store.connection import connect

Run = Callable[..., Result]
SPAN = ("--from", "2016-05-01 12:00", "--to", "2016-05-01 13:00")
PROPOSE = ("review", "propose", "east-1", "--column", "pm25", *SPAN, "--verdict", "invalid", "--who", "张三")


@pytest.fixture
def network(database: Any) -> Iterator[Network]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        network = Network(owner, app)
        network.hours("east-1", DAY, {"pm25": 30.0, "o3": 90.0}, count=24)
        network.reading("east-1", NOON, 60, {"pm25": 1.0})
        network.owner.execute("update air_reading set pm25 = 270 where time = %s and span_s = 3600", (NOON,))
        network.settle()
        yield network


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments))

    return invoke


def figures(network: Network) -> list[float | None]:
    """PM2.5 of the noon hour, the day and the year of the site and of the area."""
    year = dt.date(2016, 1, 1)
    return [
        value
        for site in ("east", AREA)
        for (value, *_) in (
            network.hour(site, NOON, "pm25"),
            network.day(site, DAY, "pm25"),
            network.period(site, "year", year, "pm25"),
        )
    ]


def test_hours_days_and_years_of_site_and_area_follow(network: Network, run: Run) -> None:
    assert figures(network) == [270.0, 40.0, 40.0] * 2
    assert run("review", "list").stdout == "Nothing to show.\n"
    proposed = run(*PROPOSE, "--why", "采样头被喷水")
    assert proposed.stdout == (
        "review 1 proposed: 2 values; another person confirms it with: lantian review confirm 1\n"
    )
    assert network.settle().claimed == 0 and "采样头被喷水" in run("review", "list").stdout
    refused = run("review", "confirm", "1", "--who", "张三", "--why", "是")
    assert refused.exit_code == 2 and "expected another person" in refused.stderr
    confirmed = run("review", "confirm", "1", "--who", "李四", "--why", "现场核实")
    assert confirmed.stdout == "review 1 confirmed: 1 hours queued for settlement\n"
    network.settle()
    assert figures(network) == [None, 30.0, 30.0] * 2
    assert network.hour("east", NOON, "o3, flag") == (90.0, "999991999999")
    assert network.owner.execute("select sum(pm25) from air_reading").fetchone() == (23 * 30 + 270 + 1.0,)
    shown = run("review", "show", "1").stdout
    assert "pm25 from 2016-05-01 12:00 to 2016-05-01 13:00: invalid, 2 values" in shown
    assert shown.splitlines()[3].endswith("by 张三: 采样头被喷水") and shown.splitlines()[4].endswith(
        "by 李四: 现场核实"
    )
    assert run("review", "withdraw", "1", "--who", "王五", "--why", "录像").exit_code == 0
    network.settle()
    assert figures(network) == [270.0, 40.0, 40.0] * 2


def test_a_mark_of_the_device_can_be_overruled(network: Network, run: Run) -> None:
    network.owner.execute("update air_reading set flag = '4' || substr(flag, 2)")
    network.mark("east-1", NOON)
    network.settle()
    assert network.hour("east", NOON, "pm25") == (None,)
    assert run(*(part if part != "invalid" else "valid" for part in PROPOSE), "--why", "标记有误").exit_code == 0
    assert run("review", "confirm", "1", "--who", "李四", "--why", "核实").exit_code == 0
    network.settle()
    assert network.hour("east", NOON, "pm25, flag") == (270.0, "199991999999")


def test_errors_name_what_was_expected(run: Run, network: Network) -> None:
    wrong = run(*(part if part != "pm25" else "nox" for part in PROPOSE), "--why", "x")
    assert wrong.exit_code == 2 and "columns nox: expected some of pm25" in wrong.stderr
    assert "no such review" in run("review", "show", "9").stderr
    assert run("review", "list", "--status", "all").stdout == "Nothing to show.\n"
