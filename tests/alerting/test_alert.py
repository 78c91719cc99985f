"""Alerts and notices in the database: told to the right people, once, never silently to nobody."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from alert_scene import MINUTE, NOW, rows

from domain.alert import MAJOR, MINOR, RED, shipped_rules
from domain.error import ConfigurationError
from store.acknowledgement import Answer, read_receipts, record_answer
from store.alert import (
    AlertKey,
    Mute,
    acknowledge_alert,
    announce_unmuted,
    assign_alert,
    clear_alert,
    close_alert,
    comment_alert,
    end_mute,
    mute,
    raise_alert,
    read_alert,
    read_events,
)
from store.alert_rule import load_rules, read_rule, read_rule_history, write_rule
from store.connection import Connection
from store.contact import Contact, retire_contact, write_contacts
from store.outbox import Notice, announce

KEY = AlertKey("stack_exceedance_hour", "site", "mill-1")


def raised(conn: Connection, key: AlertKey = KEY, now: dt.datetime = NOW, **evidence: Any) -> int | None:
    return raise_alert(
        conn, key, severity=MAJOR, subject_zh="超标", body_zh="颗粒物 12 mg/m³", evidence=evidence, now=now
    )


def test_an_alert_is_told_to_enterprise_and_operators_at_their_first_step(desk: Connection) -> None:
    alert = raised(desk, pm=12)
    assert rows(desk, "select enterprise_id, kind, reference, severity, respond_by from notice order by id") == [
        (None, "alert", f"alert:{alert}", MAJOR, NOW + 60 * MINUTE),
        ("mill", "alert", f"alert:{alert}", MAJOR, NOW + 60 * MINUTE),
    ]
    assert rows(desk, "select contact_id, channel, address, step, state, due_at from delivery order by id") == [
        ("duty", "mail", "duty@bureau.example", 1, "waiting", NOW),
        ("mill-dcs", "mqtt", "mill", 1, "waiting", NOW),
    ]


def test_while_active_only_changed_evidence_is_noted(desk: Connection) -> None:
    alert = raised(desk, pm=12)
    assert raised(desk, now=NOW + MINUTE, pm=12) is None
    assert raised(desk, now=NOW + 2 * MINUTE, pm=15) is None
    assert alert is not None
    events = [(event["action"], event["detail"]) for event in read_events(desk, alert)]
    assert events[0] == ("raise", {"pm": 12})
    assert events[-1] == ("repeat", {"pm": 15})
    assert [action for action, _ in events] == ["raise", "announce", "repeat"]
    assert rows(desk, "select count(*) from notice") == [(2,)]
    clear_alert(desk, KEY, now=NOW + 3 * MINUTE)
    assert raised(desk, now=NOW + 4 * MINUTE, pm=12) not in (None, alert)


def test_nothing_remains_of_a_transaction_that_fails(desk: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), desk.transaction():
        raised(desk, pm=12)
        desk.execute("insert into area (id, name_zh) values ('x', '重复')")
    assert rows(desk, "select (select count(*) from alert), (select count(*) from notice)") == [(0, 0)]


def test_nobody_to_tell_is_recorded_and_alerts_the_operators(desk: Connection) -> None:
    raised(desk, AlertKey("stack_exceedance_hour", "site", "oven-1"))
    assert rows(desk, "select state_zh from screen.notice where enterprise_id = 'oven'") == [("无联系人",)]
    assert rows(desk, "select source_kind, source_id, enterprise_id from alert where kind = 'nobody_to_tell'") == [
        ("enterprise", "oven", "oven")
    ]
    told = rows(
        desk, "select n.subject_zh from delivery d join notice n on n.id = d.notice_id where d.contact_id = 'duty'"
    )
    assert told == [("超标",), ("焦化厂：无人可通知",)]


def test_without_any_operator_the_silence_itself_is_an_alert(desk: Connection) -> None:
    for contact in ("duty", "chief"):
        retire_contact(desk, contact, NOW)
    raised(desk, AlertKey("stack_exceedance_hour", "site", "oven-1"))
    found = rows(desk, "select source_kind, source_id, state from alert where kind = 'nobody_to_tell' order by id")
    assert ("platform", "x", "open") in found
    assert rows(desk, "select count(*) from delivery") == [(0,)]


def test_contacts_choose_severity_kind_hours_and_area(desk: Connection) -> None:
    night = Contact("night", "x", None, "夜班", opens_at=dt.time(20), closes_at=dt.time(6), channels=(("sms", "a:1"),))
    other = Contact("other", None, None, "只看预警", kinds=("warning",), channels=(("mail", "w@bureau.example"),))
    desk.execute("insert into area (id, name_zh) values ('y', '邻县')")
    write_contacts(desk, [night, other, Contact("far", "y", None, "邻县", channels=(("mail", "y@bureau.example"),))])

    def told(kind: str, severity: int) -> list[tuple[Any, ...]]:
        notice = announce(desk, Notice(kind, "test:1", "x", None, severity, "主题", "正文"), now=NOW)
        return rows(desk, "select contact_id, due_at from delivery where notice_id = %s order by contact_id", notice)

    evening = NOW.replace(hour=12)  # 04:00 UTC is noon in Beijing; 20:00 there is 12:00 UTC
    assert told("alert", MINOR) == [("duty", NOW), ("night", evening)]
    assert told("warning", RED) == [("duty", NOW), ("night", NOW), ("other", NOW)]


@pytest.mark.parametrize(
    ("opens", "closes", "local", "expected"),
    [
        ("08:00", "18:00", "07:59", "08:00"),
        ("08:00", "18:00", "08:00", "08:00"),
        ("08:00", "18:00", "17:59", "17:59"),
        ("08:00", "18:00", "18:00", "+08:00"),
        ("20:00", "06:00", "23:00", "23:00"),
        ("20:00", "06:00", "05:59", "05:59"),
        ("20:00", "06:00", "06:00", "20:00"),
    ],
)
def test_hours_of_a_contact(desk: Connection, opens: str, closes: str, local: str, expected: str) -> None:
    zone, day = dt.timezone(dt.timedelta(hours=8)), dt.date(2026, 3, 1)
    moment = dt.datetime.combine(day, dt.time.fromisoformat(local), zone)
    due = dt.datetime.combine(day, dt.time.fromisoformat(expected.lstrip("+")), zone)
    due += dt.timedelta(days=expected.startswith("+"))
    assert rows(desk, "select contact_due(%s::time, %s::time, %s)", opens, closes, moment) == [(due,)]


def test_only_events_move_an_alert_and_only_legally(desk: Connection) -> None:
    alert = raised(desk)
    assert alert is not None
    for statement in (
        "update alert set state = 'closed'",
        "update alert_event set by = 'x'",
        "delete from alert_event",
        "delete from alert",
        "insert into alert (kind, source_kind, source_id, severity, subject_zh, body_zh, raised_at, state)"
        " values ('a', 'b', 'c', 1, 'd', 'e', now(), 'closed')",
        "update notice set body_zh = ''",
        "delete from acknowledgement",
        "update delivery set address = 'elsewhere'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            desk.execute(statement.encode())
    assign_alert(desk, alert, to="李四", by="张三", now=NOW)
    acknowledge_alert(desk, alert, by="张三", now=NOW, comment="已联系企业")
    with pytest.raises(ConfigurationError, match="is acknowledged, which does not allow: acknowledge"):
        acknowledge_alert(desk, alert, by="李四", now=NOW)
    close_alert(desk, alert, by="李四", now=NOW)
    with pytest.raises(ConfigurationError, match="is closed, which does not allow: close"):
        close_alert(desk, alert, by="李四", now=NOW)
    comment_alert(desk, alert, comment="复核无误", by="王五", now=NOW)
    found = read_alert(desk, alert)
    assert (found["state"], found["assigned_to"], found["acknowledged_by"]) == ("closed", "李四", "张三")
    with pytest.raises(ConfigurationError, match="there is no alert 99"):
        comment_alert(desk, 99, comment="?", by="王五", now=NOW)


def test_acknowledging_answers_the_operators_notices_only(desk: Connection) -> None:
    alert = raised(desk)
    assert alert is not None
    acknowledge_alert(desk, alert, by="张三", now=NOW + MINUTE)
    assert rows(desk, "select enterprise_id, by, via from screen.acknowledgement") == [(None, "张三", "console")]


def test_a_muted_alert_is_raised_and_told_when_the_mute_ends(desk: Connection) -> None:
    with pytest.raises(ConfigurationError, match="expected a moment after"):
        mute(desk, Mute(KEY.kind, None, NOW, "检修"), by="张三", now=NOW)
    number = mute(desk, Mute(KEY.kind, ("site", "mill-1"), NOW + 60 * MINUTE, "检修"), by="张三", now=NOW)
    alert = raised(desk)
    assert alert is not None
    assert rows(desk, "select count(*) from notice") == [(0,)]
    assert raised(desk, AlertKey(KEY.kind, "site", "oven-1")) is not None
    assert rows(desk, "select distinct reference from notice where reference = %s", f"alert:{alert}") == []
    assert announce_unmuted(desk, now=NOW + 59 * MINUTE) == 0
    end_mute(desk, number, by="张三", now=NOW + 59 * MINUTE)
    assert announce_unmuted(desk, now=NOW + 59 * MINUTE) == 1
    assert announce_unmuted(desk, now=NOW + 60 * MINUTE) == 0
    assert rows(desk, "select count(*) from notice where reference = %s", f"alert:{alert}") == [(2,)]


def test_an_answer_counts_once_and_only_from_its_addressee(desk: Connection) -> None:
    alert = raised(desk)
    [(notice,)] = rows(desk, "select id from notice where enterprise_id = 'mill'")
    answer = Answer("值班长", "mqtt", "k1", ("stop-kiln",), NOW + 30 * MINUTE, "已停窑")
    with pytest.raises(ConfigurationError, match="found no notice"):
        record_answer(desk, notice, answer, now=NOW, enterprise_id="oven")
    assert record_answer(desk, notice, answer, now=NOW + MINUTE, enterprise_id="mill")
    assert not record_answer(desk, notice, answer, now=NOW + 2 * MINUTE, enterprise_id="mill")
    [receipt] = read_receipts(desk, enterprise_id="mill")
    assert (receipt["by"], receipt["measures"], receipt["in_time"], receipt["state_zh"]) == (
        *("值班长", ["stop-kiln"], True, "已回执"),
    )
    assert alert is not None
    assert [event["action"] for event in read_events(desk, alert)][-1] == "answer"


def test_a_rule_decides_whether_and_whom_to_tell_and_keeps_its_history(desk: Connection) -> None:
    rule = read_rule(desk, KEY.kind)
    assert rule == shipped_rules()[KEY.kind]

    with pytest.raises(ConfigurationError, match="no reason"):
        write_rule(desk, replace(rule, tells=("operator",)), by="张三", why="")
    assert write_rule(desk, replace(rule, tells=("operator",), respond_min=5), by="张三", why="试运行") == 2
    raised(desk)
    assert rows(desk, "select enterprise_id, respond_by from notice") == [(None, NOW + 5 * MINUTE)]
    assert load_rules(desk, shipped_rules()) == 0
    assert [row["changed_by"] for row in read_rule_history(desk, KEY.kind)] == ["lantian", "张三"]
    write_rule(desk, replace(rule, enabled=False), by="张三", why="停用")
    assert raised(desk, AlertKey(KEY.kind, "site", "oven-1")) is None


def test_contacts_are_told_of_an_end_where_the_rule_says_so(desk: Connection) -> None:
    raised(desk)
    clear_alert(desk, KEY, now=NOW + MINUTE, evidence={"pm": 8})
    told = rows(desk, "select subject_zh, severity, respond_by from notice where kind = 'alert_cleared' order by id")
    assert told == [("已恢复：超标", 1, None)] * 2
    assert clear_alert(desk, KEY, now=NOW + 2 * MINUTE) is None
