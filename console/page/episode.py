"""An episode on one page: what was decided, who is told, who answered, who complies; each order with its evidence."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.desk import Desk
from console.guard import Visit, allowed, desk_of, form_of
from console.moment import field_text, local_moment
from console.order_chart import order_charts
from console.rendering import local_text, page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from domain.warning_state import ACTIONS_ZH, ISSUED, STATES_ZH
from store.acknowledgement import read_notice
from store.audit import add_deed
from store.connection import Connection
from store.notice_board import read_answers_of, read_deliveries_of, read_episode_orders
from store.order import Inspection, Order, add_inspection, read_inspections, read_order
from store.warning import (
    EXCLUDED_CAUSES,
    Exclusion,
    NewExternalOrder,
    add_exclusion,
    add_external_order,
    read_events,
    read_warning,
    revoke_external_order,
)

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]
Decider = Annotated[Visit, Depends(allowed(Permission.DECIDE_WARNING))]
#: Columns of the sheet of receipts and their headings.
RECEIPTS: Final = {
    "enterprise_zh": "企业",
    "level_zh": "等级",
    "issued_at": "下达",
    "starts_at": "起",
    "ends_at": "预计止",
    "ended_at": "终止",
    "first_sent_at": "送达",
    "respond_by": "回执时限",
    "acknowledged_at": "回执",
    "acknowledged_by": "回执人",
    "measures": "措施数",
    "fulfilled": "已落实小时",
    "suspected": "涉嫌未落实小时",
    "undetermined": "无法判定小时",
}
RESULTS: Final = {"violation": "违反指令", "no_violation": "未发现违反", "inconclusive": "无法认定"}


@router.get("/warning/{number}")
def show_episode(request: Request, number: int, visit: Reader) -> Response:  # noqa: ARG001
    """One warning from the proposal to the lift."""
    with desk_of(request).connection("read the episode") as conn:
        try:
            warning = read_warning(conn, number)
        except ConfigurationError as error:
            raise HTTPException(404, "没有这次预警") from error
        events, orders = read_events(conn, number), read_episode_orders(conn, number)
    words: dict[str, Any] = {
        "warning": warning,
        "events": events[::-1],
        "orders": orders,
        "totals": episode_totals(orders),
        "states_zh": STATES_ZH,
        "actions_zh": ACTIONS_ZH,
        "results_zh": RESULTS,
        "in_force": warning.state in ISSUED,
    }
    return page(request, "episode.html", **words)


def episode_totals(orders: list[dict[str, Any]]) -> dict[str, int]:
    """Enterprises told, answered and late, and line-hours by verdict, of the orders that are in force (else of all)."""
    counted = [one for one in orders if one["open"]] or orders
    verdicts = {key: sum(one[key] for one in counted) for key in ("fulfilled", "suspected", "undetermined")}
    return {
        "orders": len(counted),
        "told": sum(one["first_sent_at"] is not None for one in counted),
        "answered": sum(one["acknowledged_at"] is not None for one in counted),
        "suspicious": sum(one["suspected"] > 0 for one in counted),
        **verdicts,
    }


def found_order(conn: Connection, number: int) -> Order:
    """The order; 404 when there is none."""
    try:
        return read_order(conn, number)
    except ConfigurationError as error:
        raise HTTPException(404, "没有这项指令") from error


def order_words(conn: Connection, order: Order) -> dict[str, Any]:
    """What pages about an order show: measures with plots, the notice with deliveries and answers, inspections."""
    notice = None if order.notice_id is None else read_notice(conn, order.notice_id)
    numbers = [] if order.notice_id is None else [order.notice_id]
    return {
        "order": order,
        "charts": order_charts(conn, order.id),
        "notices": [] if notice is None else [notice],
        "deliveries": read_deliveries_of(conn, numbers),
        "answers": read_answers_of(conn, numbers),
        "inspections": read_inspections(conn, [order.id]),
        "states_zh": STATES_ZH,
        "results_zh": RESULTS,
    }


def _order_page(request: Request, number: int, *, faults: tuple[str, ...] = (), given: Any = None) -> Response:
    desk = desk_of(request)
    with desk.connection("read the order") as conn:
        words = order_words(conn, found_order(conn, number))
    code = 422 if faults else 200
    return page(request, "order.html", code=code, faults=faults, given=given or {"at": field_text(desk.now())}, **words)


@router.get("/order/{number}")
def show_order(request: Request, number: int, visit: Reader) -> Response:  # noqa: ARG001
    """One order: what was ordered, what the meters say, what people found."""
    return _order_page(request, number)


@router.get("/warning/{number}/receipts.csv")
def export_receipts(request: Request, number: int, visit: Reader) -> Response:  # noqa: ARG001
    """Orders of a warning with who was told, who answered and what was verified, as a sheet for the file."""
    with desk_of(request).connection("read the receipts") as conn:
        try:
            read_warning(conn, number)
        except ConfigurationError as error:
            raise HTTPException(404, "没有这次预警") from error
        orders = read_episode_orders(conn, number)
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\r\n")
    writer.writerow(RECEIPTS.values())
    for one in orders:
        cells = (one[key] for key in RECEIPTS)
        texts = (local_text(cell, "%Y-%m-%d %H:%M") if isinstance(cell, dt.datetime) else cell for cell in cells)
        writer.writerow(plain_cell(text) for text in texts)
    named = f"attachment; filename=warning-{number}-receipts.csv"
    return Response("\ufeff" + kept.getvalue(), media_type="text/csv", headers={"content-disposition": named})


def plain_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@router.post("/order/{number}/inspect")
def inspect(request: Request, number: int, form: Form, visit: Decider) -> Response:
    """Enter what an inspection on the spot found; only a person says that an order was violated."""
    desk, at = desk_of(request), local_moment(form.get("at", ""))
    if at is None or form.get("result") not in RESULTS or not form.get("note"):
        return _order_page(request, number, faults=("请填写核查时间、结果和说明",), given=form)
    with desk.connection("enter the inspection") as conn:
        found_order(conn, number)
        add_inspection(conn, Inspection(number, None, at, visit.person.name_zh, form["result"], form["note"]))
        add_deed(conn, visit.deed("order.inspect", f"order/{number}", result=form["result"]))
    return seen_other(f"/order/{number}", "saved")


@router.post("/warning/external")
def enter_external(request: Request, form: Form, visit: Decider) -> Response:
    """Enter a minimum level that province or city impose; what follows from it is proposed by the next evaluation."""
    desk = desk_of(request)
    order = _external(desk, form, visit)
    if order is None:
        raise HTTPException(422, "请填写级别、发文机关、文号、等级和生效时间；失效应晚于生效")
    with desk.connection("enter the order from above") as conn:
        number = add_external_order(conn, order, now=desk.now())
        add_deed(conn, visit.deed("warning.external", f"external_order/{number}", document=order.document))
    return seen_other("/warning", "external_entered")


def _external(desk: Desk, form: Mapping[str, str], visit: Visit) -> NewExternalOrder | None:
    start, end = local_moment(form.get("valid_from", "")), local_moment(form.get("valid_to", ""))
    known = form.get("authority") in ("province", "city") and form.get("level") in ISSUED
    if not known or start is None or not form.get("issuer") or not form.get("document"):
        return None
    if form.get("valid_to") and (end is None or end <= start):
        return None
    return NewExternalOrder(
        *(desk.county, form["authority"], form["issuer"], form["document"], form["level"], start, end),
        *(visit.person.name_zh, form.get("note") or None),
    )


@router.post("/warning/external/{number}/revoke")
def revoke_external(request: Request, number: int, form: Form, visit: Decider) -> Response:
    """End an order from above early."""
    desk = desk_of(request)
    if not form.get("why"):
        raise HTTPException(422, "请填写撤销理由")
    try:
        with desk.connection("revoke the order from above") as conn:
            revoke_external_order(conn, number, by_whom=visit.person.name_zh, why=form["why"], now=desk.now())
            add_deed(conn, visit.deed("warning.revoke_external", f"external_order/{number}", why=form["why"]))
    except ConfigurationError as error:
        raise HTTPException(404, "没有这项有效的上级指令") from error
    return seen_other("/warning", "saved")


@router.post("/warning/exclusion")
def enter_exclusion(request: Request, form: Form, visit: Decider) -> Response:
    """Enter a span of dust or the like, which no colour warns of."""
    desk = desk_of(request)
    start, end = local_moment(form.get("starts", "")), local_moment(form.get("ends", ""))
    if form.get("cause") not in EXCLUDED_CAUSES or start is None or end is None or end <= start:
        raise HTTPException(422, "请选择原因并填写起止时间，止应晚于起")
    exclusion = Exclusion(desk.county, start, end, form["cause"], visit.person.name_zh, form.get("note") or None)
    with desk.connection("enter the excluded span") as conn:
        add_exclusion(conn, exclusion, now=desk.now())
        add_deed(conn, visit.deed("warning.exclude", "", cause=exclusion.cause, starts=str(start), ends=str(end)))
    return seen_other("/warning", "saved")
