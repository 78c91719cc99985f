"""JSON: alerts and what is done about them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from console.api.word import REFUSALS, Handler, Reader, Row, conflicts
from console.guard import desk_of
from console.page.alert import found_alert
from store.alert import (
    Mute,
    acknowledge_alert,
    assign_alert,
    close_alert,
    comment_alert,
    mute,
    read_alert,
    read_alerts,
    read_events,
)
from store.audit import add_deed
from store.notice_board import read_overdue

router: Final = APIRouter(tags=["告警"], responses=REFUSALS)
State = Annotated[list[str] | None, Query(description="open、acknowledged、cleared、closed；默认前两种")]
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class Remark(BaseModel):
    """In words."""

    comment: Words


class Assignment(BaseModel):
    """To whom."""

    to: Words


class MuteIn(BaseModel):
    """Until when and why nobody is told; of every source of the kind, or of this alert's only."""

    until: AwareDatetime
    reason: Words
    every_source: bool = False


@router.get("/alerts", summary="告警列表")
def list_alerts(request: Request, visit: Reader, state: State = None, kind: str | None = None) -> list[Row]:  # noqa: ARG001
    """Alerts in some states, the gravest and newest first: columns of view screen.alert_now."""
    states = tuple(state) if state else ("open", "acknowledged")
    with desk_of(request).connection("read the alerts") as conn:
        return read_alerts(conn, states=states, kind=kind)


@router.get("/alerts/{number}", summary="一条告警及其过程")
def show_alert(request: Request, number: int, visit: Reader) -> Row:  # noqa: ARG001
    """An alert with its events."""
    with desk_of(request).connection("read the alert") as conn:
        return {**found_alert(conn, number), "events": read_events(conn, number)}


@router.post("/alerts/{number}/acknowledge", summary="确认")
def acknowledge(request: Request, number: int, visit: Handler, remark: Remark | None = None) -> Row:
    """Somebody has seen it and deals with it."""
    desk = desk_of(request)
    with desk.connection("acknowledge the alert") as conn, conflicts():
        found_alert(conn, number)
        comment = remark.comment if remark else None
        acknowledge_alert(conn, number, by=visit.person.name_zh, now=desk.now(), comment=comment)
        add_deed(conn, visit.deed("alert.acknowledge", f"alert/{number}"))
        return read_alert(conn, number)


@router.post("/alerts/{number}/assign", summary="指派")
def assign(request: Request, number: int, assignment: Assignment, visit: Handler) -> Row:
    """Give it to a person."""
    desk = desk_of(request)
    with desk.connection("assign the alert") as conn, conflicts():
        found_alert(conn, number)
        assign_alert(conn, number, to=assignment.to, by=visit.person.name_zh, now=desk.now())
        add_deed(conn, visit.deed("alert.assign", f"alert/{number}", to=assignment.to))
        return read_alert(conn, number)


@router.post("/alerts/{number}/comment", summary="备注")
def comment(request: Request, number: int, remark: Remark, visit: Handler) -> Row:
    """Add a remark."""
    desk = desk_of(request)
    with desk.connection("comment on the alert") as conn, conflicts():
        found_alert(conn, number)
        comment_alert(conn, number, comment=remark.comment, by=visit.person.name_zh, now=desk.now())
        add_deed(conn, visit.deed("alert.comment", f"alert/{number}"))
        return read_alert(conn, number)


@router.post("/alerts/{number}/close", summary="关闭")
def close(request: Request, number: int, remark: Remark, visit: Handler) -> Row:
    """Done with it; says what came of it."""
    desk = desk_of(request)
    with desk.connection("close the alert") as conn, conflicts():
        found_alert(conn, number)
        close_alert(conn, number, by=visit.person.name_zh, now=desk.now(), comment=remark.comment)
        add_deed(conn, visit.deed("alert.close", f"alert/{number}"))
        return read_alert(conn, number)


@router.post("/alerts/{number}/mute", summary="静默")
def mute_alert(request: Request, number: int, what: MuteIn, visit: Handler) -> Row:
    """Tell nobody of it until a moment."""
    desk = desk_of(request)
    with desk.connection("mute the alert") as conn, conflicts():
        alert = found_alert(conn, number)
        source = None if what.every_source else (alert["source_kind"], alert["source_id"])
        until = what.until.astimezone(dt.UTC)
        mute(conn, Mute(alert["kind"], source, until, what.reason), by=visit.person.name_zh, now=desk.now())
        add_deed(conn, visit.deed("alert.mute", f"alert/{number}", reason=what.reason))
        return read_alert(conn, number)


@router.get("/overdue", summary="逾期未回执的通知")
def list_overdue(request: Request, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Notices that nobody answered in time: columns of view screen.overdue."""
    desk = desk_of(request)
    with desk.connection("read the overdue notices") as conn:
        return read_overdue(conn, desk.county)
