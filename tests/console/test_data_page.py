"""Devices, targets, registers, reviews and revisions in the console, with what stays in the database."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest

from console.fault import fault_zh
from domain.family import AIR
from domain.period import ZONE
from tests.console.conftest import FIRST_ENTERPRISE

STRANGER = "lt/v1/zhongyang/json/newcomer/data"


def heard(console: Any, topic: str = STRANGER) -> None:
    console.rows(
        "insert into reject (received_at, topic, payload, reason, detail, batch_id)"
        " values (now(), %s, '{\"a\": 1}', 'unknown_device', '', 1)",
        topic,
    )


def test_a_stranger_is_refused_restored_and_registered(console: Any) -> None:
    duty = console.person("li", "operator")
    heard(console)
    assert "设备待登记" in duty.get("/").text
    way = "/device/pending/json/newcomer"
    assert "&#34;a&#34;: 1" in duty.get(way).text
    assert "请填写不予登记的理由" in duty.post(f"{way}/refuse").text
    assert "没有待登记" in duty.post(f"{way}/refuse", {"why": "外地设备"}).text
    assert "设备待登记" not in duty.get("/").text
    assert duty.get(way).status_code == 404
    assert "newcomer" in duty.post(f"{way}/restore").text
    assert duty.post(f"{way}/restore").status_code == 404
    assert "请选择点位" in duty.post(f"{way}/approve").text
    assert "整数秒" in duty.post(f"{way}/approve", {"site_id": "ningxiang", "span_s": "x"}).text
    assert "没有通过检查" in duty.post(f"{way}/approve", {"site_id": "nowhere"}).text
    done = duty.post(f"{way}/approve", {"site_id": "ningxiang", "family": "air", "span_s": "60", "interval_s": "60"})
    assert "设备已登记" in done.text
    assert console.rows("select site_id, protocol from device where id = 'newcomer'") == [("ningxiang", "json")]
    assert "newcomer" in duty.get("/device?text=newcomer").text
    assert "没有符合条件" in duty.get("/device?text=nothing").text
    kept = console.rows("select action from audit_event where object = 'device/newcomer' order by id")
    assert [row[0] for row in kept] == ["device.refuse", "device.restore", "device.approve"]


def test_figures_are_added_and_never_replaced(console: Any) -> None:
    duty = console.person("li", "operator")
    way = "/target/zhongyang/coal_total"
    today = console.clock().astimezone(ZONE).date()
    for fields, said in (
        ({"value": "x", "as_of": str(today)}, "数值应为数字"),
        ({"value": "-1", "as_of": str(today)}, "不小于 0"),
        ({"value": "480", "as_of": str(today + dt.timedelta(days=1))}, "不能晚于今天"),
        ({"value": "480", "as_of": ""}, "请填写数据所属日期"),
    ):
        answer = duty.post(way, fields)
        assert answer.status_code == 422
        assert said in answer.text
    for value in ("480", "478.5"):
        done = duty.post(way, {"value": value, "as_of": str(today), "note": "统计局"})
    assert "已被同日后一次代替" in done.text
    assert console.rows("select value, reported_by from target_report order by id") == [
        (480.0, "li先生（li）"),
        (478.5, "li先生（li）"),
    ]
    assert "478.5" in duty.get("/target").text
    assert duty.get("/target/zhongyang/pm25_annual").status_code == 404
    assert "您的角色不能填报" in console.person("shen", "reviewer").get(way).text


def test_a_register_entry_is_added_corrected_and_retired(console: Any) -> None:
    duty = console.person("li", "operator")
    assert "还没有记录" in duty.get("/register/coal_boiler").text
    fields = {"id": "b-1", "name_zh": "供热锅炉", "kind": "boiler", "fuel": "coal", "capacity_t_h": "10"}
    assert "锅炉" in duty.get("/register-form/coal_boiler").text
    wrong = duty.post("/register-form/coal_boiler", {**fields, "capacity_t_h": "many"})
    assert wrong.status_code == 422
    assert "many" in wrong.text
    assert "已保存为新版本" in duty.post("/register-form/coal_boiler", fields).text
    way = "/register-form/coal_boiler/b-1"
    assert "请填写更正理由" in duty.post(way, {**fields, "capacity_t_h": "20"}).text
    corrected = duty.post(way, {**fields, "capacity_t_h": "20", "why": "铭牌"})
    assert "10 → 20" in corrected.text
    assert duty.post(f"{way}/retire").status_code == 422
    assert "已注销" in duty.post(f"{way}/retire", {"why": "误录"}).text
    assert "已恢复" in duty.post(f"{way}/restore", {"why": "没有误录"}).text
    kept = console.rows("select action, changed_by, why from register_coal_boiler order by version")
    assert [row[0] for row in kept] == ["add", "correct", "retire", "restore"]
    assert {row[1] for row in kept} == {"li先生"}
    assert duty.get("/register/nothing").status_code == 404
    assert duty.get("/register/coal_boiler/nothing").status_code == 404


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_the_reduction_list_is_imported_line_by_line_or_not_at_all(console: Any) -> None:
    duty = console.person("li", "operator")
    assert "清单还是空的" in duty.get("/reduction").text

    def send(register: str, content: bytes, name: str = "清单.xlsx") -> str:
        data = {"csrf": duty.csrf()}
        return duty.client.post(f"/register-import/{register}", data=data, files={"file": (name, content)}).text

    heads = ("生产线编号", "企业", "生产线", "工序", "颗粒物日排放量")
    bad = workbook(heads, ("l-1", FIRST_ENTERPRISE, "一号", "烧结", 2.5), ("l-2", "nobody", "二号", "烧结", "much"))
    said = send("reduction_line", bad)
    assert "一行也没有写入" in said
    assert "第3行" in said
    assert console.rows("select count(*) from register_reduction_line") == [(0,)]
    assert "新登记 1 条" in send("reduction_line", workbook(heads, ("l-1", FIRST_ENTERPRISE, "一号", "烧结", 2.5)))
    measures = ("编号", "适用范围", "企业", "生产线编号", "预警等级", "措施类型", "措施内容")
    line = ("m-1", "企业", FIRST_ENTERPRISE, "l-1", "橙色", "停产", "全线停产")
    assert "新登记 1 条" in send("reduction_measure", workbook(measures, line))
    page = duty.get("/reduction").text
    assert "一号：停产。全线停产" in page
    assert "应为" in send("reduction_line", b"x", "清单.pdf") or "expected" in send("reduction_line", b"x", "清单.pdf")
    sheet = duty.get("/register-sheet/reduction_line")
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.content)).active.values)  # type: ignore[union-attr]
    assert rows[1][:4] == ("l-1", FIRST_ENTERPRISE, "一号", "烧结")
    assert "请选择文件" in duty.post("/register-import/reduction_line").text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a.csv line 3, column 负荷上限（%） (limit_percent): found 'x', expected a number from 0 to 100",
         "第3行“负荷上限（%）”：填的是“x”，应为0 至 100 的数"),
        ("register coal_boiler, column kind: found '', expected a choice", "“kind”：没有填写，应为填写"),
        ("something else", "something else"),
    ],
)  # fmt: skip
def test_faults_are_told_in_chinese(said: str, shown: str) -> None:
    assert fault_zh(said) == shown


def reading(console: Any, time: dt.datetime) -> None:
    console.rows(
        "insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at)"
        " values ('ningxiang-air', %s, 60, 35, %s, %s, now())",
        *(time, "1" + "9" * (AIR.width - 1), "N" + "-" * (AIR.width - 1)),
    )


def test_a_review_needs_two_persons(console: Any) -> None:
    first, second = console.person("shen", "reviewer"), console.person("sun", "reviewer")
    time = console.clock().replace(second=0, microsecond=0) - dt.timedelta(hours=3)
    reading(console, time)
    start = time.astimezone(ZONE)
    fields = {
        **{"device": "ningxiang-air", "column": "pm25", "verdict": "invalid", "why": "校准"},
        **{"low": f"{start:%Y-%m-%dT%H:%M}", "high": f"{start + dt.timedelta(hours=1):%Y-%m-%dT%H:%M}"},
    }
    way = "/review?device=ningxiang-air"
    assert "细颗粒物" in first.get(way).text
    assert "请勾选至少一个项目" in first.post(way, {**fields, "column": ""} | {"column": []}).text
    assert "止应晚于起" in first.post(way, {**fields, "high": fields["low"]}).text
    assert "没有这些项目的数据" in first.post(way, {**fields, "column": "so2"}).text
    assert "须由另一人确认" in first.post(way, fields).text
    ((number,),) = console.rows("select id from review")
    assert "1 条审核等待另一人确认" in second.get("/").text
    assert "另一人确认" in first.post(f"/review/{number}/confirm", {"why": "同意"}).text
    assert "请填写理由" in second.post(f"/review/{number}/confirm").text
    assert "审核已生效" in second.post(f"/review/{number}/confirm", {"why": "同意"}).text
    assert console.rows("select count(*) from dirty_hour") == [(1,)]
    assert "等待另一人确认" not in second.get("/").text
    assert "另一人撤销" in first.post(f"/review/{number}/withdraw", {"why": "错"}).text
    assert "审核已撤销" in second.post(f"/review/{number}/withdraw", {"why": "错"}).text
    assert "不能再这样处理" in second.post(f"/review/{number}/withdraw", {"why": "错"}).text


def test_revisions_are_compared_and_decided_together_or_not_at_all(console: Any) -> None:
    reviewer = console.person("shen", "reviewer")
    time = console.clock().replace(second=0, microsecond=0) - dt.timedelta(hours=3)
    reading(console, time)
    for value in (36, 37):
        console.rows(
            "insert into revision (family, device_id, time, span_s, factor, field, new_values, flag, mark, received_at,"
            " announced, status) values ('air', 'ningxiang-air', %s, 60, '', '', %s::jsonb, %s, %s, now(), false,"
            " 'proposed')",
            *(time, '{"pm25": ' + str(value) + "}", "1" + "9" * (AIR.width - 1), "N" + "-" * (AIR.width - 1)),
        )
    numbers = [str(row[0]) for row in console.rows("select id from revision order by id")]
    page = reviewer.get("/revision").text
    assert "细颗粒物 35 → <b>36</b>" in page
    assert "请勾选" in reviewer.post("/revision", {"verdict": "accept", "why": "x"}).text
    assert "请填写理由" in reviewer.post("/revision", {"id": numbers, "verdict": "accept"}).text
    assert "修订已采纳" in reviewer.post("/revision", {"id": numbers[:1], "verdict": "accept", "why": "核实"}).text
    mixed = reviewer.post("/revision", {"id": numbers, "verdict": "refuse", "why": "核实"})
    assert "本次没有改变任何一条" in mixed.text
    assert [row[0] for row in console.rows("select status from revision order by id")] == ["accepted", "proposed"]
    assert "修订已驳回" in reviewer.post("/revision", {"id": numbers[1:], "verdict": "refuse", "why": "核实"}).text
    assert console.rows("select decided_by from revision order by id") == [("shen",), ("shen",)]
    assert "shen：核实" in reviewer.get("/revision?status=accepted").text
