"""Reports: the dashboards' figures, the same cells in every format, honest gaps, each due report once."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from app.job.report import write_reports_due
from app.main import main
from app.report.browser import find_browser, print_pdf
from app.report.chart import draw, step_above
from app.report.content import Chart, Column, Line, Report, cell_text, table
from app.report.day import year_before
from app.report.due import due_periods
from app.report.making import make_report
from app.report.writing import report_page, table_csv, write_report
from app.service.chromium import make_private
from app.service.progress import Lines
from dashboards.query import SQL
from domain.error import ConfigurationError, PrerequisiteError
from domain.period import ZONE, local_date, midnight
from store.connection import Connection, connect
from store.public import read_public_sites, read_public_values
from store.report_made import read_made
from tests.dashboards.conftest import module_database
from tests.dashboards.seeding import COUNTY, seed

__all__ = ["module_database"]
NOW = dt.datetime.now(dt.UTC)
TODAY = local_date(NOW)
YESTERDAY = TODAY - dt.timedelta(days=1)
STEEL = "zhongyang-steel"
KINDS = [("day", YESTERDAY, ""), ("month", TODAY.replace(month=1), ""), ("year", TODAY, ""), ("plan", TODAY, "")]
KINDS.append(("validity", TODAY, STEEL))


@pytest.fixture(scope="module")
def seeded(module_database: Any) -> str:
    made = module_database()
    seed(made.url("lantian_owner"), made.url("lantian_app"), NOW)
    with connect(made.url("lantian_owner")) as owner:
        # one day of one station that is worked by hand: 44.5 is published as 44, half to even
        owner.execute(
            "update air_day set pm25 = 44.5, co = 0.85, aqi = 62, primary_pollutants = array['pm25']"
            " where site_id = 'ningxiang' and day = %s",
            (YESTERDAY,),
        )
        owner.execute(
            "insert into warning_exclusion (area_id, starts_at, ends_at, cause, entered_by, note, entered_at)"
            " values (%s, %s, %s, 'dust', '值班员', '浮尘', now())",
            (COUNTY, midnight(YESTERDAY), midnight(TODAY)),
        )
        owner.execute(
            "insert into stack_day (site_id, day, pollutant, measured, converted, valid_hours, operating_hours,"
            " judged_hours, over_hours, kg, mass_hours) values"
            " ('seed-sinter-stack', %(day)s, 'pm', 6, 7, 23, 22, 21, 1, 120, 23),"
            " ('seed-sinter-stack', %(day)s, 'so2', 20, 35, 19, 22, 18, 0, 400.25, 19),"
            " ('seed-sinter-stack', %(day)s, 'any', null, null, 0, 22, 21, 1, 0, 0)",
            {"day": TODAY},
        )
    return str(made.url("lantian_app"))


@pytest.fixture
def conn(seeded: str) -> Iterator[Connection]:
    with connect(seeded, autocommit=True) as opened:
        yield opened


def report_of(conn: Connection, kind: str, day: dt.date, subject: str = "") -> Report:
    return make_report(conn, kind, COUNTY, day, now=NOW, subject=subject)


def rows_of(report: Report, key: str) -> list[dict[str, str]]:
    shown = next(each for each in report.tables() if each.key == key)
    return [dict(zip([c.key for c in shown.columns], texts, strict=True)) for texts in shown.texts()]


def test_day_has_the_golden_row(conn: Connection) -> None:
    report = report_of(conn, "day", YESTERDAY)
    row = next(each for each in rows_of(report, "sites") if each["site_zh"] == "县城宁乡站")
    assert {key: row[key] for key in ("aqi", "pm25", "pm10", "co", "o3_8h", "primary_zh")} == {
        "aqi": "62", "pm25": "44", "pm10": "60", "co": "0.8", "o3_8h": "101", "primary_zh": "细颗粒物(PM2.5)",
    }  # fmt: skip
    # 24 + 24 + 23 + 24 + 24 + 20 = 139 of 144 hours
    assert row["completeness_percent"] == "96.5"
    assert [each["cause_zh"] for each in rows_of(report, "exclusions")] == ["沙尘"]
    assert [each["highest_level_zh"] for each in rows_of(report, "warnings")] == ["橙色预警"]


def test_station_without_a_day_is_listed_without_figures(conn: Connection) -> None:
    rows = rows_of(report_of(conn, "day", YESTERDAY), "sites")
    row = next(each for each in rows if each["site_zh"] == "金罗站")
    assert (row["aqi"], row["pm25"], row["completeness_percent"]) == ("", "", "")


def test_comparison_subtracts_the_other_days(conn: Connection) -> None:
    rows = rows_of(report_of(conn, "day", YESTERDAY), "comparison")
    assert [row["name"] for row in rows] == ["当日", "前一日", "上年同日"]
    assert [row["change"] for row in rows] == ["", "0", "0"]
    assert rows[2]["day"] == str(year_before(YESTERDAY))


@pytest.mark.parametrize(("day", "before"), [("2028-02-29", "2027-02-28"), ("2026-11-25", "2025-11-25")])
def test_same_day_of_last_year(day: str, before: str) -> None:
    assert str(year_before(dt.date.fromisoformat(day))) == before


def test_year_has_limits_categories_and_budget(conn: Connection) -> None:
    report = report_of(conn, "year", TODAY)
    pm25 = next(row for row in rows_of(report, "statistics") if "PM2.5" in row["title_zh"] and row["unit"])
    assert (pm25["published"], pm25["limit_value"], pm25["complies_zh"]) == ("31", "30", "超标")
    assert (pm25["published_before"], pm25["change_percent"]) == ("31", "0.0")
    whole = rows_of(report, "categories")[0]
    assert [whole[f"days_level_{at}"] for at in range(1, 7)] == ["100", "160", "30", "6", "3", "1"]
    assert (whole["good_days"], whole["good_day_ratio"], whole["good_day_ratio_before"]) == ("260", "86.7", "86.7")
    assert [row["pm25"] for row in rows_of(report, "months")] == ["31"] * 3
    (budget,) = rows_of(report, "budget")
    assert (budget["mean_published"], budget["remaining_days"], budget["allowed_mean"]) == ("31", "45", "20.7")
    assert "未结束" in report.period_zh


def test_validity_counts_transmission_and_permitted_totals(conn: Connection) -> None:
    report = report_of(conn, "validity", TODAY, STEEL)
    row = next(each for each in rows_of(report, "totals") if each["pollutant_zh"] == "二氧化硫")
    assert (row["month_t"], row["permitted_t"], row["permitted_percent"]) == ("4.200", "100", "4.2")
    assert all(each["converted"] == "12.00" and each["limit_value"] == "10" for each in rows_of(report, "over"))
    keys = ("pollutant_zh", "valid_hours", "judged_hours", "over_hours", "kg")
    assert [tuple(each[key] for key in keys) for each in rows_of(report, "days")] == [
        ("全部污染物", "", "21", "1", ""),
        ("颗粒物", "23", "21", "1", "120.0"),
        ("二氧化硫", "19", "18", "0", "400.2"),
    ]
    (chart,) = [part for part in report.parts if isinstance(part, Chart)]
    assert [value for value in chart.lines[0].values if value is not None] == [19]  # the fewest of its pollutants
    with pytest.raises(ConfigurationError, match="zhongyang-steel"):
        report_of(conn, "validity", TODAY, "nobody")


def panel(conn: Connection, name: str) -> tuple[dict[str, object], list[tuple[object, ...]]]:
    text = (SQL / f"{name}.sql").read_text(encoding="utf-8")
    text = text.replace("${area:sqlstring}", f"'{COUNTY}'").replace("${year:sqlstring}", f"'{TODAY.year}'")
    text = text.replace("${enterprise:sqlstring}", f"'{STEEL}'").replace("$__timeTo()", "now()")
    cursor = conn.execute(text.encode())
    rows = cursor.fetchall()
    names = [each.name for each in cursor.description or ()]
    return dict(zip(names, rows[0], strict=True)), rows


def test_budget_is_that_of_the_dashboard(conn: Connection) -> None:
    first, _ = panel(conn, "targets/pm25_now")
    (budget,) = rows_of(report_of(conn, "year", TODAY), "budget")
    shown = [budget[key] for key in ("mean_published", "target_value", "allowed_mean", "valid_days", "remaining_days")]
    assert [float(text) for text in shown] == [float(str(value)) for value in first.values()]


def test_counts_of_targets_are_those_of_the_dashboard(conn: Connection) -> None:
    first, _ = panel(conn, "targets/status_counts")
    rows = rows_of(report_of(conn, "plan", TODAY), "targets")
    assert {name: sum(row["status_zh"] == name for row in rows) for name in first} == first
    assert all(row["responsible_zh"] for row in rows)


def test_months_of_stacks_are_those_of_the_dashboard(conn: Connection) -> None:
    _, shown = panel(conn, "enterprise/months")
    rows = rows_of(report_of(conn, "validity", TODAY, STEEL), "outlets")
    dashboard = {(row[0], row[2]): (f"{row[3]:g}", row[4], str(row[5]), str(row[6])) for row in shown}
    keys = ("percent", "met_zh", "judged_hours", "over_hours")
    assert {(r["site_zh"], r["pollutant_zh"]): tuple(r[k] for k in keys) for r in rows} == dashboard


def test_days_are_those_of_the_public_interface(conn: Connection) -> None:
    published = {v.site_id: v for v in read_public_values(conn, COUNTY, "day", YESTERDAY, TODAY)}
    names = {site.site_zh: site.site_id for site in read_public_sites(conn, COUNTY)}
    rows = rows_of(report_of(conn, "day", YESTERDAY), "sites")
    assert [row["site_zh"] for row in rows] == list(names)
    for row in rows:
        value = published.get(names[row["site_zh"]])
        for column in ("pm25", "pm10", "so2", "no2", "co", "o3_8h"):
            assert row[column] == cell_text(value and value.concentrations[column], 1 if column == "co" else 0)
        assert row["aqi"] == cell_text(value and value.aqi, 0)


def test_day_under_way_says_so(conn: Connection) -> None:
    assert "未结束" in report_of(conn, "day", TODAY).period_zh
    assert "未结束" not in report_of(conn, "day", YESTERDAY).period_zh


class Cells(HTMLParser):
    """Texts of the tables of a page by key: heading row first."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs)["data-table"] or "", [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._rows[-1][-1] += data


