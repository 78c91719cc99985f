"""`lantian emission` and `lantian outlet`: a CSV file judged, outlets imported, months shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from source_network import STACK_SITE, Works, minutes
from test_settle_source import DAY, GAS, NOON

from app.main import main
from domain.period import midnight
from store.connection import connect
from store.outlet import OutletRow, read_outlets

Run = Callable[..., Result]


@pytest.fixture
def works(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Works]:
    monkeypatch.setenv("COLUMNS", "200")
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Works(owner, app)


def lantian(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def judged(path: Path, *words: str) -> tuple[list[dict[str, str]], str]:
    result = CliRunner().invoke(main, ["emission", "judge", str(path), *words])
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout))), result.stderr


HOURS = """时间,二氧化硫,NOx,O2,流量,标记,班次
2026-11-25 08:00,12,40,13.5,100,N,甲
2026-11-25 09:00,60,40,13.5,100,N,甲
2026-11-25 10:00,60,40,13.5,100,M,甲
2026-11-25 11:00,,,,,F,乙
2026-11-25 12:00,12,40,20.6,100,,乙
2026-11-25 13:00,52.5,—,13.5,,N,乙
"""


def test_a_file_is_judged_as_the_hours_of_the_database_are(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text(HOURS, encoding="gb18030")
    rows, told = judged(path, "--outlet", "sinter_head")
    columns = ("班次", "so2_converted", "so2_limit", "so2_verdict", "so2_kg", "nox_verdict", "state")
    assert [tuple(row[column] for column in columns) for row in rows] == [
        ("甲", "8", "35", "达标", "4.32", "达标", "running"),
        ("甲", "40", "35", "超标", "21.6", "达标", "running"),
        ("甲", "", "35", "不判定", "", "不判定", "invalid"),
        ("乙", "", "35", "不判定", "", "不判定", "stopped"),
        ("乙", "", "35", "不判定", "4.32", "不判定", "standstill"),
        ("乙", "35", "35", "达标", "", "不判定", "running"),
    ]
    assert "2026-11 二氧化硫: 运行 5 h, 判定 3 h, 超标 1 h, 达标率 66.7 %, 未达到" in told
    # Particles were not measured and are left out. Hour 13 lacks NOx: not known to be within, so not judged.
    assert "2026-11 全部: 运行 5 h, 判定 2 h, 超标 1 h, 达标率 50.0 %, 未达到" in told
    _, told = judged(path, "--outlet", "sinter_head", "--permitted", "so2=0.026", "--permitted", "nox=1")
    assert "二氧化硫: 累计 0.03024 t, 许可 0.026 t, 占 116.3 %, 自 2026-11-25 12:00 起超过, 缺 2 h" in told
    assert "氮氧化物: 累计 0.0432 t, 许可 1 t, 占 4.3 %, 缺 2 h" in told
    said = lantian("emission", "judge", path, "--outlet", "sinter_head", "--permitted", "dust=1", code=2)
    assert "--permitted dust=1: expected one of pm, so2" in said
    rows, _ = judged(path, "--outlet", "sinter_head", "--reference-oxygen", "13.5")
    assert rows[0]["so2_converted"] == "12"


def test_ammonia_slip_is_judged_where_it_has_a_limit(tmp_path: Path) -> None:
    """Cement kiln, 8 mg/m³ at 10 % oxygen. At 15.5 % twice as much air: 4 is 8, just within; 4.1 is 8.2, above."""
    path = tmp_path / "hours.csv"
    hours = ((8, "4", "15.5"), (9, "4.1", "15.5"), (10, "8.1", "10"), (11, "4.1", "21"))
    lines = [f"2026-11-25 {hour:02}:00,{nh3},{o2}" for hour, nh3, o2 in hours]
    path.write_text("\n".join(("time,氨,O2", *lines)), encoding="utf-8")
    rows, told = judged(path, "--outlet", "cement_kiln")
    assert [(row["nh3_converted"], row["nh3_limit"], row["nh3_verdict"]) for row in rows] == [
        ("8", "8", "达标"), ("8.2", "8", "超标"), ("8.1", "8", "超标"), ("", "8", "不判定")
    ]  # fmt: skip
    assert "2026-11 氨: 运行 4 h, 判定 3 h, 超标 2 h, 达标率 33.3 %, 未达到" in told
    rows, told = judged(path, "--outlet", "sinter_head")  # no limit there: shown, not judged
    assert {row["nh3_verdict"] for row in rows} == {"不判定"} and "2026-11 氨: 运行 4 h, 判定 0 h" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected a time and some of pm, so2"),
        ("time,so2\nyesterday,2\n", "line 2: found time 'yesterday'"),
        ("time,so2\n2026-11-25 08:10,2\n", "expected the start of an hour"),
        ("time,so2,二氧化硫\n2026-11-25 08:00,2,2\n", "found columns so2, 二氧化硫, expected one of them"),
        ("time,so2\n2026-11-25 08:00,2\n2026-11-25 08:00,3\n", "found an hour twice"),
        ("time,so2\n2026-11-25 08:00,x\n", "column so2: found 'x'"),
    ],
)
def test_what_a_file_does_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hours.csv"
    path.write_text(text)
    assert message in lantian("emission", "judge", path, "--outlet", "coke_oven", code=2)


OUTLETS = """点位,起始日期,终止日期,排放口类型,基准含氧量(%),二氧化硫许可排放量（t）,浓度基准
chimney点位,2020-01-01,2026-06-30,焦炉烟囱,,,标干
chimney,2026-07-01,,烧结机机头,15.5,120,
"""


def test_outlets_are_imported_in_chinese_and_exported_the_same(works: Works, tmp_path: Path) -> None:
    path = tmp_path / "outlets.csv"
    path.write_text(OUTLETS, encoding="utf-8-sig")
    assert "2 outlets written" in lantian("outlet", "import", path)
    rows = read_outlets(works.app)
    assert [row.kind for row in rows] == ["coke_oven", "sinter_head"]
    assert isinstance(rows[1], OutletRow)
    assert (rows[1].reference_oxygen, rows[1].permitted_so2_t, rows[1].basis) == (15.5, 120.0, "dry-standard")
    assert "烧结机机头" in lantian("outlet", "list")
    assert "焦炉烟囱" not in lantian("outlet", "list")
    assert "coke_oven" in lantian("outlet", "kinds")
    again = tmp_path / "again.csv"
    lantian("outlet", "export", "-o", again)
    lantian("outlet", "import", again)
    assert read_outlets(works.app) == rows


def test_bad_outlets_are_named_and_nothing_is_written(works: Works, tmp_path: Path) -> None:
    path = tmp_path / "outlets.csv"
    path.write_text(OUTLETS + "mill,2026-07-01,,烧结机机头,,,\nchimney,2027-01-01,2026-01-01,烟囱,,,\n")
    said = lantian("outlet", "import", path, code=2)
    assert "outlets.csv line 4, column 点位 (site): found 'mill', expected the id or name of one site of kind" in said
    assert "line 5, column 终止日期 (valid_to)" in said
    path.write_text(OUTLETS.replace("2026-06-30", ""))
    assert "both the one from 2020-01-01 and the one from 2026-07-01 hold" in lantian("outlet", "import", path, code=2)
    assert read_outlets(works.app) == []


def test_months_and_hours_are_shown_and_settled_again(works: Works) -> None:
    assert "no stack has hours of 2026-11" in lantian("emission", "show", "--month", "2026-11")
    works.store("cems", minutes(midnight(DAY), 120), GAS)
    assert "2 hours" in lantian("emission", "settle")
    works.outlet(permitted_so2_t=30)
    assert "0 hours" in lantian("emission", "settle")
    assert "2 hours" in lantian("emission", "settle", "--again", "2026-11-23", "2026-11-23")
    shown = lantian("emission", "show", "--month", "2026-11")
    assert "二氧化硫" in shown
    assert "100.0" in shown
    told = lantian("emission", "hours", "--site", STACK_SITE, "--from", "2026-11-23", "--to", "2026-11-23").splitlines()
    assert told[0].startswith("hour,pollutant,measured")
    assert "2026-11-23 00:00,so2,12,8,35,达标,4.32,13.5,运行" in told
    works.store("meter", minutes(NOON, 60), {"power": 5.0})
    works.settle()
    works.owner.execute("update plant_hour set power = 0")
    assert lantian("settle", "--again", "2026-11-23", "2026-11-23")
    assert works.one("select power from plant_hour") == (5.0,)
