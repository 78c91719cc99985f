"""The rendered documents: equal to the files of the repository, and such that Grafana 9.4 and later show them."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pkgutil import iter_modules
from typing import Any

import pytest

import console.page
from dashboards.annotation import FOLDER
from dashboards.dashboard import SCHEMA_VERSION, dashboard_json, document_text
from dashboards.layout import Heading, place
from dashboards.panel import PANEL_TYPES, Panel
from dashboards.query import SHARED, SQL, load_sql
from dashboards.render import DASHBOARDS, RENDERED, dashboard_named, rendered, write_rendered
from dashboards.visualisation import stat, text
from domain.error import ConfigurationError
from domain.level import LEVELS, level_of
from domain.pollutant import POLLUTANTS

EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DOCUMENTS = {dashboard.uid: dashboard_json(dashboard) for dashboard in DASHBOARDS}
PANELS = [
    (uid, panel)
    for uid, document in DOCUMENTS.items()
    for panel in document["panels"]  # type: ignore[attr-defined]
]
EACH_PANEL = pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}-{panel['id']}" for uid, panel in PANELS])
Json = dict[str, Any]


@EACH
def test_the_repository_holds_what_is_rendered(dashboard: Any) -> None:
    path = RENDERED / f"{dashboard.uid}.json"
    assert path.read_text(encoding="utf-8") == rendered(dashboard), "run: lantian dashboards render"


def test_no_rendered_file_is_left_over() -> None:
    assert {path.name for path in RENDERED.iterdir()} == {f"{dashboard.uid}.json" for dashboard in DASHBOARDS}


def test_another_process_renders_the_same() -> None:
    code = (
        "from dashboards.render import *; import hashlib;"
        "import sys; sys.stdout.write(hashlib.sha256(''.join(map(rendered, DASHBOARDS)).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_writing_again_changes_nothing(tmp_path: Any) -> None:
    assert len(write_rendered(tmp_path)) == len(DASHBOARDS)
    assert write_rendered(tmp_path) == []
    (tmp_path / f"{DASHBOARDS[0].uid}.json").write_text("{}", encoding="utf-8")
    assert [path.stem for path in write_rendered(tmp_path)] == [DASHBOARDS[0].uid]


def test_uids_and_titles_are_those_that_links_name() -> None:
    assert {dashboard.uid: dashboard.title for dashboard in DASHBOARDS} == {
        "lantian-targets": "目标与实绩",
        "lantian-air": "实时空气质量",
        "lantian-warning": "重污染预警与应急",
        "lantian-enterprise": "企业在线监测与工况",
        "lantian-vehicle": "移动源OBD",
        "lantian-micro": "微站网格",
        "lantian-data": "数据质量与设备",
        "lantian-system": "系统运行",
    }
    with pytest.raises(ConfigurationError, match="lantian-air"):
        dashboard_named("nothing")


@EACH
def test_document_has_nothing_that_changes_by_itself(dashboard: Any) -> None:
    document = DOCUMENTS[dashboard.uid]
    assert document["schemaVersion"] == SCHEMA_VERSION <= 37
    assert not {"id", "version", "iteration"} & set(document)
    assert document["uid"] == dashboard.uid
    assert document["timezone"] == "Asia/Shanghai"


@EACH
def test_panel_ids_are_unique(dashboard: Any) -> None:
    numbers = [panel["id"] for uid, panel in PANELS if uid == dashboard.uid]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) >= 1


@EACH
def test_panels_do_not_overlap_and_stay_inside(dashboard: Any) -> None:
    taken: dict[tuple[int, int], int] = {}
    for uid, panel in PANELS:
        if uid != dashboard.uid:
            continue
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"]


@EACH_PANEL
def test_panel_says_what_it_is_in_chinese(uid: str, panel: Json) -> None:
    assert panel["type"] in PANEL_TYPES
    pollutants = {pollutant.title_zh for pollutant in POLLUTANTS.values()}
    assert CHINESE.search(panel["title"]) or panel["title"] in pollutants
    if panel["type"] != "row":
        assert panel["pluginVersion"].startswith("9.4")
        assert CHINESE.search(panel["description"])
        assert panel["description"].endswith("。")


@EACH_PANEL
def test_panel_asks_the_chosen_data_source(uid: str, panel: Json) -> None:
    if panel["type"] in ("row", "text"):
        assert "targets" not in panel
        return
    wanted = {"type": "postgres", "uid": "${datasource}"}
    assert panel["datasource"] == wanted
    letters = [target["refId"] for target in panel["targets"]]
    assert letters == ["A", "B", "C"][: len(letters)]
    for target in panel["targets"]:
        assert target["datasource"] == wanted
        assert target["rawQuery"] is True
        assert target["format"] == ("time_series" if panel["type"] in ("timeseries", "state-timeline") else "table")
        assert "screen." in target["rawSql"]
        assert "{{" not in target["rawSql"]
        assert "[[" not in target["rawSql"]
        assert "--" not in target["rawSql"]


@EACH_PANEL
def test_figures_have_a_unit_decimals_and_an_empty_state(uid: str, panel: Json) -> None:
    if panel["type"] in ("row", "text"):
        return
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["noValue"]
    if panel["type"] == "table":
        # The migration of later versions to cellOptions needs this key.
        assert defaults["custom"]["displayMode"] == "auto"
        return
    words_only = panel["type"] == "stat" and panel["options"]["reduceOptions"]["fields"]
    assert words_only or defaults["unit"]
    if panel["type"] in ("timeseries", "gauge", "bargauge"):
        assert isinstance(defaults["decimals"], int)


def _colours(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {value["color"]} if isinstance(value.get("color"), str) else set()
        return own.union(*(_colours(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_colours(item) for item in value))
    return set()


def test_levels_have_the_colours_and_bounds_of_the_standard() -> None:
    panels = {(uid, panel["id"]): panel for uid, panel in PANELS}
    thresholds = panels["lantian-air", 1]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["color"] for step in thresholds] == [level.hex for level in LEVELS]
    for aqi in (0, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500):
        below = [step["color"] for step in thresholds if step["value"] is None or step["value"] <= aqi]
        assert below[-1] == level_of(aqi).hex
    mapping = panels["lantian-air", 9]["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert {int(key): (item["text"], item["color"]) for key, item in mapping.items()} == {
        level.level: (level.category_zh, level.hex) for level in LEVELS
    }
    for panel_id in (2, 7, 8):
        assert {level.hex for level in LEVELS} <= _colours(panels["lantian-air", panel_id])


def test_every_sql_file_is_used() -> None:
    marked = {annotation.sql for dashboard in DASHBOARDS for annotation in dashboard.annotations}
    assert {path.stem for path in (SQL / FOLDER).glob("*.sql")} == marked
    shared, own = {path.stem for path in (SQL / SHARED).glob("*.sql")}, Counter[str]()
    for dashboard in DASHBOARDS:
        used = {name for panel in dashboard.panels for name in panel.sql}
        used |= {variable.sql for variable in dashboard.variables}
        here = {path.stem for path in (SQL / dashboard.folder).glob("*.sql")}
        assert not here & shared
        assert here == used - shared
        own.update(used & shared)
    assert set(own) == shared
    assert min(own.values()) >= 2, "a file that one dashboard uses belongs into its folder"


def test_no_two_sql_files_say_the_same() -> None:
    texts = Counter(" ".join(path.read_text(encoding="utf-8").split()) for path in SQL.rglob("*.sql"))
    assert texts.most_common(1)[0][1] == 1


@EACH
def test_links_lead_into_the_console(dashboard: Any) -> None:
    variables = DOCUMENTS[dashboard.uid]["templating"]["list"]  # type: ignore[index]
    (console,) = [each for each in variables if each["name"] == "console"]
    assert (console["type"], console["hide"], console["query"]) == ("constant", 2, "http://127.0.0.1:8088")
    assert DOCUMENTS[dashboard.uid]["links"][1]["url"] == "${console:raw}/"  # type: ignore[index]
    elsewhere = dashboard_json(dashboard, "https://air.example.cn/console")
    assert "https://air.example.cn/console" in document_text(elsewhere)
    assert "127.0.0.1" not in document_text(elsewhere)


def test_pages_of_the_console_that_links_name_exist() -> None:
    """Whatever stands behind the address of the console is a page that the console has."""
    modules = (importlib.import_module(f"console.page.{each.name}") for each in iter_modules(console.page.__path__))
    paths = {route.path for module in modules if hasattr(module, "router") for route in module.router.routes}
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"(\?.*)?") for path in paths]
    links = re.findall(r"\$\{console:raw\}(/[^\"]*)", "".join(rendered(each) for each in DASHBOARDS))
    assert len(set(links)) >= 8
    for link in links:
        path = re.sub(r"\$\{[^}]*\}", "1", link)
        assert any(pattern.fullmatch(path) for pattern in patterns), link


def test_empty_panels_say_what_would_bring_data() -> None:
    for uid, panel in PANELS:
        if panel["type"] not in ("row", "text"):
            words = panel["fieldConfig"]["defaults"]["noValue"]
            assert CHINESE.search(words), (uid, panel["title"])
            assert words != "暂无数据", (uid, panel["title"])


@EACH
def test_links_to_dashboards_name_existing_ones(dashboard: Any) -> None:
    named = set(re.findall(r"/d/([\w-]+)", rendered(dashboard)))
    assert named <= {known.uid for known in DASHBOARDS}
    assert DOCUMENTS[dashboard.uid]["links"][0]["type"] == "dashboards"  # type: ignore[index]


def _panel(width: int, height: int) -> Panel:
    return Panel(1, "甲", "乙。", stat(), width, height)


def test_a_shelf_that_does_not_fill_the_width_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="24 columns"):
        place([(_panel(12, 4),)])
    with pytest.raises(ConfigurationError, match="one height"):
        place([(_panel(12, 4), _panel(12, 5))])
    placed = place([Heading(9, "丙"), (_panel(12, 4), _panel(12, 4))])
    assert [(at.x, at.y) for _, at in placed] == [(0, 0), (0, 1), (12, 1)]


def test_sql_without_its_words_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="pollutant"):
        load_sql("air", "concentration", {})
    with pytest.raises(ConfigurationError, match="no such file"):
        load_sql("air", "nothing", {})


def test_text_panel_has_no_query() -> None:
    assert text("甲").format == ""
