"""Nobody answers: the next contact, the operators, and an end as soon as somebody does."""

from __future__ import annotations

import datetime as dt

from alert_scene import MINUTE, NOW, rows

from domain.alert import MAJOR, MINOR, RED
from store.acknowledgement import Answer, record_answer
from store.alert import AlertKey, acknowledge_alert, clear_alert, raise_alert, read_events
from store.connection import Connection
from store.contact import Contact, write_contacts
from store.escalation import deliver_untold, escalate_overdue
from store.outbox import Notice, announce

DUE = NOW + 60 * MINUTE


def order(conn: Connection, severity: int = MAJOR, enterprise: str | None = "mill") -> int:
    return announce(conn, Notice("order", "warning:1", "x", enterprise, severity, "停窑", "", {}, DUE), now=NOW)


def told(conn: Connection, notice: int) -> list[tuple[str, dt.datetime]]:
    return rows(conn, "select contact_id, created_at from delivery where notice_id = %s order by id", notice)


def test_the_chain_is_told_step_by_step_and_the_operators_at_the_first(desk: Connection) -> None:
    notice = order(desk)
    assert escalate_overdue(desk, now=DUE - MINUTE) == {"escalated": 0, "answered": 0}
    assert escalate_overdue(desk, now=DUE) == {"escalated": 1, "answered": 0}
    assert told(desk, notice) == [("mill-dcs", NOW), ("mill-boss", DUE)]
    subject = "逾期未回执：磨坊"
    assert rows(
        desk, "select contact_id from delivery d join notice n on n.id = d.notice_id where subject_zh = %s", subject
    ) == [("duty",)]
    assert escalate_overdue(desk, now=DUE + 29 * MINUTE)["escalated"] == 0
    assert escalate_overdue(desk, now=DUE + 30 * MINUTE)["escalated"] == 1
    assert escalate_overdue(desk, now=DUE + 300 * MINUTE)["escalated"] == 1  # the operators' own notice by now
    assert rows(desk, "select told, step from escalation where notice_id = %s order by number", notice) == [
        ("contact", 2), ("nobody", None),
    ]  # fmt: skip


def test_the_operators_chain_is_told_too(desk: Connection) -> None:
    raise_alert(
        desk, AlertKey("any", "site", "mill-1"), severity=MAJOR, subject_zh="a", body_zh="", evidence={}, now=NOW
    )
    desk.execute("update contact set severity_floor = 3 where id = 'chief'")
    notice = order(desk, enterprise=None)
    escalate_overdue(desk, now=DUE)
    assert told(desk, notice) == [("duty", NOW), ("chief", DUE)]
    assert rows(desk, "select count(*) from alert where kind = 'notice_unanswered'") == [(0,)]


def test_an_answer_ends_it(desk: Connection) -> None:
    notice = order(desk)
    escalate_overdue(desk, now=DUE)
    record_answer(desk, notice, Answer("厂长", "link", "k"), now=DUE + MINUTE)
    assert escalate_overdue(desk, now=DUE + 60 * MINUTE) == {"escalated": 0, "answered": 1}
    assert rows(desk, "select state from alert where kind = 'notice_unanswered'") == [("cleared",)]
    assert rows(desk, "select count(*) from screen.overdue where notice_id = %s", notice) == [(0,)]


def test_alerts_escalate_until_acknowledged_or_ended(desk: Connection) -> None:
    key = AlertKey("stack_exceedance_hour", "site", "mill-1")
    seen, over = (
        raise_alert(desk, each, severity=MAJOR, subject_zh="a", body_zh="", evidence={}, now=NOW)
        for each in (key, AlertKey("stack_exceedance_hour", "site", "oven-1"))
    )
    assert seen is not None
    assert over is not None
    acknowledge_alert(desk, seen, by="张三", now=NOW)
    clear_alert(desk, AlertKey("stack_exceedance_hour", "site", "oven-1"), now=NOW)
    escalate_overdue(desk, now=DUE)
    assert rows(desk, "select n.enterprise_id, n.reference from escalation x join notice n on n.id = x.notice_id") == [
        ("mill", f"alert:{seen}")
    ]
    assert [event["action"] for event in read_events(desk, seen)][-1] == "escalate"


def test_red_is_told_further_every_fifteen_minutes(desk: Connection) -> None:
    notice = order(desk, RED)
    escalate_overdue(desk, now=DUE)
    assert escalate_overdue(desk, now=DUE + 14 * MINUTE)["escalated"] == 0
    escalate_overdue(desk, now=DUE + 15 * MINUTE)
    assert rows(desk, "select count(*) from escalation where notice_id = %s", notice) == [(2,)]


def test_what_asks_for_no_answer_never_escalates(desk: Connection) -> None:
    announce(desk, Notice("time_window", "w", "x", "mill", MINOR, "提示", ""), now=NOW)
    assert escalate_overdue(desk, now=NOW + dt.timedelta(days=9))["escalated"] == 0


def test_what_had_nobody_to_go_to_is_sent_once_there_is_somebody(desk: Connection) -> None:
    notice = order(desk, enterprise="oven")
    assert deliver_untold(desk, now=NOW) == 0
    state = "select state from alert where kind = 'nobody_to_tell'"
    assert rows(desk, state) == [("open",)]
    write_contacts(desk, [Contact("oven-boss", None, "oven", "厂长", channels=(("mail", "a@oven.example"),))])
    assert deliver_untold(desk, now=NOW + MINUTE) == 1
    assert told(desk, notice) == [("oven-boss", NOW + MINUTE)]
    assert rows(desk, state) == [("cleared",)]
    assert deliver_untold(desk, now=NOW + 2 * MINUTE) == 0