@pytest.mark.parametrize(("kind", "day", "subject"), KINDS)
def test_every_format_has_the_same_cells(
    conn: Connection, tmp_path: Path, kind: str, day: dt.date, subject: str
) -> None:
    report = report_of(conn, kind, day, subject)
    write_report(report, tmp_path, ["html", "xlsx", "csv"])
    page = Cells()
    page.feed((tmp_path / f"{report.stem}.html").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(tmp_path / f"{report.stem}.xlsx")
    assert len(book.worksheets) == len(report.tables())
    assert page.tables
    for shown, sheet in zip(report.tables(), book.worksheets, strict=True):
        text = (tmp_path / f"{report.stem}-{shown.key}.csv").read_text(encoding="utf-8-sig")
        printed = list(csv.reader(text.splitlines()))
        if shown.rows:
            assert [[cell.replace("—", "") for cell in row] for row in page.tables[shown.key]] == printed
        else:
            assert shown.key not in page.tables
        for line, row in enumerate(printed[1:], 2):
            for at, text in enumerate(row, 1):
                value = sheet.cell(line, at).value
                if isinstance(value, dt.datetime):
                    dated = isinstance(shown.rows[line - 2][at - 1], dt.datetime)
                    value = value.replace(tzinfo=ZONE) if dated else value.date()
                assert cell_text(value, shown.columns[at - 1].decimals) == text


def test_empty_day_says_so(conn: Connection) -> None:
    report = report_of(conn, "day", dt.date(2020, 1, 1))
    assert report.empty
    page = report_page(report)
    assert "本期没有监测数据" in page
    assert "当日没有小时数据" in page
    assert "不作评价" in page


def test_texts_are_escaped_and_are_no_formulas() -> None:
    shown = table("t", "甲", [Column("a", "甲"), Column("b", "乙", 1)], [{"a": "=1+<b>", "b": -2.25}])
    assert table_csv(shown).splitlines()[1] == "'=1+<b>,-2.2"
    report = Report("s", "题", "县", "期", "", NOW, [], [shown], [], empty=False)
    assert "=1+&lt;b&gt;" in report_page(report)


@pytest.mark.parametrize(("highest", "step"), [(4, 1), (110, 50), (100, 25), (0.7, 0.2), (0, 1)])
def test_steps_are_round_and_reach_the_highest(highest: float, step: float) -> None:
    assert step_above(highest) == pytest.approx(step)


def test_drawing_leaves_gaps_and_says_when_empty() -> None:
    lines = draw(Chart("题", "lines", ["1", "2", "3"], [Line("甲", [1.0, None, 3.0])]))
    path = re.search(r'<path d="([^"]+)"', lines)
    assert path is not None
    assert path[1].count("M") == 2
    assert lines.count("<circle") == 2  # a value without neighbours would not be seen in a line
    assert "没有可绘制" in draw(Chart("题", "bars", ["1"], [Line("甲", [None])]))


def test_what_is_due_when() -> None:
    morning = dt.datetime(2026, 1, 10, 8, 0, tzinfo=ZONE)
    due = list(due_periods(morning))
    assert [day for kind, day in due if kind == "day"][-1] == dt.date(2026, 1, 9)
    assert ("year", dt.date(2025, 1, 1)) in due
    assert ("plan", dt.date(2025, 10, 1)) in due
    earlier = list(due_periods(morning - dt.timedelta(seconds=1)))
    assert ("day", dt.date(2026, 1, 9)) not in earlier
    assert ("year", dt.date(2024, 1, 1)) in earlier
    assert ("year", dt.date(2025, 1, 1)) not in earlier


def test_schedule_writes_each_report_once(conn: Connection, tmp_path: Path) -> None:
    first = write_reports_due(conn, tmp_path, NOW, ["html", "csv"])
    assert first["made"] >= 8
    made = read_made(conn)
    assert len(made) == first["made"]
    assert all((Path(one.folder) / name).exists() for one in made for name in one.files)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")}
    again = write_reports_due(conn, tmp_path, NOW, ["html", "csv"])
    assert (again["made"], again["known"], again["empty"]) == (0, first["made"], first["empty"])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")} == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["day", "2026-13-01"], "expected YYYY-MM-DD"),
        (["plan", "2026-Q5"], "expected YYYY-Qn"),
        (["year", "2999"], "has not begun"),
        (["month", "2026-01", "--format", "doc"], "html,pdf,xlsx,csv"),
    ],
)
def test_command_names_what_it_expected(arguments: list[str], expected: str) -> None:
    done = CliRunner().invoke(main, ["report", *arguments])
    assert done.exit_code == 2
    assert expected in done.output


