"""A warning in the console: proposed, shown before it is sent, confirmed, answered by enterprises, followed, lifted."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from alerting.signature import ANSWER, Ticket, signed_ticket
from domain.period import ZONE
from domain.reduction_register import REDUCTION_LINE, REDUCTION_MEASURE
from store.connection import connect
from store.order import Verification, read_order_measures, read_orders, write_verifications
from store.register import Author, Change, write_changes
from tests.console.conftest import FIRST_ENTERPRISE, SECOND_ENTERPRISE, running_console

WORD = re.compile(r'name="standing" value="([^"]+)"')
KEY = re.compile(r'name="key" value="([^"]+)"')
LINK_KEY = b"0123456789abcdef0123456789abcdef"


def furnish(console: Any) -> None:
    """A line and measures of each enterprise of the tests, and somebody to tell."""
    with connect(console.database.url("lantian_app")) as conn:
        for enterprise in (FIRST_ENTERPRISE, SECOND_ENTERPRISE):
            line = {field.key: None for field in REDUCTION_LINE.fields} | {
                **{"id": f"{enterprise}-1", "area_id": "zhongyang", "enterprise_id": enterprise},
                **{"name_zh": "1号线", "process": "sinter"},
            }
            measure = {field.key: None for field in REDUCTION_MEASURE.fields} | {
                **{"id": f"{enterprise}-m", "area_id": "zhongyang", "scope": "enterprise"},
                **{"enterprise_id": enterprise, "line_id": f"{enterprise}-1", "level": "orange", "kind": "stop"},
                **{"detail": "全线停产"},
            }
            write_changes(conn, REDUCTION_LINE, [Change("add", line, 0)], Author("测试", ""))
            write_changes(conn, REDUCTION_MEASURE, [Change("add", measure, 0)], Author("测试", ""))
            conn.execute(
                "insert into contact (id, enterprise_id, name_zh) values (%s, %s, '调度室')", (enterprise, enterprise)
            )
            conn.execute("insert into contact_channel values (%s, 'mail', 'a@localhost')", (enterprise,))


def step(console: Any, browser: Any, action: str, way: str = "/warning/step", **more: str) -> httpx.Response:
    """Send the form of a step as the page has it."""
    word = WORD.search(browser.get("/warning").text)
    now = console.clock().astimezone(ZONE)
    fields = {"action": action, "standing": word[1] if word else "", "why": "会商决定", **more}
    if action in ("propose", "change", "extend"):
        fields.setdefault("starts", (now + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:00"))
        fields.setdefault("ends", (now + dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:00"))
    return browser.post(way, fields)


@pytest.fixture
def linked(seeded: Any, tmp_path: Any) -> Any:
    """A console whose links hold, with a reduction list."""
    with running_console(seeded, tmp_path, link_key=LINK_KEY) as console:
        furnish(console)
        yield console


def test_from_proposal_to_lift(linked: Any) -> None:
    duty, works = linked.person("li", "operator"), linked.person("works", "enterprise", FIRST_ENTERPRISE)
    foundry = linked.person("foundry", "enterprise", SECOND_ENTERPRISE)
    assert "现在没有减排指令" in works.get("/").text
    assert "请选择预警等级" in step(linked, duty, "propose").text
    assert step(linked, duty, "propose", level="orange").status_code == 200
    assert "待确认：橙色预警" in duty.get("/").text
    shown = step(linked, duty, "confirm", "/warning/preview")
    assert "尚未执行" in shown.text
    assert "测试钢铁厂" in shown.text
    assert "全线停产" in shown.text
    assert linked.rows("select count(*) from reduction_order") == [(0,)]
    assert linked.rows("select count(*) from notice where enterprise_id is not null") == [(0,)]
    done = step(linked, duty, "confirm")
    assert done.url.path.startswith("/warning/")
    assert "已送达企业" in done.text
    orders = dict(linked.rows("select enterprise_id, id from reduction_order"))
    assert set(orders) >= {FIRST_ENTERPRISE, SECOND_ENTERPRISE}
    number = orders[FIRST_ENTERPRISE]

    assert "须执行减排措施" in works.get("/").text
    assert foundry.get(f"/own/order/{number}").status_code == 404
    assert foundry.post(f"/own/order/{number}", {"measure": "x"}).status_code == 404
    page = works.get(f"/own/order/{number}")
    key = KEY.search(page.text)
    assert key is not None
    assert "请勾选" in works.post(f"/own/order/{number}", {"key": key[1], "effective_at": "2026-11-26T08:00"}).text
    assert "开始执行的时间" in works.post(f"/own/order/{number}", {"measure": f"{FIRST_ENTERPRISE}-m"}).text
    fields = {"key": key[1], "measure": f"{FIRST_ENTERPRISE}-m", "effective_at": "2026-11-26T08:00", "comment": "已停"}
    for _ in range(2):
        assert "回执已提交" in works.post(f"/own/order/{number}", fields).text
    assert linked.rows("select measures, via, comment from acknowledgement") == [
        ([f"{FIRST_ENTERPRISE}-m"], "console", "已停")
    ]
    episode = duty.get(done.url.path).text
    assert "works先生" in episode
    assert "1/" in episode

    verify(linked, number)
    evidence = works.get(f"/own/order/{number}").text
    assert "已落实 2 小时，涉嫌未落实 1 小时" in evidence
    assert "svg" in evidence
    assert "录入核查结果" in duty.get(f"/order/{number}").text
    inspected = {"at": "2026-11-26T10:00", "result": "no_violation", "note": "现场已停"}
    assert "未发现违反" in duty.post(f"/order/{number}/inspect", inspected).text
    assert "请填写核查时间" in duty.post(f"/order/{number}/inspect", {"at": "", "result": "x"}).text

    receipts = duty.get(f"{done.url.path}/receipts.csv").text.splitlines()
    assert receipts[0].startswith("\ufeff企业,等级,")
    assert next(line for line in receipts if line.startswith("测试钢铁厂,橙色预警")).endswith(",works先生,1,2,1,1")

    lifted = step(linked, duty, "lift")
    assert "已解除" in lifted.text
    assert linked.rows("select count(*) from reduction_order where ended_at is null") == [(0,)]
    assert "现在没有减排指令" in works.get("/own").text
    done_by = linked.rows("select action from audit_event where action like 'warning.%%' order by id")
    assert done_by == [("warning.propose",), ("warning.confirm",), ("warning.lift",)]


def verify(console: Any, order: int) -> None:
    """Three hours of verdicts on the order's measure."""
    with connect(console.database.url("lantian_app")) as conn:
        (measure,) = read_order_measures(conn, [order])
        start = read_orders(conn, enterprise_id=FIRST_ENTERPRISE)[0].starts_at
        rows = [
            Verification(
                *(measure.id, start + dt.timedelta(hours=n), verdict, "below_allowed"),
                *(power, 900.0, 180.0, 240.0, None, None, None, None),
            )
            for n, (verdict, power) in enumerate(
                [("fulfilled", 150.0), ("fulfilled", 120.0), ("suspected", 700.0), ("undetermined", None)]
            )
        ]
        write_verifications(conn, rows)


