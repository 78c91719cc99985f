"""The JSON interface: described, and the same acts as in the pages with a token instead of a form."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest

from store.connection import connect
from store.session import add_token
from tests.console.conftest import FIRST_ENTERPRISE, SECOND_ENTERPRISE
from tests.console.test_alert_page import raised
from tests.console.test_data_page import heard
from tests.console.test_warning_page import furnish


@pytest.fixture
def program(console: Any) -> Any:
    """Makes a client with a token of a new account."""

    def made(name: str, role: str, enterprise: str | None = None) -> httpx.Client:
        console.account(name, role, enterprise)
        with connect(console.database.url("lantian_app")) as conn:
            later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
            add_token(conn, name, "test", f"lt_{name}", expires_at=later)
        client = httpx.Client(
            base_url=f"{console.url}/api/v1", headers={"authorization": f"Bearer lt_{name}"}, timeout=30
        )
        console.browsers.append(client)
        return client

    return made


def test_it_is_described(console: Any) -> None:
    described = console.browser().get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.")
    ways = [(way, method) for way, methods in described["paths"].items() for method in methods]
    assert ("/api/v1/alerts/{number}/close", "post") in ways
    assert all(described["paths"][way][method]["summary"] for way, method in ways)
    assert described["components"]["securitySchemes"]["令牌"]["scheme"] == "bearer"
    # Refusals are described as they are given: no list of faults, as the generated description has it.
    assert "HTTPValidationError" not in described["components"]["schemas"]
    for way, method in ways:
        refused = described["paths"][way][method]["responses"]["422"]["content"]["application/json"]["schema"]
        assert refused == {"$ref": "#/components/schemas/Fault"}, way
    shown = console.person("li", "operator").get("/api").text
    assert all(f"<code>{way}</code>" in shown for way, _ in ways)


def test_a_text_that_no_column_holds_is_a_fault_of_who_asks(console: Any, program: Any) -> None:
    duty = program("li", "operator")
    number = raised(console)
    for answer in (
        duty.get("/alerts", params={"state": "open\0"}),
        duty.post(f"/alerts/{number}/comment", json={"comment": "a\0b"}),
    ):
        assert answer.status_code == 422
        assert "NUL" in answer.json()["detail"]


def test_an_alert_is_handled(console: Any, program: Any) -> None:
    duty = program("li", "operator")
    number = raised(console)
    assert [one["alert_id"] for one in duty.get("/alerts").json()] == [number]
    assert duty.get(f"/alerts/{number}").json()["events"][0]["action"] == "raise"
    assert duty.post(f"/alerts/{number}/acknowledge").json()["state"] == "acknowledged"
    assert duty.post(f"/alerts/{number}/acknowledge").status_code == 409
    assert duty.post(f"/alerts/{number}/assign", json={"to": "王"}).json()["assigned_to"] == "王"
    assert duty.post(f"/alerts/{number}/comment", json={"comment": "x"}).status_code == 200
    assert duty.post(f"/alerts/{number}/comment", json={"comment": ""}).status_code == 422
    until = {"until": "2099-01-01T00:00:00Z", "reason": "检修"}
    assert duty.post(f"/alerts/{number}/mute", json=until).json()["mute_reason"] == "检修"
    assert duty.post(f"/alerts/{number}/mute", json={**until, "until": "2099-01-01T00:00:00"}).status_code == 422
    assert duty.post(f"/alerts/{number}/close", json={"comment": "好了"}).json()["state"] == "closed"
    assert duty.get("/alerts").json() == []
    missing = duty.get("/alerts/999")
    assert (missing.status_code, missing.json()["detail"]) == (404, "没有这条告警")
    actions = [row[0] for row in console.rows("select action from audit_event order by id")]
    assert actions == ["alert.acknowledge", "alert.assign", "alert.comment", "alert.mute", "alert.close"]


def test_a_warning_is_issued_answered_and_inspected(console: Any, program: Any) -> None:
    furnish(console)
    duty, works = program("li", "operator"), program("works", "enterprise", FIRST_ENTERPRISE)
    foundry = program("foundry", "enterprise", SECOND_ENTERPRISE)
    assert duty.get("/warning").json() is None
    start = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    step = {"action": "propose", "level": "orange", "why": "会商", "starts_at": start.isoformat()}
    step["ends_at"] = (start + dt.timedelta(days=2)).isoformat()
    assert duty.post("/warning/steps", json={"action": "confirm", "why": "x"}).status_code == 409
    assert duty.post("/warning/steps", json={"action": "propose", "why": "x"}).status_code == 422
    assert duty.post("/warning/steps", json=step).json()["after"] == "proposed"
    assert duty.post("/warning/steps", json={"action": "confirm", "why": "会商"}).json()["after"] == "orange"
    number = duty.get("/warning").json()["id"]
    assert [one["state"] for one in duty.get("/episodes").json()] == ["orange"]
    episode = duty.get(f"/episodes/{number}").json()
    assert {one["enterprise_id"] for one in episode["orders"]} >= {FIRST_ENTERPRISE, SECOND_ENTERPRISE}
    assert duty.get("/episodes/999").status_code == 404
    (own,) = works.get("/own/orders").json()
    order = own["order_id"]
    assert foundry.get(f"/own/orders/{order}").status_code == 404
    assert foundry.post(f"/own/orders/{order}/answers", json={"key": "a"}).status_code == 404
    answer = {"key": "a", "measures": [f"{FIRST_ENTERPRISE}-m"], "effective_at": start.isoformat()}
    assert [works.post(f"/own/orders/{order}/answers", json=answer).json()["new"] for _ in range(2)] == [True, False]
    assert works.post(f"/own/orders/{order}/answers", json={"key": "b", "measures": ["other"]}).status_code == 422
    assert works.get("/own/notices").json()[0]["acknowledged_via"] == "api"
    assert duty.get(f"/orders/{order}").json()["answers"][0]["measures"] == [f"{FIRST_ENTERPRISE}-m"]
    found = {"inspected_at": start.isoformat(), "result": "no_violation", "note": "已停"}
    inspected = duty.post(f"/orders/{order}/inspections", json=found)
    assert (inspected.status_code, inspected.json()["inspections"][0]["note"]) == (201, "已停")
    change = {"action": "change", "level": "red", "why": "加重"}
    assert duty.post("/warning/steps", json=change).json()["after"] == "red"
    longer = {"action": "extend", "why": "延长", "starts_at": step["starts_at"]}
    longer["ends_at"] = (start + dt.timedelta(days=3)).isoformat()
    assert duty.post("/warning/steps", json=longer).json()["action"] == "extend"
    assert duty.post("/warning/steps", json={"action": "lift", "why": "好转"}).json()["after"] == "lifted"
    assert duty.post("/warning/steps", json={**step, "level": "yellow"}).json()["after"] == "proposed"
    assert duty.post("/warning/steps", json={"action": "reject", "why": "否"}).json()["after"] == "rejected"


def test_devices_targets_and_data(console: Any, program: Any) -> None:
    duty, reviewer = program("li", "operator"), program("shen", "reviewer")
    heard(console)
    assert [one["device_id"] for one in duty.get("/devices/pending").json()] == ["newcomer"]
    approval = {"protocol": "json", "cells": {"site_id": "ningxiang"}}
    assert duty.post("/devices/pending/other/approve", json=approval).status_code == 409
    assert duty.post("/devices/pending/newcomer/approve", json=approval).json()["site_id"] == "ningxiang"
    assert duty.get("/devices/pending").json() == []
    assert "newcomer" in [one["device_id"] for one in duty.get("/devices?site=ningxiang").json()]
    way = "/targets/zhongyang/coal_total/reports"
    assert duty.post(way, json={"as_of": "2026-06-30", "value": -1}).status_code == 422
    assert duty.post(way, json={"as_of": "2026-06-30", "value": 250}).json()[0]["value"] == 250
    assert duty.get("/targets/zhongyang/pm25_annual/reports").status_code == 404
    assert any(one["target_id"] == "coal_total" for one in duty.get("/targets").json())
    assert duty.get("/registers/coal_boiler").json() == []
    assert duty.get("/registers/nothing").status_code == 404
    assert reviewer.get("/revisions").json() == reviewer.get("/reviews").json() == []
    assert reviewer.post("/revisions/9/decision", json={"accept": True, "why": "x"}).status_code == 409
    review = {"device_id": "ningxiang-air", "columns": ["pm25"], "verdict": "invalid", "why": "x"}
    span = {"low": "2026-01-01T00:00:00Z", "high": "2026-01-01T01:00:00Z"}
    assert reviewer.post("/reviews", json={**review, **span}).status_code == 409
    assert reviewer.post("/reviews/9/confirm", json={"why": "x"}).status_code == 409
    assert reviewer.post("/reviews/9/dance", json={"why": "x"}).status_code == 404
