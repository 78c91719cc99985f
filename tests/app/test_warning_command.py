"""`lantian warning` and `lantian reduction` on a real database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner, Result

from alerting.response import Decision, confirm
from app.job.warning import evaluate_warnings
from app.main import main
from domain.county import load_county
from domain.family import AIR
from domain.period import HOUR_S, ZONE
from store.connection import connect
from store.forecast import ForecastSeries, NewForecast, write_forecast
from store.registry import load_county as enter_county
from store.statistic import HourRows, IndexRows, write_hours
from store.warning import NewExternalOrder, add_external_order

Run = Callable[..., Result]
WHY = ("--by", "王工", "--why", "会商")
NOW = dt.datetime(2026, 1, 5, 20, 10, tzinfo=ZONE)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def lantian(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "240")
    with connect(database.url("lantian_app")) as conn:
        enter_county(conn, load_county("zhongyang"))

    def run(*arguments: object, status: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        assert result.exit_code == status, result.output + repr(result.exception)
        return result

    return run


def test_the_example_list_goes_in_out_and_is_checked(lantian: Run, database: Any, tmp_path: Path) -> None:
    assert "持证企业0家，列入清单0家，覆盖率尚无持证企业" in lantian("reduction", "check", status=1).output
    said = lantian("reduction", "example", "--by", "王工").output
    assert said.splitlines() == ["10 added, 0 corrected, 0 as they were", "27 added, 0 corrected, 0 as they were"]
    with connect(database.url("lantian_app")) as conn:
        conn.execute("update enterprise set permit = true where id like '%cement' or id = 'zhongyu-power'")
        conn.execute("update enterprise set grade = 'D' where id = 'fuyu-coking'")
    checked = lantian("reduction", "check", status=1).output
    assert "持证企业3家，列入清单3家，覆盖率100%" in checked
    assert "山西福裕焦化有限公司：红色预警nox减排50%，低于要求的100%" in checked
    assert "steel-furnace（1号高炉）：没有登记为生产线，无法核验" in checked
    shown = lantian("reduction", "show", "--level", "red").output
    assert "steel-sinter-r 1号烧结机：停产。烧结机停产，主抽风机停运" in shown
    for name, options in (("表.xlsx", ()), ("表.csv", ()), ("english.csv", ("--english",))):
        file = tmp_path / name
        lantian("reduction", "export", "measures", "-o", file, *options)
        assert "0 added, 0 corrected, 27 as they were" in lantian("reduction", "import", "measures", file).output


def test_bad_lines_are_named_one_by_one(lantian: Run, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["措施编号", "企业", "预警等级", "措施类型", "负荷上限（%）", "措施内容"])
    sheet.append(["m1", "山西福裕焦化有限公司", "橙色", "限产", 70, "延长结焦时间"])
    sheet.append(["m2", "某某公司", "橙色", "停产", None, "停产"])
    sheet.append(["m3", "山西福裕焦化有限公司", "紫色", "停产", None, "停产"])
    sheet.append(["m4", "山西福裕焦化有限公司", "红色", "限产", None, "限产"])
    file = tmp_path / "清单.xlsx"
    book.save(file)
    said = lantian("reduction", "import", "measures", file, status=2).output
    assert "清单.xlsx line 3, column 企业 (enterprise_id): found '某某公司'" in said
    assert "清单.xlsx line 4, column 预警等级 (level): found '紫色', expected one of yellow, orange, red" in said
    assert (
        "清单.xlsx line 5, column 负荷上限（%） (limit_percent): found '', expected a number because kind is limit"
        in said
    )
    assert "3 bad lines, 1 good ones; nothing was written" in said


def test_a_warning_by_hand(lantian: Run) -> None:
    lantian("reduction", "example")
    assert "中阳县：无预警" in lantian("warning", "status").output
    tomorrow = dt.datetime.now(ZONE).date() + DAY
    period = ("--from", f"{tomorrow}T00:00", "--to", f"{tomorrow + 3 * DAY} 00:00")
    refused = lantian("warning", "confirm", *WHY, status=2).output
    assert "found no warning in zhongyang" in refused
    assert "建议" in lantian("warning", "propose", "orange", *period, *WHY).output
    assert "待确认 -> 橙色预警" in lantian("warning", "confirm", *WHY).output
    shown = lantian("warning", "status").output
    assert "中阳县：橙色预警" in shown
    assert "山西桃园东义水泥有限公司" in shown
    assert "expected one to upgrade to" in lantian("warning", "upgrade", "yellow", *WHY, status=2).output
    assert "橙色预警 -> 红色预警" in lantian("warning", "upgrade", "red", *WHY).output
    lantian("warning", "extend", "--from", tomorrow, "--to", tomorrow + 5 * DAY, *WHY)
    assert "红色预警 -> 橙色预警" in lantian("warning", "downgrade", "orange", *WHY).output
    order = next(line.split()[0] for line in lantian("warning", "status").output.splitlines() if "执行中" in line)
    lantian("warning", "inspect", order, "no_violation", "--by", "执法队", "--note", "现场停产")
    lantian("warning", "propose", "none", *WHY)
    lantian("warning", "reject", *WHY)
    assert "橙色预警 -> 已解除" in lantian("warning", "lift", *WHY).output
    told = lantian("warning", "history", "1").output.splitlines()
    assert [line.split()[2] for line in told] == [
        "提出建议（建议橙色预警）", "启动", "升级", "调整时段", "降级", "提出建议（建议无预警）", "不采纳", "解除",
    ]  # fmt: skip
    assert "已解除" in lantian("warning", "history").output


def test_orders_from_above(lantian: Run) -> None:
    order = ("--authority", "province", "--issuer", "省生态环境厅", "--document", "晋环函1号", "--from", "2026-01-06")
    assert "external order 1" in lantian("warning", "external", "add", "orange", *order).output
    said = lantian("warning", "external", "add", "red", *order, "--to", "2026-01-01", status=2).output
    assert "expected a time after --from" in said
    lantian("warning", "external", "revoke", "1", "--why", "省厅解除")
    assert "晋环函1号" in lantian("warning", "external", "list").output
    assert "found no external order 1" in lantian("warning", "external", "revoke", "1", "--why", "x", status=2).output
    assert "dust" in lantian("warning", "exclude", "dust", "--from", "2026-01-06", "--to", "2026-01-07").output


def _hours(conn: Any, pm25: float, count: int) -> None:
    """Settled hours of the area before `NOW`."""
    last = int(NOW.timestamp()) // HOUR_S * HOUR_S
    hours = last - HOUR_S * np.arange(count, 0, -1)
    values = np.full((count, AIR.width), np.nan)
    for key, value in {"pm25": pm25, "pm10": pm25 * 1.2, "so2": 20, "no2": 40, "co": 1, "o3": 40}.items():
        values[:, AIR.position(key)] = value
    rows = HourRows(["zhongyang"] * count, hours, values, np.full((count, 12), 60), ["1" * 12] * count)
    none: list[Any] = [None] * count
    index = IndexRows([(None,) * 6] * count, none, none, none, [[]] * count, ["hj633-2012"] * count)
    write_hours(conn, rows, index)


def _forecast(conn: Any, owner: str, at: dt.datetime, *daily: float) -> None:
    """An official forecast of today and the days after it, received when it was issued."""
    midnight = at.replace(hour=0, minute=0)
    values = list(daily)
    series = ForecastSeries("day", "aqi", midnight, values, values, values, ["pm25"] * len(values))
    issuer = conn.execute("select id from forecast_issuer where source = 'official' order by rank limit 1").fetchone()
    write_forecast(conn, NewForecast("zhongyang", issuer[0], at - HOUR, "hj633-2012", "test", [series]))
    conn.commit()
    with connect(owner) as past:
        past.execute("update forecast set received_at = issued_at")


def test_the_job_proposes_from_stored_values_and_a_setting_issues(
    lantian: Run, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lantian("reduction", "example")
    with connect(database.url("lantian_app")) as conn:
        if conn.execute("select from forecast_issuer where source = 'official'").fetchone() is None:
            conn.execute(
                "insert into forecast_issuer (id, name_zh, source, rank, valid_h, registered_by)"
                " values ('c', '市站', 'official', 1, 48, '甲')"
            )
        _hours(conn, 100.0, 200)
        _forecast(conn, database.url("postgres"), NOW, 150, 230, 240)
        assert evaluate_warnings(conn, NOW) == {"propose": 1}
        row = conn.execute("select proposed_level, evidence from warning_event").fetchone()
        assert row is not None
        assert row[0] == "orange"
        assert row[1]["rolling_aqi_last_hours"] == [132, 132, 132]  # 100 µg/m³: 100 + 50 * 25 / 40, rounded up
        assert [day["aqi"] for day in row[1]["forecast"]] == [150, 230, 240]
        assert evaluate_warnings(conn, NOW) == {}
        conn.commit()
        monkeypatch.setenv("LANTIAN_WARNING_AUTOMATIC", "true")
        later = NOW + HOUR
        _forecast(conn, database.url("postgres"), later, 150, 230, 310, 320)
        assert evaluate_warnings(conn, later) == {"propose": 1, "confirm": 1}
        state, ends = conn.execute("select state, ends_at from warning").fetchone() or ("", NOW)
        assert state == "red"
        assert evaluate_warnings(conn, ends - 7 * HOUR) == {}
        assert evaluate_warnings(conn, ends - 6 * HOUR) == {"reminders": 1}
        assert evaluate_warnings(conn, ends - 5 * HOUR) == {}
        told = conn.execute("select subject_zh from notice where kind = 'alert' order by id desc limit 1").fetchone()
        assert told == ("红色预警即将到期，解除条件尚未满足",)


def test_what_the_province_imposed_is_lifted_with_its_order(lantian: Run, database: Any) -> None:
    with connect(database.url("lantian_app")) as conn:
        order = NewExternalOrder("zhongyang", "province", "省厅", "晋环函1号", "orange", NOW, NOW + 2 * DAY, "乙")
        add_external_order(conn, order, now=NOW)
        assert evaluate_warnings(conn, NOW) == {"propose": 1}
        confirm(conn, "zhongyang", Decision("甲", "按省厅要求", NOW))
        assert evaluate_warnings(conn, NOW + DAY) == {}
        assert evaluate_warnings(conn, NOW + 2 * DAY) == {"propose": 1}
        row = conn.execute("select state, proposed_level from warning").fetchone()
        assert row == ("orange", "none")