def test_command_writes_and_lists(seeded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("OWNER", "WRITER", "APP", "READER"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role}_URL", seeded)
    arguments = ["report", "day", str(YESTERDAY), "--out", str(tmp_path), "--format", "html,xlsx,csv"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert sorted(done.output.split()) == sorted(map(str, tmp_path.iterdir()))
    episode = CliRunner().invoke(main, ["report", "episode", "1", "--out", str(tmp_path / "e"), "--format", "html,csv"])
    assert episode.exit_code == 0, episode.output
    assert {path.name for path in (tmp_path / "e").iterdir()} == {
        "episode.html", f"{STEEL}.html", "episode-1-steps.csv", "episode-1-measures.csv",
    }  # fmt: skip
    other = tmp_path / "w"
    again = CliRunner().invoke(main, ["warning", "report", "1", "-o", str(other)])
    assert again.exit_code == 0, again.output
    assert (other / f"{STEEL}.html").read_text() == (tmp_path / "e" / f"{STEEL}.html").read_text()
    assert CliRunner().invoke(main, ["report", "list"]).exit_code == 0


@pytest.fixture
def browser(runtime_cache: Path) -> None:
    """The machine's Chromium, else the private one."""
    try:
        find_browser(runtime_cache)
    except PrerequisiteError:
        make_private(runtime_cache, Lines())


@pytest.mark.usefixtures("browser")
def test_pdf_has_the_chinese_title_and_embedded_fonts(conn: Connection, tmp_path: Path) -> None:
    report = report_of(conn, "day", YESTERDAY)
    (pdf,) = write_report(report, tmp_path, ["pdf"])
    assert [path.name for path in tmp_path.iterdir()] == [pdf.name]
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    title = f"{report.title_zh}（{report.period_zh}）"
    assert title.encode("utf-16-be").hex().upper().encode() in content.upper() or title.encode("utf-16-be") in content
    assert b"/FontFile" in content or b"/CharProcs" in content  # embedded as a file or glyph by glyph


def test_without_a_browser_pdf_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LANTIAN_CACHE", str(tmp_path))
    with pytest.raises(PrerequisiteError, match="install chromium and a Chinese font"):
        print_pdf(tmp_path / "page.html", tmp_path / "page.pdf")


def pm25_target(report: Report) -> dict[str, str]:
    return next(row for row in rows_of(report, "targets") if row["indicator_zh"] == "细颗粒物年均浓度")


def test_plan_of_a_past_quarter_shows_the_status_of_its_end(conn: Connection, seeded: str) -> None:
    """Days of 20 µg/m³ until the end of the quarter and of 90 afterwards: on the way then, missed now."""
    past = dt.date(TODAY.year - 1, 2, 1)
    last = dt.date(TODAY.year - 1, 3, 31)
    with connect(seeded) as writing:
        writing.execute("delete from air_day where site_id = %s and day between %s and %s",
                        (COUNTY, dt.date(past.year, 1, 1), dt.date(past.year, 12, 31)))  # fmt: skip
        writing.execute(
            "insert into air_day (site_id, day, pm25, hours, o3_windows, edition)"
            " select %s, day::date, case when day <= %s then 20 else 90 end, array[24,24,24,24,24,24], 24, 'hj633-2012'"
            " from generate_series(%s::date, %s::date, interval '1 day') day",
            (COUNTY, last, dt.date(past.year, 1, 1), dt.date(past.year, 12, 31)),
        )
    row = pm25_target(report_of(conn, "plan", past))
    assert (row["actual"], row["period_zh"], row["as_of"]) == ("20", f"{past.year}年", str(last))
    assert row["status_zh"] == "进度正常"
    december = dt.date(past.year, 12, 1)
    row = pm25_target(report_of(conn, "plan", december))
    # 90 days of 20 and 275 of 90
    assert (row["actual"], row["status_zh"], row["as_of"]) == ("73", "未达标", f"{past.year}-12-31")
