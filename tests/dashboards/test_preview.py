"""Preview pages: every panel drawn from a real database, plain HTML without scripts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from seeding import seed

from app.main import main
from app.preview.field import colour, ink, mapped, shown
from app.preview.macro import Scope, edge, statement, title
from app.preview.page import preview_page, preview_scope
from dashboards.render import DASHBOARDS, dashboard_named
from domain.error import ConfigurationError
from domain.level import LEVELS

NOW = dt.datetime.now(dt.UTC)
SCOPE = Scope({"area": ("o'x",), "site": ("a", "b")}, NOW - dt.timedelta(days=2), NOW)


class Balance(HTMLParser):
    """Counts elements that were opened and not closed, and the scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.depth: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.depth.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.depth.pop() == tag


@pytest.fixture(scope="module")
def seeded(module_database: Any) -> Any:
    """A seeded county with a name that must be escaped."""
    database = module_database()
    seed(database.url("lantian_owner"), database.url("lantian_app"), NOW)
    with psycopg.connect(database.url("lantian_owner"), options="-c search_path=lantian,screen,public") as conn:
        conn.execute("update site set name_zh = '<script>站</script>' where id = 'zhike'")
    return database


@pytest.fixture
def reader(seeded: Any) -> Iterator[Any]:
    with psycopg.connect(seeded.url("lantian_reader"), autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_page_shows_every_panel(reader: Any, dashboard: Any) -> None:
    page = preview_page(reader, dashboard, NOW)
    scope = preview_scope(reader, dashboard, NOW)
    for panel in dashboard.panels:
        assert f">{title(panel.title, scope)}</h2>" in page
    balance = Balance()
    balance.feed(page)
    assert set(balance.depth) <= {"html"}
    assert "script" not in balance.seen
    assert page.count("class=empty") == 0
    assert not re.search(r"https?://", page)


def test_values_colours_and_names_arrive(reader: Any) -> None:
    page = preview_page(reader, dashboard_named("lantian-air"), NOW)
    assert "&lt;script&gt;站&lt;/script&gt;" in page
    assert f"background:{LEVELS[1].hex}" in page
    assert "限值（24小时平均）" in page
    assert "孝义市" in page
    assert "CRC 校验错误" in preview_page(reader, dashboard_named("lantian-data"), NOW)
    targets = preview_page(reader, dashboard_named("lantian-targets"), NOW)
    assert "≤ 30 µg/m³" in targets
    assert "剩余 45 天的平均不得超过 20.7" in targets
    assert (
        targets.index("二氧化硫年均浓度达二级") < targets.index("细颗粒物年均浓度</td>") < targets.index("清洁煤热值")
    )


def test_page_of_an_empty_database_says_so(module_database: Any) -> None:
    with psycopg.connect(module_database().url("lantian_reader"), autocommit=True) as conn:
        for dashboard in DASHBOARDS:
            assert "暂无数据" in preview_page(conn, dashboard, NOW)


def test_command_writes_the_pages(seeded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", seeded.url(f"lantian_{role}"))
    result = CliRunner().invoke(main, ["dashboards", "preview", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {f"{dashboard.uid}.html" for dashboard in DASHBOARDS}


def test_statement_quotes_values_and_knows_its_macros_only() -> None:
    sql = "area_id = ${area:sqlstring} and site_id = any (array[${site:sqlstring}]::text[])"
    assert statement(sql, SCOPE) == "area_id = 'o''x' and site_id = any (array['a','b']::text[])"
    assert statement("$__timeGroupAlias(hour,$__interval,NULL)", SCOPE) == "time_bucket('300s', hour) as \"time\""
    with pytest.raises(ConfigurationError, match="timeGroup"):
        statement("$__timeGroup(hour,'1h')", SCOPE)


def test_edges_of_time_are_local_years() -> None:
    now = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    assert edge("now", now, end=True) == now
    assert edge("now-48h", now, end=False) == now - dt.timedelta(hours=48)
    assert edge("now-1y/y", now, end=False) == dt.datetime(2024, 12, 31, 16, tzinfo=dt.UTC)
    assert edge("now/y", now, end=True) == dt.datetime(2026, 12, 31, 15, 59, 59, 999000, tzinfo=dt.UTC)
    with pytest.raises(ConfigurationError, match="yesterday"):
        edge("yesterday", now, end=False)


def test_values_are_shown_with_decimals_unit_and_local_time() -> None:
    assert shown(0.85, {"decimals": 1, "unit": "suffix:mg/m³"}) == "0.8 mg/m³"
    assert shown(83.4, {"decimals": 0, "unit": "percent"}) == "83%"
    assert shown(None, {"noValue": "暂无数据"}) == "暂无数据"
    moment = dt.datetime(2026, 11, 23, 16, 5, tzinfo=dt.UTC)
    assert shown(moment, {"unit": "time:MM-DD HH:mm"}) == "11-24 00:05"
    steps = {"thresholds": {"steps": [{"value": None, "color": "#111111"}, {"value": 51, "color": "#222222"}]}}
    assert [colour(value, steps) for value in (50, 51, None)] == ["#111111", "#222222", ""]
    assert mapped(3, [{"options": {"3": {"text": "轻度污染", "color": "#FF7E00"}}}]) == ("轻度污染", "#FF7E00")
    assert (ink("#FFFF00"), ink("#7E0023")) == ("#000", "#fff")
