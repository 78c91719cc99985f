"""`lantian register` on a real database: import, export, history, retirement, views."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from click.testing import CliRunner, Result

from app.main import main
from app.workbook import load_records, write_workbook
from domain.county import load_county
from domain.error import ConfigurationError
from domain.register_table import COAL_BOILER, REGISTERS
from store.connection import connect
from store.register import Author, Change, read_history, read_register, write_changes
from store.registry import load_county as enter_county

Run = Callable[..., Result]
BY = ("--by", "王工", "--why", "现场复核")
#: As a workbook holds it: without zone.
MAY = dt.datetime(2011, 5, 1)  # noqa: DTZ001
#: One good row of every register, in Chinese as people write it.
ROWS: dict[str, dict[str, str]] = {
    "straw_fire": {
        "发现时间": "2025/10/12 14:30", "经度": "111.1823", "纬度": "37.3412", "来源": "卫星遥感", "乡镇": "金罗镇",
        "核查结果": "属实", "核查人": "李某", "核查时间": "2025-10-12 15:10",
    },
    "fume_purifier": {"编号": "YY001", "餐饮单位": "中阳饭店", "安装日期": "2024年3月1日"},
    "fume_cleaning": {"净化设施编号": "中阳饭店", "清洗日期": "2025-10-08", "清洗单位": "洁净公司"},
    "emission": {"年份": "2024", "排放源": "移动源", "污染物": "NOx", "排放量（t）": "812.5"},
    "nonroad": {
        "编号": "1-AB0001", "机械名称": "挖掘机", "排放阶段": "国二", "所有人": "某公司", "额定功率（kW）": "110",
    },
    "coal_boiler": {
        "编号": "GL-1", "使用单位": "某洗煤厂", "设施类型": "锅炉", "额定蒸发量（t/h）": "10", "投用日期": "2010-11-01",
    },
    "building_site": {
        "编号": "GD-1", "工地名称": "某小区", "建筑面积（m²）": "5000", "视频已接入": "是", "视频链接": "通道7",
    },
    "clean_coal": {
        "编号": "P1", "供应单位": "某煤业", "抽样日期": "2024-11-02", "热值（kcal/kg）": "5600", "硫分（%）": "0.6",
        "灰分（%）": "12", "检验单位": "县检测中心", "备注": "=1+1",
    },
    "reduction_line": {
        "生产线编号": "jl-1", "企业": "山西福裕焦化有限公司", "生产线": "1号焦炉", "工序": "炼焦",
        "氮氧化物日排放量（t/d）": "0.8",
    },
    "reduction_measure": {
        "措施编号": "CS-1", "适用范围": "行业", "行业": "焦化", "预警等级": "Ⅱ级", "措施类型": "限产",
        "负荷上限（%）": "70", "措施内容": "延长结焦时间至36小时",
    },
}  # fmt: skip


@pytest.fixture
def lantian(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `lantian` against a database with the demonstration county."""
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


