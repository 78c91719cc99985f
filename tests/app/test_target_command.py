"""`lantian target` and `lantian settle` as an operator runs them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.command.target import checked_report, reportable
from app.main import main
from domain.county import load_county
from domain.error import ConfigurationError
from domain.period import midnight
from store.connection import connect
from store.registry import load_county as register_county
from store.target import TargetRow

TODAY = dt.date(2026, 11, 23)
COAL = TargetRow(
    "county",
    "coal",
    "煤炭",
    "<=",
    500.0,
    "10^4 t",
    "year",
    dt.date(2025, 12, 31),
    "",
    "reported",
    None,
    None,
    None,
    "局",
)


@pytest.fixture
def county(database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shipped county in a database that the environment names."""
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    with connect(database.url("lantian_app")) as conn:
        register_county(conn, load_county("zhongyang"))
    return database


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "220"}).invoke(main, list(arguments))


def test_report_is_kept_and_listed(county: Any) -> None:
    first = run("target", "report", "coal_total", "480", "--as-of", "2025-06-30", "--by", "李工")
    assert first.exit_code == 0, first.output
    assert run("target", "report", "coal_total", "510.04", "--as-of", "2025-12-31", "--by", "李工").exit_code == 0
    listed = run("target", "list")
    line = next(line for line in listed.output.splitlines() if "coal_total" in line)
    assert "510" in line
    assert "未达标" in line
    assert "县发改局" in line
    with connect(county.url("lantian_app")) as conn:
        assert conn.execute("select value from target_report order by id").fetchall() == [(480.0,), (510.04,)]


def test_report_for_a_measured_target_is_refused(county: Any) -> None:
    refused = run("target", "report", "pm25_annual", "20", "--as-of", "2025-12-31", "--by", "李工")
    assert refused.exit_code != 0
    assert "measured, not reported" in str(refused.exception or "") + refused.output


@pytest.mark.parametrize(
    ("value", "day", "by", "found"),
    [
        (-1.0, TODAY, "a", "-1"),
        (float("nan"), TODAY, "a", "nan"),
        (101.0, TODAY, "a", "share"),
        (1.0, TODAY + dt.timedelta(days=1), "a", "2026-11-24"),
        (1.0, TODAY, " ", "--by"),
    ],
)
def test_impossible_figure_is_refused(value: float, day: dt.date, by: str, found: str) -> None:
    share = dataclasses.replace(COAL, unit="%")
    with pytest.raises(ConfigurationError, match=found):
        checked_report(share, value, day, reported_by=by, today=TODAY)


def test_target_of_several_areas_is_named_with_its_area() -> None:
    other = dataclasses.replace(COAL, area="other")
    with pytest.raises(ConfigurationError, match="county/coal, other/coal"):
        reportable([COAL, other], "coal")
    assert reportable([COAL, other], "other/coal") is other
    with pytest.raises(ConfigurationError, match="expected one of coal"):
        reportable([COAL], "cole")


def test_settle_prints_what_it_did(county: Any) -> None:
    with connect(county.url("lantian_owner")) as owner:
        owner.execute(
            "insert into dirty_hour (family, site_id, hour) values ('air', 'ningxiang', '2026-11-01 00:00+00')"
        )
    done = run("settle")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("8 queue rows settled: 2 hours, 2 days, 6 periods;")


def test_settle_again_recomputes_after_a_change_of_the_registry(county: Any) -> None:
    hour = midnight(dt.date(2026, 11, 1))
    with connect(county.url("lantian_owner"), autocommit=True) as owner:
        for device, pm25 in (("ningxiang-air", 20), ("jinluo-air", 40)):
            owner.execute(
                "insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at)"
                " values (%s, %s, 3600, %s, '199999999999', '------------', now())",
                (device, hour, pm25),
            )
        owner.execute(
            "insert into dirty_hour (family, site_id, hour)"
            " select 'air', site, %s from unnest('{ningxiang,jinluo}'::text[]) site",
            (hour,),
        )
        area = "select pm25 from air_hour where site_id = 'zhongyang'"
        assert run("settle").exit_code == 0
        assert owner.execute(area).fetchall() == [(30.0,)]
        owner.execute("update site set evaluated = false where id = 'jinluo'")
        assert run("settle", "--again", "2026-10-31", "2026-10-31").exit_code == 0
        assert owner.execute(area).fetchall() == [(30.0,)]
        assert run("settle", "--again", "2026-11-01", "2026-11-01").exit_code == 0
        assert owner.execute(area).fetchall() == [(20.0,)]
    assert run("settle", "--again", "2026-11-02", "2026-11-01").exit_code == 2


def test_follow_changes_the_hour_and_ends_on_sigterm(county: Any) -> None:
    lantian = Path(sys.executable).with_name("lantian")
    environment = os.environ | {"LANTIAN_SETTLE_INTERVAL_S": "0.2"}
    process = subprocess.Popen([lantian, "settle", "--follow"], env=environment, stderr=subprocess.PIPE, text=True)
    hour = midnight(dt.date(2026, 11, 1))
    try:
        with connect(county.url("lantian_owner"), autocommit=True) as owner:
            owner.execute(
                "insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at)"
                " values ('ningxiang-air', %s, 3600, 33, '199999999999', '------------', now());"
                " insert into dirty_hour (family, site_id, hour) values ('air', 'ningxiang', %s)".replace(
                    "%s", f"'{hour}'"
                )
            )
            deadline = time.monotonic() + 30
            while not (found := owner.execute("select pm25 from air_hour where site_id = 'zhongyang'").fetchall()):
                assert time.monotonic() < deadline
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
        assert found == [(33.0,)]
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert '"event": "settlement"' in log
