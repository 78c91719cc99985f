"""Dust intervals in the real database: particles without their hours stand beside the measured figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_settle_database import AREA, DAY, Network

from app.job.target import evaluate_targets
from app.main import main
from domain.period import midnight
from store.connection import connect

Run = Callable[..., Result]
NEXT = DAY + dt.timedelta(days=1)
MONTH = dt.date(2016, 5, 1)
ADD = ("dust", "add", "--source", "总站函", "--by", "张三", "--why", "已确认")


@pytest.fixture
def network(database: Any) -> Iterator[Network]:
    """East: 4 hours of 400 and 20 of 40, then a day of 80; west: 60, then 80."""
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        network = Network(owner, app)
        for hour in range(24):
            moment = midnight(DAY) + dt.timedelta(hours=hour)
            network.reading("east-1", moment, 3600, {"pm10": 400.0 if 8 <= hour < 12 else 40.0, "no2": 30.0})
        network.hours("west-1", DAY, {"pm10": 60.0})
        for device in ("east-1", "west-1"):
            network.hours(device, NEXT, {"pm10": 80.0})
        yield network


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for role in ("writer", "app", "reader", "owner"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return invoke


def beside(network: Network, site: str, kind: str = "month", pollutant: str = "pm10") -> list[Any]:
    """Measured mean and days, then without dust."""
    start = MONTH if kind == "month" else dt.date(2016, 1, 1)
    row = network.app.execute(
        "select t.value, t.valid_days, w.value, w.valid_days, w.published from period_statistic t"
        " left join period_without_dust w using (site_id, kind, start, pollutant, statistic)"
        " where site_id = %s and kind = %s and start = %s and pollutant = %s and statistic = 'mean'",
        (site, kind, start, pollutant),
    ).fetchone()
    assert row is not None
    return list(row)


def interval(run: Run, first: str, last: str, *more: str) -> Result:
    return run(*ADD, "--from", f"2016-05-01T{first}", "--to", f"2016-05-01T{last}", *more)


def test_days_and_periods_without_dust_stand_beside_the_measured_ones(network: Network, run: Run) -> None:
    network.settle()
    before = network.app.execute("select * from air_day order by site_id, day").fetchall()
    assert beside(network, "east") == [90.0, 2, None, None, None]
    added = interval(run, "08:00", "12:00", "--site", "east")
    assert added.stdout == "1 entered, 0 as they were\n", added.output
    assert interval(run, "08:00", "12:00", "--site", "east").stdout == "0 entered, 1 as they were\n"
    assert network.settle().days == 2  # the touched day of east and of the area, no other
    for kind in ("month", "year"):
        assert beside(network, "east", kind) == [90.0, 2, 60.0, 2, 60.0]
        assert beside(network, AREA, kind) == [80.0, 2, 65.0, 2, 65.0]
    assert beside(network, "west")[2:] == [None, None, None]
    assert beside(network, "east", pollutant="no2")[2:] == [None, None, None]
    days = network.app.execute("select site_id, pm10, pm25, dust_hours from day_without_dust order by site_id")
    assert days.fetchall() == [(AREA, 50.0, None, 4), ("east", 40.0, None, 4)]
    after = network.app.execute("select * from air_day order by site_id, day").fetchall()
    assert [row[:-1] for row in after] == [row[:-1] for row in before]  # all but the time of settlement
    assert run("dust", "withdraw", "1", "--by", "李四", "--why", "复核不成立").stdout == "1 withdrawn\n"
    network.settle()
    assert beside(network, "east") == [90.0, 2, None, None, None]
    assert network.app.execute("select count(*) from day_without_dust").fetchone() == (0,)
    assert run("dust", "list").stdout.startswith("no dust interval")
    assert "李四: 复核不成立" in run("dust", "list", "--all").stdout
    again = run("dust", "withdraw", "1", "--by", "李四", "--why", "再次")
    assert again.exit_code == 2 and "withdrawn by 李四" in again.stderr


def test_a_target_says_where_it_would_stand_without_dust(network: Network, run: Run) -> None:
    """The area's PM10 is 80 with dust and 65 without; a target of 70 that is judged on 2 May."""
    network.owner.execute(
        "insert into target (id, area_id, clause, indicator_zh, indicator_en, comparator, value, unit, averaging,"
        " due_on, due_text, period, actual_kind, pollutant, statistic, responsible_zh, position)"
        " values ('pm10', %s, '6', '指标', 'indicator', '<=', 70,"
        " '', 'calendar year', '2016-12-31', '', 'year', 'measured', 'pm10', 'mean', '分局', 1)",
        (AREA,),
    )
    interval(run, "08:00", "12:00", "--site", "east")
    network.settle()
    evaluate_targets(network.app, now=midnight(NEXT) + dt.timedelta(hours=12))
    beside_target = "select actual, status, actual_without_dust, status_without_dust from screen.target_without_dust"
    found = network.app.execute(beside_target + " where period_start = '2016-01-01'").fetchone()
    assert found == (80.0, "at_risk", 65.0, "on_track")
    run("dust", "withdraw", "1", "--by", "李四", "--why", "复核不成立")
    network.settle()
    evaluate_targets(network.app, now=midnight(NEXT) + dt.timedelta(hours=12))
    assert network.app.execute(beside_target).fetchall() == []


