"""The standards' tables typed twice: the shipped tables against a second entry in the layout of the printed pages."""

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from domain.factor import aliases, factors
from domain.level import levels, sensitive_groups
from domain.pollutant import POLLUTANTS
from domain.protocol import codes
from domain.publication import NOT_AVAILABLE, NOT_MONITORED, printed_columns
from domain.standard import breakpoints, limits, report_items, validity
from domain.table import load_rows
from domain.unit import unit_named

SECOND = Path(__file__).parent / "standards_second_entry"
AVERAGING = {
    "年平均": "year",
    "季平均": "quarter",
    "日平均": "24h",
    "24小时平均": "24h",
    "日最大8小时平均": "8h",
    "8小时平均": "8h",
    "8小时滑动平均": "8h",
    "1小时平均": "1h",
}


def second(name: str) -> dict:
    return tomllib.loads((SECOND / name).read_text(encoding="utf-8"))


def key(printed: str) -> str:
    """``二氧化硫（SO2）`` and ``PM2.5`` as our keys."""
    symbol = printed.removesuffix("）").replace("，", "（").split("（")[-1]
    return symbol.lower().replace(".", "")


def item(printed: str) -> str:
    symbol, averaging = printed.split(" ")
    return f"{key(symbol)}_{AVERAGING[averaging]}"


def test_breakpoints_of_2026() -> None:
    table = second("hj633_2026_table3.toml")
    index = [int(text) for text in table["index"].split()]
    shipped = breakpoints("hj633-2026")
    assert {item(name) for name in table["columns"]} == set(shipped)
    above = {"b": 200, "c": 300}
    for name, printed in table["columns"].items():
        cells = printed.split()
        notes = {cell for cell in cells if cell in above}
        pairs = [(int(cell), at) for cell, at in zip(cells, index, strict=True) if cell not in above]
        column = shipped[item(name)]
        assert list(zip(column.concentrations, column.iaqi, strict=True)) == pairs, name
        assert column.above == (above[notes.pop()] if notes else 500), name


def test_breakpoints_of_2012() -> None:
    table = second("hj633_2012_table1.toml")
    shipped = breakpoints("hj633-2012")
    assert {item(name) for name in table["order"]} == set(shipped)
    for at, name in enumerate(table["order"]):
        pairs = []
        noted = False
        for line in table["lines"]:
            index, cells = line.split(":")
            cell = cells.split()[at]
            noted |= cell.startswith("(")
            if not cell.startswith("("):
                pairs.append((Fraction(cell), int(index)))
        column = shipped[item(name)]
        assert list(zip(column.concentrations, column.iaqi, strict=True)) == pairs, name
        assert column.above == (None if noted else 500), name


@pytest.mark.parametrize(("edition", "first"), [("2026-transitional", 0), ("2026-final", 2)])
@pytest.mark.parametrize("area_class", [1, 2])
def test_limits_of_2026(edition: str, first: int, area_class: int) -> None:
    page = second("gb3095_2026_tables1_2.toml")
    expected = {}
    for name, rows in page["table1"].items():
        for averaging, values in rows.items():
            expected[key(name), AVERAGING[averaging]] = values[first + area_class - 1]
    for name, rows in page["table2"].items():
        for averaging, values in rows.items():
            expected[key(name), AVERAGING[averaging]] = values[area_class - 1]
    if edition == "2026-transitional":
        expected["nox", "year"] = page["until_2030_12_31"]["a"]
        expected["nox", "24h"] = page["until_2030_12_31"]["b"]
    assert dict(limits(edition, area_class)) == expected


@pytest.mark.parametrize("area_class", [1, 2])
def test_limits_of_2012(area_class: int) -> None:
    names = {
        "二氧化硫": "so2",
        "二氧化氮": "no2",
        "一氧化碳": "co",
        "臭氧": "o3",
        "颗粒物10": "pm10",
        "颗粒物2.5": "pm25",
        "总悬浮颗粒物": "tsp",
        "氮氧化物": "nox",
        "铅": "pb",
        "苯并[a]芘": "bap",
    }
    expected = {}
    for printed, values in second("gb3095_2012_tables1_2.toml").items():
        name, averaging = printed.split(" ")
        expected[names[name], AVERAGING[averaging]] = values[area_class - 1]
    assert dict(limits("2012", area_class)) == expected


