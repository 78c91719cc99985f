"""JSON: warnings, episodes, orders with verdicts, inspections; and an enterprise's own orders and answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, Field

from alerting.response import Decision, change_level, confirm, extend, propose, withdraw
from console.api.word import REFUSALS, Decider, Enterprise, Reader, Row, conflicts
from console.guard import desk_of
from console.page.episode import found_order
from console.page.own import own_order
from domain.error import ConfigurationError
from domain.warning_state import NONE
from store.acknowledgement import Answer, read_notices, record_answer
from store.audit import add_deed
from store.connection import Connection
from store.notice_board import read_answers_of, read_deliveries_of, read_enterprise_orders, read_episode_orders
from store.order import (
    Inspection,
    Order,
    add_inspection,
    read_inspections,
    read_order_measures,
    read_verifications,
)
from store.warning import WarningEvent, read_events, read_open_warning, read_warning, read_warnings

router: Final = APIRouter(tags=["预警与减排"], responses=REFUSALS)
Level = Literal["yellow", "orange", "red"]
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class Step(BaseModel):
    """A step of the warning: what, to which level, for which period, and why."""

    action: Literal["propose", "confirm", "reject", "change", "extend", "lift"]
    level: Level | Literal["none"] | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    why: Words


class InspectionIn(BaseModel):
    """What an inspection on the spot found."""

    inspected_at: AwareDatetime
    result: Literal["violation", "no_violation", "inconclusive"]
    note: Words


class AnswerIn(BaseModel):
    """An enterprise's answer: the same `key` sent again is the same answer."""

    key: Annotated[str, Field(min_length=1, max_length=80)]
    measures: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=500)] = []
    effective_at: AwareDatetime | None = None
    comment: Annotated[str, Field(max_length=2000)] | None = None


@router.get("/warning", summary="当前预警")
def show_warning(request: Request, visit: Reader) -> Row | None:  # noqa: ARG001
    """The open warning with its events; null when there is none."""
    desk = desk_of(request)
    with desk.connection("read the warning") as conn:
        standing = read_open_warning(conn, desk.county)
        return None if standing is None else {**asdict(standing), "events": _events(conn, standing.id)}


@router.post("/warning/steps", summary="提出、确认、不采纳、升降级、调整时段、解除")
def take_step(request: Request, step: Step, visit: Decider) -> Row:
    """Take a step with its orders and notices, in one transaction; returns the event."""
    desk = desk_of(request)
    if step.action in ("propose", "change") and step.level is None:
        raise HTTPException(422, "propose and change need a level")
    decision = Decision(visit.person.name_zh, step.why, desk.now(), step.starts_at, step.ends_at)
    with desk.connection("take the step") as conn, conflicts():
        event = _taken(conn, desk.county, step, decision)
        add_deed(conn, visit.deed(f"warning.{step.action}", f"warning/{event.warning_id}", why=step.why))
        return asdict(event)


def _taken(conn: Connection, area: str, step: Step, decision: Decision) -> WarningEvent:
    if step.action == "propose":
        return propose(conn, area, str(step.level), decision)
    if step.action == "confirm":
        return confirm(conn, area, decision)
    if step.action == "reject":
        return withdraw(conn, area, "reject", decision)
    if step.action == "extend":
        return extend(conn, area, decision)
    return change_level(conn, area, NONE if step.action == "lift" else str(step.level), decision)


def _events(conn: Connection, warning: int) -> list[Row]:
    return [asdict(event) for event in read_events(conn, warning)]