def test_dust_of_every_site_known_beforehand_and_too_few_hours_left(network: Network, run: Run) -> None:
    assert interval(run, "07:30", "12:00").exit_code == 0  # touches the hour of 07: five hours
    assert interval(run, "11:00", "13:00", "--site", "east").exit_code == 0  # one hour more, at east only
    network.settle()
    assert beside(network, "east") == [90.0, 2, 80.0, 1, 80.0]
    assert beside(network, AREA) == [80.0, 2, 80.0, 1, 80.0]
    days = network.app.execute("select site_id, pm10, dust_hours from day_without_dust order by site_id").fetchall()
    assert days == [(AREA, None, 6), ("east", None, 6), ("west", None, 5)]


def test_an_end_at_midnight_leaves_the_next_day_alone(network: Network, run: Run) -> None:
    network.settle()
    first = run(*ADD, "--site", "east", "--from", "2016-05-01T22:00", "--to", "2016-05-02T00:00")
    assert first.exit_code == 0
    assert network.settle().days == 2  # east and the area
    second = run(*ADD, "--site", "east", "--from", "2016-05-01T22:00", "--to", "2016-05-02T00:01")
    assert second.exit_code == 0
    assert network.settle().days == 4
    hours = network.app.execute("select day, dust_hours from day_without_dust where site_id = 'east' order by day")
    assert hours.fetchall() == [(DAY, 2), (NEXT, 1)]


def test_a_late_reading_changes_both(network: Network, run: Run) -> None:
    interval(run, "08:00", "12:00", "--site", "east")
    network.settle()
    network.device("east-2", "east", rank=0)
    network.reading("east-2", midnight(DAY), 3600, {"pm10": 140.0})
    network.settle()
    assert beside(network, "east")[2] == pytest.approx((40.0 + 100 / 20 + 80.0) / 2)


def test_sheets_with_chinese_headings_and_faults_by_line(network: Network, run: Run, tmp_path: Path) -> None:
    good = tmp_path / "沙尘.csv"
    lines = (
        "站点,开始时间,结束时间,确认单位,备注",
        "全部,2016/5/1 8:00,2016/5/1 12:00,总站函,",
        "east,2016-05-02 01:00,2016-05-02 02:00,总站函,浮尘",
    )
    good.write_bytes("\r\n".join(lines).encode("gb18030"))
    done = run("dust", "import", str(good), "--by", "张三")
    assert done.stdout == "2 entered, 0 as they were\n", done.output
    listed = run("dust", "list").stdout
    assert "2016-05-01 08:00" in listed and "张三: 导入 沙尘.csv" in listed
    bad = tmp_path / "bad.csv"
    bad.write_text(
        "site,start,end,source\n*,2016-05-03T08:00,2016-05-03T08:00,x\neast,昨天,2016-05-03T09:00,x\n*,2016-05-03T08:00,2016-05-03T09:00,\n"
    )
    refused = run("dust", "import", str(bad), "--by", "张三")
    assert refused.exit_code == 2
    for place in ("line 2, column end", "line 3, column start: found '昨天'", "line 4, column source", "3 bad lines"):
        assert place in refused.stderr
    unknown = interval(run, "08:00", "09:00", "--site", "nowhere")
    assert unknown.exit_code == 2 and "expected * or a site of area county" in unknown.stderr
    assert network.app.execute("select count(*) from dust_interval").fetchone() == (2,)
    nobody = run(
        *(" " if part == "张三" else part for part in ADD), "--from", "2016-05-01T08:00", "--to", "2016-05-01T09:00"
    )
    assert nobody.exit_code == 2 and "expected both" in nobody.stderr