def test_validity_minima() -> None:
    names = {
        "days_a_year": "days_per_year",
        "days_a_month": "days_per_month",
        "days_in_february": "days_per_february",
        "hours_a_day": "hours_per_day",
        "hours_in_8": "hours_per_8h",
        "minutes_an_hour": "minutes_per_hour",
        "even_days_a_year": "sparse_days_per_year",
        "even_days_a_month": "sparse_days_per_month",
        "even_days_a_quarter": "sparse_days_per_quarter",
        "sampled_hours_a_day": "sampled_hours_per_day",
    }
    shipped = validity("gb3095-2026")
    columns = ("rule", "pollutants", "minimum", "unit", "meaning", "clause", "confidence")
    path = Path(__file__).parents[2] / "domain/standards/gb3095-2026/validity.csv"
    pollutants = {row.text("rule"): set(row.text("pollutants").split()) for row in load_rows(path, columns)}
    seen = set()
    for row in second("gb3095_2026_table4.toml")["row"]:
        for printed in row.keys() - {"pollutants", "averaging"}:
            rule = names[printed]
            assert getattr(shipped, rule) == row[printed], rule
            assert {key(symbol) for symbol in row["pollutants"].split()} <= pollutants[rule], rule
            seen.add(rule)
    assert seen == set(pollutants)
    assert validity("gb3095-2012") == shipped


@pytest.mark.parametrize("year", ["2012", "2026"])
def test_levels(year: str) -> None:
    page = second("levels.toml")
    shipped = levels(f"hj633-{year}")
    printed = []
    for span, words in page[year].items():
        low, high = span.split("～") if "～" in span else (301, 500)
        level_zh, category, colour = words.split()
        rgb = tuple(int(text) for text in page["colours"][colour].split())
        printed.append((int(low), int(high), level_zh, category, colour, rgb))
    assert printed == [
        (level.aqi_low, level.aqi_high, level.level_zh, level.category_zh, level.colour_zh, level.rgb)
        for level in shipped
    ]


def test_health_words_of_2026() -> None:
    page = second("levels.toml")
    assert {level.level_zh: level.advice_zh for level in levels("hj633-2026")} == page["advice_2026"]
    assert dict(sensitive_groups("hj633-2026")) == {key(name): text for name, text in page["groups_2026"].items()}
    assert dict(sensitive_groups("hj633-2012")) == {}


@pytest.mark.parametrize(
    ("edition", "report", "printed"),
    [("hj633-2012", "day", "2012_day"), ("hj633-2026", "day", "2026_day"), ("hj633-2026", "hour", "2026_hour")],
)
def test_report_items(edition: str, report: str, printed: str) -> None:
    words = second("levels.toml")["reports"][printed].split()
    expected = set()
    for word in words:
        if word.startswith("O3"):
            averaging = "o3_8h" if "8小时" in word else "o3_1h"
        else:
            averaging = f"{key(word)}_{'1h' if report == 'hour' and not word.startswith('PM') else '24h'}"
        expected.add(averaging)
    items = report_items(edition, report)
    assert {entry.item for entry in items} == expected
    assert len(items) == len(words)


def test_factors_of_hj212() -> None:
    page = second("hj212_2017.toml")
    shipped = factors()
    for code, text in page["factors"].items():
        name, unit, alias = text.split("|")
        entry = shipped[code]
        assert entry.name_zh == name
        assert entry.unit == unit_named(unit).unit, code
        if alias != "--":
            assert aliases()[alias] == code
    counts = page["counts"]
    assert sum(entry.clause == "table B.2" for entry in shipped.values()) == counts["table B.2"]
    path = Path(__file__).parents[2] / "domain/standards/hj212-2017/aliases.csv"
    rows = load_rows(path, ("alias", "code", "generation", "clause", "confidence"))
    assert sum(row.text("generation") == "2005" for row in rows) == counts["2005 codes"]
    filled = {code for code, entry in shipped.items() if entry.columns and entry.clause.startswith("table B.2")}
    assert filled <= set(page["factors"])


@pytest.mark.parametrize("table", ["system_types", "execution_results", "request_results", "marks", "commands"])
def test_code_tables_of_hj212(table: str) -> None:
    printed = second("hj212_2017.toml")["tables"][table].split()
    shipped = [code for code, entry in codes(table).items() if entry.confidence == "P"]
    assert shipped == printed


def test_printed_reports_of_2026() -> None:
    pages = second("hj633_2026_tables4_5.toml")
    for report, page in (("day", "table4"), ("hour", "table5")):
        columns = printed_columns(report)
        printed = [
            f"{POLLUTANTS[c.pollutant].name_zh}（{POLLUTANTS[c.pollutant].symbol}）{c.averaging_zh}" for c in columns
        ]
        assert printed == pages[page]
        assert {c.column for c in columns} == {each.column for each in report_items("hj633-2026", report)}
    assert (pages["missing"], pages["not_monitored"]) == (NOT_AVAILABLE, NOT_MONITORED)