@router.get("/episodes", summary="历次预警")
def list_episodes(request: Request, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Warnings, the newest first."""
    desk = desk_of(request)
    with desk.connection("read the warnings") as conn:
        return [asdict(one) for one in read_warnings(conn, desk.county)]


@router.get("/episodes/{number}", summary="一次预警：过程、指令、送达、回执、落实")
def show_episode(request: Request, number: int, visit: Reader) -> Row:  # noqa: ARG001
    """A warning with its events and orders, each with who was told, who answered and the verdicts."""
    with desk_of(request).connection("read the episode") as conn:
        try:
            warning = read_warning(conn, number)
        except ConfigurationError as error:
            raise HTTPException(404) from error
        return {**asdict(warning), "events": _events(conn, number), "orders": read_episode_orders(conn, number)}


def order_out(conn: Connection, order: Order) -> Row:
    """An order with measures, verdicts by hour, deliveries, answers and inspections."""
    measures = read_order_measures(conn, [order.id])
    verdicts = read_verifications(conn, [one.id for one in measures])
    notices = [] if order.notice_id is None else [order.notice_id]
    return {
        **asdict(order),
        "measures": [
            {**asdict(one), "hours": [asdict(row) for row in verdicts if row.order_measure_id == one.id]}
            for one in measures
        ],
        "answers": read_answers_of(conn, notices),
        "inspections": [asdict(one) for one in read_inspections(conn, [order.id])],
    }


@router.get("/orders/{number}", summary="一项减排指令及逐小时核验")
def show_order(request: Request, number: int, visit: Reader) -> Row:  # noqa: ARG001
    """An order with everything about it."""
    with desk_of(request).connection("read the order") as conn:
        order = found_order(conn, number)
        notices = [] if order.notice_id is None else [order.notice_id]
        return {**order_out(conn, order), "deliveries": read_deliveries_of(conn, notices)}


@router.post("/orders/{number}/inspections", summary="录入现场核查", status_code=201)
def inspect(request: Request, number: int, found: InspectionIn, visit: Decider) -> Row:
    """Enter what an inspection found; only a person says that an order was violated."""
    desk = desk_of(request)
    with desk.connection("enter the inspection") as conn:
        order = found_order(conn, number)
        inspected_at = found.inspected_at.astimezone(dt.UTC)
        add_inspection(conn, Inspection(number, None, inspected_at, visit.person.name_zh, found.result, found.note))
        add_deed(conn, visit.deed("order.inspect", f"order/{number}", result=found.result))
        return order_out(conn, order)


@router.get("/own/orders", summary="企业：本企业的指令")
def list_own_orders(request: Request, visit: Enterprise) -> list[Row]:
    """Orders to the enterprise of the token, those in force first."""
    with desk_of(request).connection("read the orders") as conn:
        return read_enterprise_orders(conn, str(visit.person.enterprise_id))


@router.get("/own/notices", summary="企业：本企业的通知")
def list_own_notices(request: Request, visit: Enterprise) -> list[Row]:
    """Notices to the enterprise of the token, the newest first."""
    with desk_of(request).connection("read the notices") as conn:
        return read_notices(conn, enterprise_id=str(visit.person.enterprise_id))


@router.get("/own/orders/{number}", summary="企业：一项指令及逐小时核验")
def show_own_order(request: Request, number: int, visit: Enterprise) -> Row:
    """One own order; another's is not there (404)."""
    with desk_of(request).connection("read the order") as conn:
        return order_out(conn, own_order(conn, number, visit.person.enterprise_id))


@router.post("/own/orders/{number}/answers", summary="企业：回执或报告", status_code=201)
def answer_order(request: Request, number: int, given: AnswerIn, visit: Enterprise) -> Row:
    """Answer an own order, or report on it; returns whether the answer is new."""
    desk = desk_of(request)
    with desk.connection("answer the order") as conn:
        order = own_order(conn, number, visit.person.enterprise_id)
        known = {one.measure_id for one in read_order_measures(conn, [number])}
        if order.notice_id is None or set(given.measures) - known:
            raise HTTPException(422, f"measures: expected some of {sorted(known)}")
        parts: dict[str, Any] = {"measures": tuple(given.measures), "effective_at": given.effective_at}
        answer = Answer(visit.person.name_zh, "api", f"api:{given.key}", comment=given.comment, **parts)
        new = record_answer(conn, order.notice_id, answer, now=desk.now(), enterprise_id=visit.person.enterprise_id)
        if new:
            add_deed(conn, visit.deed("order.answer", f"order/{number}", measures=given.measures))
        return {"order_id": number, "new": new}
