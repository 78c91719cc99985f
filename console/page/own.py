"""What an enterprise sees: its own orders, notices, answers and evidence. Whatever is another's does not exist."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of, form_of, new_secret
from console.moment import field_text, local_moment
from console.page.episode import found_order, order_words
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from domain.warning_state import STATES_ZH
from store.acknowledgement import Answer, read_notice, read_notices, record_answer
from store.audit import add_deed
from store.connection import Connection
from store.notice_board import read_answers_of, read_enterprise_orders
from store.order import Order

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Own = Annotated[Visit, Depends(allowed(Permission.ANSWER_ORDER))]
_LONGEST: Final = 2000


@router.get("/own")
def show_own(request: Request, visit: Own) -> Response:
    """Orders in force and before, and notices that ask for an answer."""
    enterprise = str(visit.person.enterprise_id)
    with desk_of(request).connection("read the orders") as conn:
        orders = read_enterprise_orders(conn, enterprise)
        notices = read_notices(conn, enterprise_id=enterprise, limit=100)
    words: dict[str, Any] = {"orders": orders, "notices": notices, "states_zh": STATES_ZH}
    return page(request, "own.html", **words)


def own_order(conn: Connection, number: int, enterprise: str | None) -> Order:
    """An order of the enterprise; 404 for another's as for none."""
    order = found_order(conn, number)
    if enterprise is None or order.enterprise_id != enterprise:
        raise HTTPException(404, "没有这项指令")
    return order


def _order_page(
    request: Request, number: int, visit: Visit, *, faults: tuple[str, ...] = (), given: Mapping[str, Any] | None = None
) -> Response:
    desk = desk_of(request)
    with desk.connection("read the order") as conn:
        order = own_order(conn, number, visit.person.enterprise_id)
        words = order_words(conn, order)
    words |= {
        "key": new_secret(),
        "given": given or {},
        "effective": field_text(max(order.starts_at, desk.now())),
    }
    return page(request, "own_order.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/own/order/{number}")
def show_own_order(request: Request, number: int, visit: Own) -> Response:
    """One own order: its text, measures with evidence, the form that answers it."""
    return _order_page(request, number, visit)


@router.post("/own/order/{number}")
async def answer_order(request: Request, number: int, form: Form, visit: Own) -> Response:
    """Answer an order: measures taken, from when, in words; later answers report on."""
    measures = tuple(text for text in (await request.form()).getlist("measure") if isinstance(text, str))
    return await to_thread.run_sync(_answer_order, request, number, form, visit, measures)


def _answer_order(
    request: Request, number: int, form: Mapping[str, str], visit: Visit, measures: tuple[str, ...]
) -> Response:
    desk = desk_of(request)
    with desk.connection("read the order") as conn:
        order = own_order(conn, number, visit.person.enterprise_id)
        known = {one.measure.measure_id for one in order_words(conn, order)["charts"]}
    effective, faults = read_answer(form)
    if known and not measures:
        faults = (*faults, "请勾选已采取的措施")
    if set(measures) - known or order.notice_id is None:
        raise HTTPException(404)
    if faults:
        return _order_page(request, number, visit, faults=faults, given={**form, "measure": measures})
    answer = _answer(form, visit, measures, effective)
    with desk.connection("answer the order") as conn:
        if record_answer(conn, order.notice_id, answer, now=desk.now(), enterprise_id=visit.person.enterprise_id):
            add_deed(conn, visit.deed("order.answer", f"order/{number}", measures=list(measures)))
    return seen_other(f"/own/order/{number}", "order_answered")


def read_answer(form: Mapping[str, str]) -> tuple[dt.datetime | None, tuple[str, ...]]:
    """The moment from which measures are taken, and what is wrong with the form of an answer."""
    effective = local_moment(form.get("effective_at", ""))
    faults = []
    if effective is None:
        faults.append("请填写开始执行的时间")
    if len(form.get("comment", "")) > _LONGEST:
        faults.append(f"说明有 {len(form['comment'])} 个字，应不超过 {_LONGEST} 个")
    return effective, tuple(faults)


def _answer(form: Mapping[str, str], visit: Visit, measures: tuple[str, ...], effective: dt.datetime | None) -> Answer:
    key = f"console:{form.get('key', '')[:80]}"
    return Answer(visit.person.name_zh, "console", key, measures, effective, form.get("comment") or None)


def _own_notice(conn: Connection, number: int, enterprise: str | None) -> dict[str, Any]:
    try:
        notice = read_notice(conn, number)
    except ConfigurationError as error:
        raise HTTPException(404, "没有这份通知") from error
    if enterprise is None or notice["enterprise_id"] != enterprise:
        raise HTTPException(404, "没有这份通知")
    return notice


@router.get("/own/notice/{number}")
def show_own_notice(request: Request, number: int, visit: Own) -> Response:
    """One notice to the enterprise, and the form that answers it."""
    with desk_of(request).connection("read the notice") as conn:
        notice = _own_notice(conn, number, visit.person.enterprise_id)
        answers = read_answers_of(conn, [number])
    return page(request, "own_notice.html", notice=notice, answers=answers, key=new_secret())


@router.post("/own/notice/{number}")
def answer_notice(request: Request, number: int, form: Form, visit: Own) -> Response:
    """Answer a notice in words."""
    desk = desk_of(request)
    comment = form.get("comment", "")
    if len(comment) > _LONGEST:
        raise HTTPException(422, f"说明有 {len(comment)} 个字，应不超过 {_LONGEST} 个")
    with desk.connection("answer the notice") as conn:
        _own_notice(conn, number, visit.person.enterprise_id)
        answer = _answer(form, visit, (), None)
        if record_answer(conn, number, answer, now=desk.now(), enterprise_id=visit.person.enterprise_id):
            add_deed(conn, visit.deed("notice.answer", f"notice/{number}"))
    return seen_other(f"/own/notice/{number}", "order_answered")
