"""Alerts in the console: seen, acknowledged, assigned, remarked, muted, closed; who was told and who is late."""

from __future__ import annotations

import datetime as dt
from typing import Any

from domain.period import ZONE
from store.alert import AlertKey, raise_alert, read_alerts
from store.connection import connect
from tests.console.conftest import FIRST_ENTERPRISE, SECOND_ENTERPRISE


def raised(console: Any, source: str = FIRST_ENTERPRISE, severity: int = 3) -> int:
    with connect(console.database.url("lantian_app")) as conn:
        told = "insert into contact (id, enterprise_id, name_zh) values (%s, %s, '值班') on conflict do nothing"
        conn.execute(told, ("duty", None))
        conn.execute(told, ("at-source", source))
        conn.execute("insert into contact_channel values ('at-source', 'mail', 'd@localhost') on conflict do nothing")
        conn.execute("insert into contact_channel values ('duty', 'mail', 'd@localhost') on conflict do nothing")
        number = raise_alert(
            conn,
            AlertKey("stack_exceedance_hour", "enterprise", source),
            severity=severity,
            subject_zh=f"{source}排放超标",
            body_zh="二氧化硫小时均值超过限值",
            evidence={
                "value": 51.5,
                "limit": 35,
                "time": "2026-11-25T20:00:00+00:00",
                "more": [{"hour": 1}],
                "x": None,
            },
            now=console.clock(),
        )
    assert number is not None
    return number


def test_an_alert_from_raising_to_closing(console: Any) -> None:
    duty = console.person("li", "operator")
    number = raised(console)
    assert f"{FIRST_ENTERPRISE}排放超标" in duty.get("/").text
    page = duty.get(f"/alert/{number}").text
    assert "51.5" in page
    assert "2026-11-26 04:00" in page
    assert "待发送" in page
    assert "处理中" in duty.post(f"/alert/{number}/acknowledge", {"comment": "去现场"}).text
    assert "不能再这样处理" in duty.post(f"/alert/{number}/acknowledge").text
    assert "请选择指派给谁" in duty.post(f"/alert/{number}/assign").text
    assert "li先生" in duty.post(f"/alert/{number}/assign", {"to": "li先生"}).text
    assert "请填写备注" in duty.post(f"/alert/{number}/comment").text
    assert "已联系企业" in duty.post(f"/alert/{number}/comment", {"comment": "已联系企业"}).text
    assert "请填写处理结果" in duty.post(f"/alert/{number}/close").text
    assert "已关闭" in duty.post(f"/alert/{number}/close", {"comment": "已修复"}).text
    assert duty.post(f"/alert/{number}/dance").status_code == 404
    assert duty.get("/alert/999").status_code == 404
    assert "没有待处理" in duty.get("/alert").text
    assert "排放超标" in duty.get("/alert?show=closed").text
    done = console.rows("select action, by from alert_event where alert_id = %s order by id", number)
    assert [row[0] for row in done] == ["raise", "announce", "acknowledge", "assign", "comment", "close"]
    assert {row[1] for row in done[2:]} == {"li先生"}
    kept = console.rows("select action from audit_event where object = %s order by id", f"alert/{number}")
    assert [row[0] for row in kept] == ["alert.acknowledge", "alert.assign", "alert.comment", "alert.close"]


def test_a_mute_has_a_reason_and_an_end(console: Any) -> None:
    duty = console.person("li", "operator")
    number = raised(console)
    later = (console.clock() + dt.timedelta(hours=3)).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")
    for fields in ({"until": later}, {"until": "2020-01-01T00:00", "reason": "x"}, {"reason": "x"}):
        assert duty.post(f"/alert/{number}/mute", fields).status_code == 422
    assert "静默至" in duty.post(f"/alert/{number}/mute", {"until": later, "reason": "检修", "scope": "source"}).text
    assert console.rows("select source_id, reason from mute") == [(FIRST_ENTERPRISE, "检修")]
    assert "正在静默" in duty.get("/alert").text
    ((mute,),) = console.rows("select id from mute")
    assert "静默已结束" in duty.post(f"/mute/{mute}/end").text
    assert duty.post(f"/mute/{mute}/end").status_code == 404
    duty.post(f"/alert/{number}/mute", {"until": later, "reason": "检修", "scope": "kind"})
    assert console.rows("select source_id from mute where ended_at is null") == [(None,)]


def test_who_has_not_answered_in_time_is_on_the_overview(console: Any) -> None:
    duty = console.person("li", "operator")
    console.clock.ahead = -dt.timedelta(days=2)
    number = raised(console)
    console.clock.ahead = dt.timedelta()
    assert "值班人员" in duty.get("/overdue").text
    assert "逾期未回执" in duty.get("/").text
    duty.post(f"/alert/{number}/acknowledge")
    assert console.rows("select count(*) from screen.overdue where enterprise_id is null") == [(0,)]


def test_an_enterprise_sees_and_answers_only_its_own_notices(console: Any) -> None:
    works = console.person("works", "enterprise", FIRST_ENTERPRISE)
    foundry = console.person("foundry", "enterprise", SECOND_ENTERPRISE)
    console.rows(
        "insert into notice (kind, reference, enterprise_id, severity, subject_zh, body_zh, created_at, respond_by)"
        " values ('alert', 'alert:0', %s, 3, '请核实', '正文', now(), now() + interval '1 hour')",
        FIRST_ENTERPRISE,
    )
    ((number,),) = console.rows("select id from notice")
    assert "请核实" in works.get("/own").text
    assert "请核实" not in foundry.get("/own").text
    console.rows("update notice set reference = 'test:1'")
    assert foundry.get(f"/own/notice/{number}").status_code == 404
    assert foundry.post(f"/own/notice/{number}", {"comment": "x"}).status_code == 404
    assert works.get("/own/notice/999").status_code == 404
    assert "已核实" in works.post(f"/own/notice/{number}", {"comment": "已核实", "key": "k"}).text
    assert works.get("/alert").status_code == 404
    with connect(console.database.url("lantian_app")) as conn:
        assert read_alerts(conn) == []


def test_a_message_that_could_not_be_sent_is_sent_again(console: Any) -> None:
    duty = console.person("li", "operator")
    raised(console)
    assert "没有失败的通知" in duty.get("/delivery").text
    console.rows("update delivery set state = 'sending', message_key = gen_random_uuid(), leased_until = now()")
    console.rows("update delivery set state = 'dead', leased_until = null, error = '对方拒收'")
    ((number,), *_) = console.rows("select id from delivery order by id")
    assert "对方拒收" in duty.get("/delivery").text
    assert "已重新排队" in duty.post(f"/delivery/{number}/replay").text
    assert console.rows("select state from delivery where id = %s", number) == [("waiting",)]
    assert duty.post(f"/delivery/{number}/replay").status_code == 404
    assert console.rows("select outcome, worker from delivery_attempt") == [("replayed", "li先生")]
