"""Alerts: what somebody must see, and everything that is done about each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of, form_of
from console.moment import local_moment
from console.rendering import page, seen_other
from console.role import Permission, may
from domain.error import ConfigurationError
from store.account import read_accounts
from store.acknowledgement import read_notices
from store.alert import (
    Mute,
    acknowledge_alert,
    assign_alert,
    close_alert,
    comment_alert,
    end_mute,
    mute,
    read_alert,
    read_alerts,
    read_events,
    read_mutes,
)
from store.alert_rule import read_rules
from store.audit import add_deed
from store.connection import Connection
from store.notice_board import read_answers_of, read_deliveries_of, read_overdue

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]
Handler = Annotated[Visit, Depends(allowed(Permission.HANDLE_ALERT))]
#: What a list shows -> states, and its words.
LISTS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "active": (("open", "acknowledged"), "待处理与处理中"),
    "cleared": (("cleared",), "已恢复，待关闭"),
    "closed": (("closed",), "已关闭"),
}


@router.get("/alert")
def show_alerts(request: Request, visit: Reader, show: str = "active", kind: str = "") -> Response:  # noqa: ARG001
    """Alerts in some states, the gravest first, and the mutes that hold."""
    desk, chosen = desk_of(request), show if show in LISTS else "active"
    with desk.connection("read the alerts") as conn:
        alerts = read_alerts(conn, states=LISTS[chosen][0], kind=kind or None)
        mutes, rules = read_mutes(conn, now=desk.now()), read_rules(conn)
    words: dict[str, Any] = {
        "alerts": alerts,
        "mutes": mutes,
        "kinds": [(key, rule.title_zh) for key, rule in rules.items()],
        "kinds_zh": {key: rule.title_zh for key, rule in rules.items()},
        "lists": [(key, text) for key, (_, text) in LISTS.items()],
        "given": {"show": chosen, "kind": kind},
    }
    return page(request, "alert.html", **words)


def found_alert(conn: Connection, number: int) -> dict[str, Any]:
    """The alert; 404 when there is none."""
    try:
        return read_alert(conn, number)
    except ConfigurationError as error:
        raise HTTPException(404, "没有这条告警") from error


def _alert_page(
    request: Request, number: int, *, faults: tuple[str, ...] = (), given: Mapping[str, str] | None = None
) -> Response:
    with desk_of(request).connection("read the alert") as conn:
        alert = found_alert(conn, number)
        events, notices = read_events(conn, number), read_notices(conn, reference=f"alert:{number}")
        numbers = [one["notice_id"] for one in notices]
        words: dict[str, Any] = {
            "alert": alert,
            "events": events[::-1],
            "notices": notices,
            "deliveries": read_deliveries_of(conn, numbers),
            "answers": read_answers_of(conn, numbers),
            "colleagues": [
                (one.name_zh, one.name_zh)
                for one in read_accounts(conn)
                if one.disabled_at is None and may(one.role, Permission.HANDLE_ALERT)
            ],
        }
    return page(request, "alert_one.html", code=422 if faults else 200, faults=faults, given=given or {}, **words)


@router.get("/alert/{number}")
def show_alert(request: Request, number: int, visit: Reader) -> Response:  # noqa: ARG001
    """One alert: evidence, what happened, who was told, what can be done."""
    return _alert_page(request, number)


@router.post("/alert/{number}/{action}")
def handle_alert(request: Request, number: int, action: str, form: Form, visit: Handler) -> Response:
    """Acknowledge, assign, comment, mute or close."""
    desk = desk_of(request)
    step = _STEPS.get(action)
    if step is None:
        raise HTTPException(404)
    try:
        with desk.connection("handle the alert") as conn:
            alert = found_alert(conn, number)
            fault = step(conn, alert, form, visit.person.name_zh, desk.now())
            if not fault:
                detail = {key: value for key, value in form.items() if key != "csrf" and value}
                add_deed(conn, visit.deed(f"alert.{action}", f"alert/{number}", **detail))
    except ConfigurationError:
        fault = "这条告警的状态已经改变，不能再这样处理；请看下面的最新情况"
    if fault:
        return _alert_page(request, number, faults=(fault,), given=form)
    return seen_other(f"/alert/{number}", "alert_handled")


Alert = Mapping[str, Any]


def _acknowledge(conn: Connection, alert: Alert, form: Mapping[str, str], who: str, now: dt.datetime) -> str:
    acknowledge_alert(conn, alert["alert_id"], by=who, now=now, comment=form.get("comment") or None)
    return ""


def _comment(conn: Connection, alert: Alert, form: Mapping[str, str], who: str, now: dt.datetime) -> str:
    if not form.get("comment"):
        return "请填写备注"
    comment_alert(conn, alert["alert_id"], comment=form["comment"], by=who, now=now)
    return ""


def _assign(conn: Connection, alert: Alert, form: Mapping[str, str], who: str, now: dt.datetime) -> str:
    if not form.get("to"):
        return "请选择指派给谁"
    assign_alert(conn, alert["alert_id"], to=form["to"], by=who, now=now)
    return ""


def _close(conn: Connection, alert: Alert, form: Mapping[str, str], who: str, now: dt.datetime) -> str:
    if not form.get("comment"):
        return "请填写处理结果"
    close_alert(conn, alert["alert_id"], by=who, now=now, comment=form["comment"])
    return ""


def _mute(conn: Connection, alert: Alert, form: Mapping[str, str], who: str, now: dt.datetime) -> str:
    until = local_moment(form.get("until", ""))
    if not form.get("reason") or until is None or until <= now:
        return "静默须填写理由，以及晚于现在的结束时间"
    source = None if form.get("scope") == "kind" else (alert["source_kind"], alert["source_id"])
    mute(conn, Mute(alert["kind"], source, until, form["reason"]), by=who, now=now)
    return ""


_STEPS: Final = {
    "acknowledge": _acknowledge,
    "comment": _comment,
    "assign": _assign,
    "close": _close,
    "mute": _mute,
}


@router.get("/overdue")
def show_overdue(request: Request, visit: Reader) -> Response:  # noqa: ARG001
    """Notices that nobody answered in time."""
    desk = desk_of(request)
    with desk.connection("read the overdue notices") as conn:
        rows = read_overdue(conn, desk.county)
    return page(request, "overdue.html", rows=rows)


@router.post("/mute/{number}/end")
def unmute(request: Request, number: int, visit: Handler) -> Response:
    """End a mute before its time."""
    desk = desk_of(request)
    try:
        with desk.connection("end the mute") as conn:
            end_mute(conn, number, by=visit.person.name_zh, now=desk.now())
            add_deed(conn, visit.deed("alert.unmute", f"mute/{number}"))
    except ConfigurationError as error:
        raise HTTPException(404, "这项静默已经结束") from error
    return seen_other("/alert", "mute_ended")
