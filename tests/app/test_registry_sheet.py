"""Sheets as people write them: encodings, headings, line numbers, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.registration import checked_sheet
from app.registry_sheet import BOM, load_sheet, sheet_text
from app.registry_table import DEVICE, ENTERPRISE, SITE, TABLES, Known, RegistryTable
from domain.error import ConfigurationError

SITES = "点位编号,名称,类型,乡镇,经度（°）,纬度,参与评价\na1,县城站,标准站,宁乡镇,111.1,37.3,是\n"


def site(name: str = "s1", **changes: object) -> dict[str, object]:
    facts = {"id": name, "name_zh": f"{name}站", "kind": "ambient", "area_id": "x", "enterprise_id": None}
    return {**facts, "township": None, "longitude": 111.0, "latitude": 37.0, "evaluated": False, "note": None,
            "retired_at": None, **changes}  # fmt: skip


@pytest.fixture
def known() -> Known:
    steel = {"id": "steel", "name_zh": "山西中阳钢铁有限公司", "retired_at": None}
    sites = {"s1": site("s1"), "gone": site("gone", retired_at="2026-01-01")}
    return Known({"x": "测试县"}, {"enterprise": {"steel": steel}, "site": sites, "device": {}})


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "sheet.csv"
    path.write_bytes(text.encode(encoding))
    return path


def faults(folder: Path, text: str, table: RegistryTable, known: Known) -> list[str]:
    return list(checked_sheet(table, load_sheet(written(folder, text), table.columns), known).faults)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_headings_in_every_encoding(tmp_path: Path, known: Known, encoding: str) -> None:
    checked = checked_sheet(SITE, load_sheet(written(tmp_path, SITES, encoding), SITE.columns), known)
    assert checked.faults == ()
    [entry] = checked.entries
    assert (entry["kind"], entry["longitude"], entry["evaluated"], entry["area_id"]) == ("ambient", 111.1, True, "x")
    assert entry["name_zh"] == "县城站"


def test_every_bad_row_is_named_with_its_line_and_column(tmp_path: Path, known: Known) -> None:
    text = (
        "# 备注行\n编号,名称,类型,经度,纬度,企业,参与评价\n"
        "ok,一站,微站,111,37,,否\n\n"
        "b1,二站,气象站,111,37,,否\n"
        'b2,"三\n站",微站,500,37,,否\n'
        "b3,四站,排放口,111,37,无此企业,否\n"
        "b4,五站,微站,111,37,,是\n"
        "ok,六站,微站,111,37,,否\n"
        "b5,七站,微站\n"
        "B6,八站,微站,111,,,否\n"
        "gone,九站,微站,111,37,,否\n"
    )
    found = faults(tmp_path, text, SITE, known)
    expected = [
        ("line 11: found 3 cells", "expected 7"),
        ("line 5, column 类型 (kind): found '气象站'", "expected one of ambient"),
        ("line 6, column 经度 (longitude): found '500'", "from 73 to 136"),
        ("line 8, column 企业 (enterprise_id): found '无此企业'", "not registered"),
        ("line 9, column 参与评价 (evaluated): found 'true'", "expected false because kind is micro"),
        ("line 10: found id 'ok' again", "line 3"),
        ("line 12, column 纬度 (latitude): found ''", "because the other coordinate is given"),
        ("line 13, column 编号 (id): found 'gone'", "retire gone --undo"),
    ]
    assert len(found) == len(expected)
    for fault, (place, wanted) in zip(found, expected, strict=True):
        assert place in fault
        assert wanted in fault


def test_headings_that_are_none_or_twice_are_faults_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"line 1, column 2: found heading '高度'") as raised:
        load_sheet(written(tmp_path, "编号,高度,名称,点位名称\n"), SITE.columns)
    assert "column 4: found heading '点位名称' again" in str(raised.value)
    with pytest.raises(ConfigurationError, match="no column of identifiers"):
        load_sheet(written(tmp_path, "名称\n一站\n"), SITE.columns)
    (tmp_path / "raw.csv").write_bytes(b"id\na\n\xff\xff\n")
    with pytest.raises(ConfigurationError, match="line 3: found bytes that are neither"):
        load_sheet(tmp_path / "raw.csv", SITE.columns)


def test_units_by_preset_and_by_factor(tmp_path: Path, known: Known) -> None:
    text = (
        "设备编号,点位,协议,MN,单位预设,因子单位\n"
        "d1,s1站,HJ212,M1,ambient-field,a21005=ug/m3;a34004=mg/m³\n"
        "d2,s1,hj212,M2,,a34004=µg/m³\n"
        "d3,s1,hj212,M3,,\n"
        "d4,s1,hj212,M1,canonical,\n"
        "d5,s1,hj212,M5,nosuch,\n"
        "d6,s1,hj212,M6,,a34004=℃\n"
        "d7,s1,hj212,M7,,a34004\n"
        "d8,gone,json,,,\n"
        "d9,s1,json,M9,,\n"
    )
    checked = checked_sheet(DEVICE, load_sheet(written(tmp_path, text), DEVICE.columns), known)
    first, second = checked.entries
    assert (first["units"]["a34004"], first["units"]["a21005"], first["site_id"]) == ("mg/m³", "µg/m³", "s1")
    assert second["units"] == {"a34004": "µg/m³"}
    assert [fault.split(":")[0] for fault in checked.faults] == [
        "sheet.csv line 4, column 单位预设 (unit_preset)",
        "sheet.csv line 5, column MN (mn)",
        "sheet.csv line 6, column 单位预设 (unit_preset)",
        "sheet.csv line 7, column 因子单位 (units)",
        "sheet.csv line 8, column 因子单位 (units)",
        "sheet.csv line 9, column 点位 (site_id)",
        "sheet.csv line 10, column MN (mn)",
    ]


def test_columns_that_a_sheet_lacks_keep_what_is_registered(tmp_path: Path, known: Known) -> None:
    text = "点位编号,乡镇\ns1,金罗镇\n"
    checked = checked_sheet(SITE, load_sheet(written(tmp_path, text), SITE.columns), known)
    [entry] = checked.entries
    assert (entry["township"], entry["name_zh"], entry["longitude"]) == ("金罗镇", "s1站", 111.0)
    assert (checked.added, checked.changed) == ((), ("s1",))


@pytest.mark.parametrize("chinese", [True, False])
def test_what_is_written_is_read_back(tmp_path: Path, chinese: bool) -> None:
    rows = [{"id": "e1", "name_zh": '带"引号",逗号', "grade": "leading", "permit": "true", "note": "两\n行"}]
    text = sheet_text(ENTERPRISE.columns, rows, chinese=chinese)
    assert text.startswith(BOM) == chinese
    assert ("引领性" in text) == chinese
    [line] = load_sheet(written(tmp_path, text), ENTERPRISE.columns).lines
    assert {key: cell for key, cell in line.cells.items() if cell} == rows[0]


def test_no_heading_means_two_columns() -> None:
    for table in TABLES.values():
        owners: dict[str, str] = {}
        for column in table.columns:
            for heading in column.headings:
                assert owners.setdefault(heading.casefold(), column.key) == column.key, (table.name, heading)
