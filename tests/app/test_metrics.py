"""Metrics: every measure runs as the reader, what is served is what is there, and rules name real measures."""

from __future__ import annotations

import fcntl
import os
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from app.service.exporter import Measures, metric_server
from app.service.home import Home
from app.service.state import RUNNING, ProcessState, State, write_state
from domain.alert import shipped_rules
from domain.county import load_county as county_data
from domain.error import ServiceError
from store.connection import Connection, connect
from store.metric import MEASURES, read_measure
from store.reference import load_reference
from store.registry import load_county

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "lantian.rules.yml"


@pytest.fixture
def reader(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_owner")) as owner:
        load_reference(owner)
        load_county(owner, county_data("zhongyang"))
    with connect(database.url("lantian_reader"), autocommit=True) as conn:
        yield conn


def test_every_measure_runs_as_the_reader_and_fills_its_labels(reader: Connection) -> None:
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        assert all(len(labels) == len(measure.labels) for labels, _ in read_measure(reader, measure))


def test_figures_are_those_of_the_database(reader: Connection, database: Any) -> None:
    with connect(database.url("lantian_writer")) as writer:
        writer.execute(
            "insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected,"
            " rows_stored, rows_duplicate, rows_revised) values ('a', now() - interval '2 seconds', now(),"
            " 10, 7, 2, 0, 1, 7, 2, 0)"
        )
    found = {measure.name: dict(read_measure(reader, measure)) for measure in MEASURES}
    assert found["lantian_messages_5m"] == {
        ("stored",): 7.0, ("duplicate",): 2.0, ("revised",): 0.0, ("rejected",): 1.0
    }  # fmt: skip
    assert found["lantian_ledger_unbalanced_24h"] == {(): 0.0}
    assert found["lantian_batch_longest_seconds_5m"]["a",] == pytest.approx(2.0, abs=0.1)
    assert found["lantian_devices"]["stack", "never"] == 5.0
    assert found["lantian_alerts_open"] == {(str(severity),): 0.0 for severity in range(1, 5)}


def served(measures: Measures) -> dict[str, Any]:
    server = metric_server(measures, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_a_scrape_holds_database_processes_and_disk(reader: Connection, database: Any, tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_state(home, State(RUNNING, processes=[ProcessState("collect", 7, restarts=2), ProcessState("settle")]))
    measures = Measures(lambda: connect(database.url("lantian_reader"), autocommit=True), home)
    with home.lock_file.open("w") as handle:
        # As the supervisor holds it while it lives.
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        found = served(measures)
    assert {measure.name for measure in MEASURES} <= set(found)
    assert [sample.value for sample in found["lantian_database_up"].samples] == [1.0]
    restarts = {sample.labels["process"]: sample.value for sample in found["lantian_process_restarts"].samples}
    assert restarts == {"collect": 2.0, "settle": 0.0}
    up = {sample.labels["process"]: sample.value for sample in found["lantian_process_up"].samples}
    assert up == {"collect": 1.0, "settle": 0.0}
    assert 0 < found["lantian_disk_used_ratio"].samples[0].value < 1


def test_a_database_that_is_away_is_a_figure_not_an_error(tmp_path: Path) -> None:
    def absent() -> Any:
        raise ServiceError("no answer")

    found = served(Measures(absent, Home(tmp_path)))
    assert [sample.value for sample in found["lantian_database_up"].samples] == [0.0]
    assert "lantian_disk_free_bytes" in found
    assert "lantian_devices" not in found


def test_registering_asks_nothing(tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError("asked")

    CollectorRegistry().register(Measures(never, Home(tmp_path)))


def test_rules_name_measures_that_exist_and_each_has_its_place_in_the_runbook() -> None:
    known = {measure.name for measure in MEASURES} | {
        "lantian_database_up", "lantian_process_up", "lantian_process_restarts",
        "lantian_disk_free_bytes", "lantian_disk_used_ratio",
    }  # fmt: skip
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (\w+)$", runbook, flags=re.MULTILINE))
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert rules
    for rule in rules:
        assert set(re.findall(r"lantian_\w+", rule["expr"])) <= known, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    assert {rule["alert"] for rule in rules} == headings
    # What scripts/alarm_rules lets promtool try: each alarm rings there, and once nothing does.
    tried = RULES.with_name("lantian.rules.test.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'alertname="(\w+)"', tried)) == headings


def test_every_alert_for_operators_has_its_steps_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| (\S+) `(\w+)` \| .{20,} \|$", runbook, flags=re.MULTILINE)
    assert steps
    assert {(rule.title_zh, rule.kind) for rule in shipped_rules().values() if "operator" in rule.tells} == set(steps)