def test_a_step_for_another_state_is_refused(linked: Any) -> None:
    duty, colleague = linked.person("li", "operator"), linked.person("wang", "operator")
    step(linked, duty, "propose", level="yellow")
    old = WORD.search(duty.get("/warning").text)
    assert old is not None
    linked.clock.ahead = dt.timedelta(minutes=1)
    step(linked, colleague, "propose", level="red")
    late = step(linked, duty, "confirm", standing=old[1])
    assert "已被他人或平台改变" in late.text
    assert linked.rows("select state, proposed_level from warning") == [("proposed", "red")]
    assert "未采纳" in step(linked, duty, "reject").text
    assert "当前状态不允许" in step(linked, duty, "lift").text
    assert linked.rows("select state from warning") == [("rejected",)]


def test_orders_from_above_and_dust_are_entered(linked: Any) -> None:
    duty = linked.person("li", "operator")
    order = {
        "authority": "city",
        "issuer": "吕梁市",
        "document": "1号",
        "level": "orange",
        "valid_from": "2026-11-26T08:00",
    }
    assert "吕梁市" in duty.post("/warning/external", order).text
    assert duty.post("/warning/external", {**order, "valid_to": "2026-11-25T08:00"}).status_code == 422
    assert duty.post("/warning/external", {**order, "level": "blue"}).status_code == 422
    ((number,),) = linked.rows("select id from external_order")
    assert duty.post(f"/warning/external/{number}/revoke", {"why": "作废"}).status_code == 200
    assert duty.post(f"/warning/external/{number}/revoke", {"why": "作废"}).status_code == 404
    dust = {"cause": "dust", "starts": "2026-11-26T08:00", "ends": "2026-11-27T08:00"}
    assert duty.post("/warning/exclusion", dust).status_code == 200
    assert duty.post("/warning/exclusion", {**dust, "ends": dust["starts"]}).status_code == 422


def test_a_signed_link_answers_its_notice_and_no_other(linked: Any) -> None:
    duty = linked.person("li", "operator")
    step(linked, duty, "propose", level="orange")
    step(linked, duty, "confirm")
    notices = dict(
        linked.rows("select enterprise_id, id from notice where enterprise_id is not null and kind = 'order'")
    )
    ticket = Ticket(ANSWER, notices[FIRST_ENTERPRISE], FIRST_ENTERPRISE, linked.clock() + dt.timedelta(days=1))
    way = f"/answer/{signed_ticket(LINK_KEY, ticket)}"
    stranger = linked.browser()
    page = stranger.get(way)
    assert "全线停产" in page.text
    key = KEY.search(page.text)
    assert key is not None
    fields = {"key": key[1], "measure": f"{FIRST_ENTERPRISE}-m", "effective_at": "2026-11-26T08:00", "by": "赵"}
    assert "您的姓名" in stranger.client.post(way, data={**fields, "by": ""}).text
    assert stranger.client.post(way, data=fields, headers={"origin": "https://evil.example"}).status_code == 403
    assert stranger.client.post(way, data={**fields, "measure": f"{SECOND_ENTERPRISE}-m"}).status_code == 404
    for _ in range(2):
        assert "回执已提交" in stranger.client.post(way, data=fields).text
    assert linked.rows("select by, via from acknowledgement") == [("赵（调度室）", "link")]
    wrong = [
        f"{way[:-3]}abc",
        "/answer/nothing",
        f"/answer/{signed_ticket(b'another key another key', ticket)}",
        f"/answer/{signed_ticket(LINK_KEY, replace(ticket, notice_id=notices[SECOND_ENTERPRISE]))}",
        f"/answer/{signed_ticket(LINK_KEY, replace(ticket, purpose='other'))}",
    ]
    assert [stranger.get(each).status_code for each in wrong] == [404] * len(wrong)
    linked.clock.ahead = dt.timedelta(days=2)
    assert stranger.get(way).status_code == 404
    assert stranger.get("/own").url.path == "/sign-in"