def written(folder: Path, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
    path = folder / "表.csv"
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def entries(database: Any, name: str) -> dict[str, dict[str, Any]]:
    with connect(database.url("lantian_app")) as conn:
        return read_register(conn, REGISTERS[name])


def facts(database: Any, name: str) -> list[dict[str, Any]]:
    keys = ("id", "area_id", *(field.key for field in REGISTERS[name].fields))
    return [{key: entry[key] for key in keys} for entry in entries(database, name).values()]


def test_every_register_goes_round_in_csv_and_excel(lantian: Run, database: Any, tmp_path: Path) -> None:
    for name, row in ROWS.items():
        file = written(tmp_path, row, encoding="gb18030")
        assert lantian("register", "import", name, file).output.strip() == "1 added, 0 corrected, 0 as they were"
        before = facts(database, name)
        for options in ((), ("--english",)):
            for out in (tmp_path / "out.csv", tmp_path / "out.xlsx"):
                lantian("register", "export", name, "--output", out, *options)
                said = lantian("register", "import", name, out).output
                assert said.strip() == "0 added, 0 corrected, 1 as they were", (name, out, options)
        lantian("register", "import", name, file)
        assert facts(database, name) == before
        assert [entry["version"] for entry in entries(database, name).values()] == [1]
    with connect(database.url("lantian_reader")) as conn:
        for name in REGISTERS:
            assert conn.execute(f"select count(*) from register_{name}").fetchone() == (1,)
    [fire] = facts(database, "straw_fire")
    assert fire["seen_at"] == dt.datetime(2025, 10, 12, 6, 30, tzinfo=dt.UTC)
    assert (fire["source"], fire["result"]) == ("satellite", "confirmed")
    assert fire["id"] == "20251012T143000-111.18230-37.34120-satellite"
    assert facts(database, "fume_cleaning")[0]["purifier_id"] == "YY001"
    assert facts(database, "clean_coal")[0]["note"] == "=1+1"


def test_the_tables_have_the_columns_described(database: Any) -> None:
    types = {
        "text": "text", "choice": "text", "reference": "text", "number": "double precision", "integer": "integer",
        "date": "date", "time": "timestamp with time zone", "truth": "boolean",
    }  # fmt: skip
    query = "select column_name, data_type, is_nullable from information_schema.columns where table_name = %s"
    with connect(database.url("lantian_owner")) as conn:
        for register in REGISTERS.values():
            found = {
                row[0]: row[1:] for row in conn.execute(query + " and table_schema = 'lantian'", (register.table,))
            }
            described = {
                each.key: (types[each.type], "NO" if each.required else "YES") for each in register.fields
            }  # fmt: skip
            kept = {"id", "area_id", "version", "action", "changed_by", "changed_at", "why"}
            assert {key: value for key, value in found.items() if key not in kept} == described
            assert kept < set(found)


def test_every_bad_line_is_named_and_nothing_is_written(lantian: Run, database: Any, tmp_path: Path) -> None:
    good = ROWS["straw_fire"]
    bad = [
        {**good, "经度": "37.3"},
        {**good, "来源": "群众"},
        {**good, "发现时间": "2025-10-12"},
        {**good, "发现时间": "2999-01-01 00:00"},
        {**good, "经度": "111.2", "核查人": ""},
        {**good, "经度": "111.3", "核查时间": "2025-10-12 14:00"},
        good,
    ]
    file = written(tmp_path, good, *bad)
    said = lantian("register", "import", "straw_fire", file, status=2).output.splitlines()
    expected = ("经度 (longitude)", "来源 (source)", "发现时间 (seen_at)", "发现时间 (seen_at)", "核查人 (checked_by)")
    for at, (line, column) in enumerate(zip(said, expected, strict=False)):
        assert line.startswith(f"表.csv line {at + 3}, column {column}: found "), line
    assert "a text because result is confirmed" in said[4]
    assert "line 8, column 核查时间 (checked_at): found '2025-10-12 14:00', expected nothing before seen_at" in said[5]
    assert "line 9: found id" in said[6]
    assert said[-1] == "lantian: 7 bad lines, 1 good ones; nothing was written (--partial writes the good ones)"
    assert entries(database, "straw_fire") == {}
    lantian("register", "import", "straw_fire", file, "--partial", status=2)
    assert len(entries(database, "straw_fire")) == 1


def test_errors_of_a_workbook_name_its_rows(lantian: Run, database: Any, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["中阳县燃煤锅炉台账"])
    sheet.append(["编号", "使用单位", "设施类型", "蒸吨", "投用日期", None])
    sheet.append([17, "甲厂", "锅炉", 35.0, MAY])
    sheet.append([])
    sheet.append(["GL-2", "乙厂", "锅炉", None, MAY])
    sheet.append(["GL-3", "丙厂", "茶水炉", None, MAY.replace(hour=9)])
    path = tmp_path / "锅炉.xlsx"
    book.save(path)
    said = lantian("register", "import", "coal-boiler", path, status=2).output
    assert "锅炉.xlsx line 5, column 蒸吨 (capacity_t_h): found '', expected a number because kind is boiler" in said
    assert "锅炉.xlsx line 6, column 投用日期 (installed_on): found '2011-05-01 09:00:00', expected a date" in said
    lantian("register", "import", "coal_boiler", path, "--partial", status=2)
    [entry] = facts(database, "coal_boiler")
    assert (entry["id"], entry["capacity_t_h"], entry["installed_on"]) == ("17", 35.0, dt.date(2011, 5, 1))
    path.write_bytes(b"no workbook")
    assert "expected an Excel workbook" in lantian("register", "import", "coal_boiler", path, status=2).output


def test_a_workbook_that_misstates_its_size_is_read_whole(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", "表", ("a", "b"), [("1", 2.5), (None, True)])
    with zipfile.ZipFile(tmp_path / "a.xlsx") as whole, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as changed:
        for name in whole.namelist():
            changed.writestr(name, whole.read(name).replace(b'ref="A1:B3"', b'ref="A1"'))
    expected = [(1, ["a", "b"]), (2, ["1", "2.5"]), (3, ["", "true"])]
    assert load_records(tmp_path / "a.xlsx") == load_records(tmp_path / "b.xlsx") == expected


def test_every_change_is_kept_with_who_when_and_why(lantian: Run, database: Any) -> None:
    start = dt.datetime.now(dt.UTC)
    lantian(
        "register", "add", "coal_boiler", "编号=GL-1", "name_zh=某厂", "设施类型=锅炉", "额定蒸发量=20", "--by", "甲"
    )
    again = lantian("register", "add", "coal_boiler", "id=GL-1", "name_zh=x", "kind=stove", status=2)
    assert "already" in again.output
    lantian("register", "correct", "coal_boiler", "GL-1", "capacity_t_h=40", *BY)
    assert (
        "nothing in which"
        in lantian("register", "correct", "coal_boiler", "GL-1", "capacity_t_h=40", *BY, status=2).output
    )
    unreasoned = ("--by", "a", "--why", " ")
    said = lantian("register", "correct", "coal_boiler", "GL-1", "fuel=燃气", *unreasoned, status=2).output
    assert "--why is empty" in said
    assert (
        "found field '颜色'" in lantian("register", "correct", "coal_boiler", "GL-1", "颜色=红", *BY, status=2).output
    )
    lantian("register", "retire", "coal_boiler", "GL-1", *BY)
    assert "GL-1" not in lantian("register", "list", "coal_boiler").output
    assert "GL-1" in lantian("register", "list", "coal_boiler", "--all").output
    refused = lantian("register", "correct", "coal_boiler", "GL-1", "fuel=燃气", *BY, status=2).output
    assert "a retired entry 'GL-1'" in refused
    lantian("register", "retire", "coal_boiler", "GL-1", "--undo", "--by", "乙", "--why", "误注销")
    with connect(database.url("lantian_app")) as conn:
        history = read_history(conn, COAL_BOILER, "GL-1")
        known = read_register(conn, COAL_BOILER, known_at=history[0]["changed_at"])
        assert read_register(conn, COAL_BOILER, known_at=start) == {}
    assert [(each["version"], each["action"], each["changed_by"], each["capacity_t_h"]) for each in history] == [
        (1, "add", "甲", 20.0), (2, "correct", "王工", 40.0), (3, "retire", "王工", 40.0), (4, "restore", "乙", 40.0),
    ]  # fmt: skip
    assert known["GL-1"]["capacity_t_h"] == 20.0
    shown = lantian("register", "show", "coal_boiler", "GL-1").output
    assert "额定蒸发量（t/h）: 20 → 40" in shown
    assert "恢复  乙  误注销" in shown
    assert "燃煤锅炉与炉窑" in lantian("register", "list").output
    assert "额定蒸发量" in lantian("register", "show", "coal_boiler").output
    assert "is unknown, expected one of" in lantian("register", "list", "boilers", status=2).output


def test_nobody_overwrites_a_version(lantian: Run, database: Any) -> None:
    lantian("register", "add", "coal_boiler", "id=GL-1", "name_zh=某厂", "kind=stove")
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        entry = read_register(conn, COAL_BOILER)["GL-1"]
        change = Change("correct", entry, entry["version"])
        write_changes(conn, COAL_BOILER, [change], Author("a", "b"))
        with pytest.raises(ConfigurationError, match="changed meanwhile"):
            write_changes(conn, COAL_BOILER, [change], Author("a", "b"))
        for register in REGISTERS.values():
            for statement in ("update {} set why = ''", "delete from {}", "truncate {}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement.format(register.table))
    with connect(database.url("lantian_reader"), autocommit=True) as conn:
        for register in REGISTERS.values():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"select from lantian.{register.table}")


def test_the_same_thing_is_entered_once(lantian: Run, database: Any, tmp_path: Path) -> None:
    lantian("register", "add", "emission", "year=2024", "source=移动源", "pollutant=NOx", "amount_t=100")
    said = lantian("register", "add", "emission", "id=x", "year=2024", "source=mobile", "pollutant=nox", "amount_t=1",
                   status=2).output  # fmt: skip
    assert "2024-mobile-nox, for that entry has the same year, source, pollutant" in said
    file = written(tmp_path, {"年份": "2024", "排放源": "移动源", "污染物": "NOx", "排放量": "90"})
    assert "0 added, 1 corrected" in lantian("register", "import", "emission", file).output
    assert entries(database, "emission")["2024-mobile-nox"]["version"] == 2
    lantian("register", "retire", "emission", "2024-mobile-nox", *BY)
    said = lantian("register", "import", "emission", file, status=2).output
    assert "lantian register retire emission 2024-mobile-nox --undo" in said


def test_the_inventory_shows_its_change_against_the_year_before(lantian: Run, database: Any) -> None:
    for year, amount in ((2022, 0), (2023, 200), (2024, 150)):
        lantian("register", "add", "emission", f"year={year}", "source=dust", "pollutant=pm10", f"amount_t={amount}")
    with connect(database.url("lantian_reader")) as conn:
        rows = conn.execute(
            "select year, pollutant_zh, amount_before_t, change_t, change_percent from register_emission order by year"
        ).fetchall()
    assert rows == [
        (2022, "可吸入颗粒物", None, None, None),
        (2023, "可吸入颗粒物", 0.0, 200.0, None),
        (2024, "可吸入颗粒物", 200.0, -50.0, -25.0),
    ]


def test_screens_show_the_words_of_every_choice(database: Any) -> None:
    """The view's Chinese word of each value is the word that sheets use first."""
    with connect(database.url("lantian_owner")) as conn:
        for register in REGISTERS.values():
            row = conn.execute("select pg_get_viewdef(%s)", (f"screen.register_{register.name}",)).fetchone()
            assert row is not None
            for field in register.fields:
                for word in field.allowed:
                    chinese = next(text for text, meaning in field.words.items() if meaning == word)
                    assert f"WHEN '{word}'::text THEN '{chinese}'::text" in row[0], (register.name, word)


def test_moments_are_local(lantian: Run, database: Any) -> None:
    place = ("longitude=111", "latitude=37", "source=drone")
    lantian("register", "add", "straw_fire", "seen_at=2025-10-12T06:30:05Z", *place)
    name, seen, *_ = lantian("register", "export", "straw_fire", "--english").output.splitlines()[1].split(",")
    assert (name, seen) == ("20251012T143005-111.00000-37.00000-drone", "2025-10-12 14:30:05")
