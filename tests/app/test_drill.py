"""The drill end to end with real services: verdicts are what the simulated enterprises really did."""

from __future__ import annotations

import datetime as dt
import html.parser
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.command.drill import drill_settings
from app.drill import played_by, rehearse
from app.evidence import write_reports
from app.service.progress import Silence
from app.service.schema import prepare_database
from app.settings import Settings
from domain.county import load_county
from domain.error import ConfigurationError
from domain.period import ZONE, local_date, midnight
from domain.response_table import process_rules
from firmware_sim.scenario_file import Scenario, load_scenario, scenario_path
from firmware_sim.works import MEAN_LOAD, OUTLETS, Works
from store.connection import Connection, connect
from store.order import Order, OrderMeasure, read_order_measures, read_orders, read_verifications
from store.reduction import read_reduction_list

HOUR = dt.timedelta(hours=1)
#: Lines whose meters tell nothing all the time, and a logger that is cut off but sends later.
DEAD = {"steel-oven": "dead_meter", "taoyuan-kiln": "silent"}
COUNTY = load_county("zhongyang")


def scenario() -> Scenario:
    now = midnight(local_date(dt.datetime.now(ZONE)))
    return load_scenario(scenario_path("drill"), COUNTY, now.timestamp())


def truth(played: Scenario, county_line: Any, measure: OrderMeasure, hour: dt.datetime) -> set[str]:
    """What an all-knowing judge says: from the load the works really had, by the rules of the order alone."""
    enterprise, outlet = played_by(county_line)
    less = tuple(one for one in played.curtailments if (one.enterprise, one.outlet) == (enterprise, outlet))
    works = Works(played.seed or 1, enterprise, OUTLETS[outlet], played.bypasses, less)
    minutes = int(hour.timestamp()) + 60 * np.arange(60, dtype=np.int64)
    share = float(works.load(minutes).mean()) / MEAN_LOAD
    limit = 0.0 if measure.kind == "stop" else (measure.limit_percent or 0.0) / 100
    return {"fulfilled"} if share <= limit + 0.12 else {"suspected"}


@pytest.fixture
def played(database: Any, services: Any) -> tuple[Settings, Scenario]:
    urls = {f"database_{role}_url": database.url(f"lantian_{role}") for role in ("owner", "writer", "app", "reader")}
    settings = Settings(home=services.folder, **urls)
    prepare_database(settings, Silence())
    return settings, scenario()


def test_verdicts_are_what_the_enterprises_did(
    database: Any, played: tuple[Settings, Scenario], tmp_path: Path
) -> None:
    settings, drill = played
    hours: list[dt.datetime] = []
    done = rehearse(settings, COUNTY, drill, pace=hours.append, reporter=Silence())
    with connect(database.url("lantian_app")) as conn:
        right, total, suspects = Counter[str](), Counter[str](), Counter[str]()
        lines = read_reduction_list(conn, "zhongyang").lines
        for order in read_orders(conn):
            for measure in read_order_measures(conn, [order.id]):
                line = lines.get(measure.line_id or "")
                if line is None or (line.id not in DEAD and not _metered(conn, line.id)):
                    continue
                _compare(conn, drill, order, measure, line, right=right, total=total, suspects=suspects)
        assert set(total) == {
            "steel-sinter", "steel-oven", "zhongyu-boiler", "fuyu-coke",
            "dongyi-kiln", "taoyuan-kiln",
        }  # fmt: skip
        assert sum(right.values()) >= 0.95 * sum(total.values()), (right, total)
        # Nobody who obeys, and nobody whose meter is dead, is suspected of anything.
        assert set(suspects) == {"fuyu-coke", "dongyi-kiln"}
        alerts = conn.execute(
            "select o.enterprise_id from alert a join reduction_order o on a.source_id = o.id::text"
            " where a.kind = 'order_violation' order by 1"
        ).fetchall()
        assert alerts == [("fuyu-coking",), ("taoyuan-dongyi-cement",)]
        assert (done.orders, done.alerts) == (5, 2)
        episode = conn.execute("select highest_level, state, orders, suspected from screen.episode").fetchone()
        assert episode == ("red", "lifted", 5, done.suspected)
        answered = conn.execute("select count(*) from acknowledgement").fetchone()
        assert answered == (5,)
        _check_report(write_reports(conn, done.warning_id, tmp_path))


def _check_report(files: list[Path]) -> None:
    """Pages that need nothing else; an enterprise's page speaks of that enterprise alone."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in files}
    assert set(pages) == {
        "episode", "zhongyang-steel", "zhongyu-power", "fuyu-coking", "taoyuan-dongyi-cement", "taoyuan-cement",
    }  # fmt: skip
    names = {each.id: each.name_zh for each in COUNTY.enterprises}
    for name, text in pages.items():
        assert not re.search(r"(src|href)='?(https?:|//)", text)
        html.parser.HTMLParser().feed(text)
        shown = {each for each, name_zh in names.items() if name_zh in text.replace(names["zhongyu-power"], "电厂")}
        if name not in ("episode", "zhongyu-power"):
            assert shown == {name}
    assert set(re.findall(r"<a href='([^']+).html'>", pages["episode"])) == set(pages) - {"episode"}
    assert "用电显示 t" in pages["episode"]
    assert pages["fuyu-coking"].count("<svg") == 1
    assert "用电高于允许值及误差" in pages["fuyu-coking"]
    assert "计量接近于零" in pages["zhongyang-steel"]
    assert pages["zhongyang-steel"].count("<svg") == 2  # neither the furnace without a meter nor the gate has a plot
    assert "生产线没有用电计量" in pages["zhongyang-steel"]
    assert "绩效等级A级，按自主减排方案核验" in pages["zhongyu-power"]


def _metered(conn: Connection, line_id: str) -> bool:
    row = conn.execute("select exists (select from line_meter where line_id = %s)", (line_id,)).fetchone()
    return bool(row and row[0])


def _compare(
    conn: Connection,
    drill: Scenario,
    order: Order,
    measure: OrderMeasure,
    line: Any,
    *,
    right: Counter[str],
    total: Counter[str],
    suspects: Counter[str],
) -> None:
    ramp_end = order.starts_at + process_rules()[line.process].ramp_hours * HOUR
    for row in read_verifications(conn, [measure.id]):
        suspects.update([line.id] if row.verdict == "suspected" else [])
        expected = truth(drill, line, measure, row.hour)
        if line.id in DEAD:
            expected = {"undetermined"}
            # The hour in which the power goes is still half measured.
            if row.hour - order.starts_at >= 2 * HOUR:
                assert (row.verdict, row.reason) == ("undetermined", DEAD[line.id])
        elif expected == {"suspected"} and row.hour < ramp_end:
            expected = {"undetermined"}
        total[line.id] += 1
        right[line.id] += row.verdict in expected


def test_a_drill_has_services_of_its_own() -> None:
    settings = Settings(database_port=5)
    own = drill_settings(settings)
    assert own.home == settings.home / "drill"
    assert own.database_is_local
    assert own.broker_is_local
    assert own.tls_listener() is None


def test_a_scenario_without_a_drill_is_refused(played: tuple[Settings, Scenario]) -> None:
    settings, drill = played
    with pytest.raises(ConfigurationError, match=r"found no table \[drill\]"):
        rehearse(settings, COUNTY, replace(drill, rehearsal=None), pace=lambda _: None, reporter=Silence())
