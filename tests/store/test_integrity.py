"""Findings: opened once, continued, closed by a later check only, judged by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import psycopg
import pytest

from domain.error import ConfigurationError
from store.connection import Connection
from store.integrity import (
    CheckRow,
    NewFinding,
    close_findings,
    decide_finding,
    read_events,
    read_findings,
    read_open_findings,
    record_finding,
    write_checks,
)
from store.registry import RegisteredDevice

NOON = dt.datetime(2026, 11, 25, 4, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SPAN = NewFinding(
    kind="constant",
    kind_zh="数据恒定",
    family="stack",
    device="chimney",
    site="s-stack",
    column="so2",
    began_at=NOON,
    ended_at=NOON + HOUR,
    basis="环发〔2015〕175号第四条（八）",
    text_zh="二氧化硫实测连续60分钟恒为12",
    evidence={"figures": {"value": 12.0}, "values": [["2026-11-25T12:00:00+08:00", 12.0]]},
)


@pytest.fixture
def conn(clerk: Connection, devices: Mapping[str, RegisteredDevice]) -> Connection:
    return clerk


def later(hours: float, length: float = 1) -> NewFinding:
    began = NOON + hours * HOUR
    return replace(SPAN, began_at=began, ended_at=began + length * HOUR)


def test_a_span_is_one_finding_however_often_it_is_found(conn: Connection) -> None:
    assert [record_finding(conn, SPAN) for _ in range(2)] == ["opened", "known"]
    assert record_finding(conn, replace(SPAN, ended_at=NOON + 2 * HOUR, text_zh="更长")) == "continued"
    assert record_finding(conn, later(20)) == "continued"
    (found,) = read_open_findings(conn)
    assert (found.began_at, found.ended_at, found.status) == (NOON, NOON + 21 * HOUR, "open")
    assert (found.text_zh, found.site_zh, dict(found.evidence)) == (SPAN.text_zh, "s-stack", dict(SPAN.evidence))
    assert [event.event for event in read_events(conn, found.id)] == ["opened", "continued", "continued"]


def test_other_devices_kinds_columns_and_later_times_are_other_findings(conn: Connection) -> None:
    spans = [SPAN, replace(SPAN, column="nox"), replace(SPAN, kind="copied"), replace(SPAN, device="mill"), later(26)]
    assert [record_finding(conn, span) for span in spans] == ["opened"] * 5
    assert len(read_findings(conn, device="chimney", kind="constant")) == 3
    assert len(read_findings(conn, since=NOON + 20 * HOUR)) == 1


def test_only_a_check_closes_and_what_ended_is_not_continued(conn: Connection) -> None:
    record_finding(conn, SPAN)
    assert close_findings(conn, "chimney", "constant", NOON + HOUR) == 0
    assert close_findings(conn, "chimney", "constant", NOON + 2 * HOUR) == 1
    assert close_findings(conn, "chimney", "constant", NOON + 2 * HOUR) == 0
    assert read_open_findings(conn) == []
    assert record_finding(conn, later(3)) == "opened"
    # A closed one that turns out longer is still the same.
    assert record_finding(conn, later(0.5)) == "continued"


def test_people_judge_and_their_word_stays(conn: Connection) -> None:
    record_finding(conn, SPAN)
    (found,) = read_open_findings(conn)
    decide_finding(conn, found.id, "dismissed", by="李工", why="标气检查")
    assert record_finding(conn, later(0.5)) == "continued"
    assert read_open_findings(conn) == []
    (judged,) = read_findings(conn, finding=found.id)
    assert (judged.status, judged.decided_by, judged.why) == ("dismissed", "李工", "标气检查")
    decide_finding(conn, found.id, "reopened", by="王工", why="再查")
    decide_finding(conn, found.id, "confirmed", by="王工", why="现场核实")
    assert [one.status for one in read_findings(conn, status="confirmed")] == ["confirmed"]
    with pytest.raises(ConfigurationError, match=f"finding {found.id} is confirmed already"):
        decide_finding(conn, found.id, "confirmed", by="王工", why="现场核实")
    with pytest.raises(ConfigurationError, match="found no finding 77"):
        decide_finding(conn, 77, "confirmed", by="王工", why="现场核实")
    with pytest.raises(ConfigurationError, match="found no name or no reason"):
        decide_finding(conn, found.id, "dismissed", by="王工", why=" ")


def test_history_is_only_added_to(conn: Connection) -> None:
    record_finding(conn, SPAN)
    for statement in (
        "delete from integrity_event",
        "update integrity_event set text_zh = ''",
        "delete from integrity_finding",
        "update integrity_finding set kind = ''",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_verdicts_say_what_was_lacking(conn: Connection) -> None:
    day = dt.date(2026, 11, 25)
    rows = [
        CheckRow("chimney", "constant", day, "s-stack", "suspected", ""),
        CheckRow("chimney", "dilution", day, "s-stack", "undetermined", "usual level"),
    ]
    with conn.transaction():
        assert write_checks(conn, rows) == 2
        assert write_checks(conn, [replace(rows[0], verdict="compliant")]) == 1
    shown = conn.execute("select kind, verdict_zh, lacking from screen.integrity_check order by kind").fetchall()
    assert shown == [("constant", "未见异常", ""), ("dilution", "无法判定", "usual level")]
