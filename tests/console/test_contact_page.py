"""Contacts and alert rules in the console: who is told, of what, and what stays of every change."""

from __future__ import annotations

from typing import Any

from tests.console.conftest import FIRST_ENTERPRISE

KIND = "integrity_finding"


def actions(console: Any, thing: str) -> list[str]:
    rows = console.rows("select action from audit_event where object = %s order by id", thing)
    return [row[0] for row in rows]


def test_a_contact_is_added_changed_tested_and_retired(console: Any) -> None:
    duty = console.person("li", "operator")
    assert "还没有联系人" in duty.get("/contact").text
    fields = {"id": "wang", "name_zh": "王工", "enterprise_id": FIRST_ENTERPRISE, "step": "1", "severity_floor": "2"}
    for wrong, said in (
        ({}, "至少一个通道的地址"),
        ({"mail": "nobody"}, "邮箱地址"),
        ({"mail": "w@localhost", "step": "12"}, "1 至 9 的数"),
        ({"mail": "w@localhost", "hours": "08:00-08:00"}, "两个不同的时刻"),
        ({"mail": "w@localhost", "area_id": "zhongyang"}, "企业联系人只属于企业"),
        ({"mail": "w@localhost", "id": "Wang!"}, "小写字母"),
    ):
        answer = duty.post("/contact-form", {**fields, **wrong})
        assert answer.status_code == 422
        assert said in answer.text, said
    assert console.rows("select count(*) from contact") == [(0,)]
    assert "已保存" in duty.post("/contact-form", {**fields, "mail": "w@localhost;v@localhost"}).text
    again = duty.post("/contact-form", {**fields, "mail": "w@localhost"})
    assert "已经存在" in again.text
    assert "w@localhost" in duty.get("/contact").text
    assert 'value="v@localhost;w@localhost"' in duty.get("/contact/wang").text
    changed = {**fields, "name_zh": "王总", "mail": "w@localhost", "hours": "08:00-20:00"}
    assert "王总" in duty.post("/contact/wang", changed).text
    assert console.rows("select name_zh, severity_floor, opens_at::text from contact") == [("王总", 2, "08:00:00")]
    assert console.rows("select address from contact_channel") == [("w@localhost",)]
    assert "已排队" in duty.post("/contact/wang/test").text
    assert console.rows(
        "select n.kind, d.contact_id, d.address from notice n join delivery d on d.notice_id = n.id"
    ) == [("test", "wang", "w@localhost")]
    assert "已停用" in duty.post("/contact/wang/retire").text
    assert "状态已经改变" in duty.post("/contact/wang/retire").text
    assert "状态已经改变" in duty.post("/contact/wang/test").text
    assert "王总" not in duty.get("/contact").text
    assert "王总" in duty.get("/contact?everything=true").text
    assert "停用</button>" in duty.post("/contact/wang/restore").text
    assert duty.get("/contact/nobody").status_code == 404
    assert duty.post("/contact/wang/dance").status_code == 404
    kept = ["contact.add", "contact.change", "contact.test", "contact.retire", "contact.restore"]
    assert actions(console, "contact/wang") == kept
    ((detail,),) = console.rows("select detail from audit_event where action = 'contact.change'")
    assert detail == {"name_zh": "王总", "mail": "w@localhost", "hours": "08:00-20:00"}


def test_a_rule_changes_with_a_reason_and_every_version_stays(console: Any) -> None:
    boss = console.person("boss", "administrator")
    ((kind, threshold, clear),) = console.rows(
        "select kind, threshold, clear_threshold from screen.alert_rule"
        " where comparator = '>=' and severity < 4 and threshold > 0 order by kind limit 1"
    )
    way = f"/alert-rule/{kind}"
    fields = {
        **{"version": "1", "threshold": str(threshold * 2), "clear_threshold": str(clear), "hold_s": "600"},
        **{"clear_hold_s": "0", "severity": "4", "tells": ["operator", "enterprise"], "enabled": "true"},
    }
    assert "版本 1" in boss.get(way).text
    for wrong, said in (
        ({}, "请填写理由"),
        ({"why": "x", "threshold": "many"}, "“阈值”：填的是“many”，应为数字"),
        ({"why": "x", "clear_threshold": str(threshold * 3)}, "以内的数"),
        ({"why": "x", "version": "7"}, "刚被别人改过"),
    ):
        answer = boss.post(way, {**fields, **wrong})
        assert answer.status_code == 422
        assert said in answer.text, said
    done = boss.post(way, {**fields, "why": "春节期间"})
    assert "版本 2" in done.text
    assert "春节期间" in done.text
    newest = (
        "select version, threshold, hold_s, severity, tells, enabled, changed_by from screen.alert_rule where kind = %s"
    )
    assert console.rows(newest, kind) == [(2, threshold * 2, 600, 4, ["operator", "enterprise"], True, "boss先生")]
    assert "没有改变任何一项" in boss.post(way, {**fields, "version": "2", "why": "再来"}).text
    off = {key: value for key, value in fields.items() if key != "enabled"}
    assert "启用：是 → 否" in boss.post(way, {**off, "version": "2", "why": "检修"}).text
    assert "停用" in boss.get("/alert-rule").text
    assert console.rows("select count(*) from alert_rule where kind = %s", kind) == [(3,)]
    assert actions(console, f"alert_rule/{kind}") == ["rule.change", "rule.change"]
    assert boss.get("/alert-rule/nothing").status_code == 404


def test_a_rule_that_the_program_judges_has_no_threshold(console: Any) -> None:
    page = console.person("boss", "administrator").get(f"/alert-rule/{KIND}").text
    assert "由程序判断" in page
    assert 'name="threshold"' not in page
    assert "修改</h2>" not in console.person("li", "operator").get(f"/alert-rule/{KIND}").text
