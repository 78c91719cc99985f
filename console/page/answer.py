"""The page behind a signed link of a notice: whoever was sent it answers that notice and no other, without account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from alerting.signature import ANSWER, SignatureError, Ticket, parse_ticket
from console.guard import desk_of, form_of, from_own_page, new_secret
from console.moment import field_text
from console.page.own import read_answer
from console.rendering import page, seen_other
from domain.error import ConfigurationError
from store.acknowledgement import Answer, read_notice, record_answer
from store.audit import Deed, add_deed
from store.connection import Connection
from store.contact import read_contacts
from store.notice_board import read_answers_of
from store.order import read_order_measures

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
_DEAD_LINK: Final = "链接无效或已过期，请按原样打开收到的链接，或登录操作台回执"
_LONGEST_NAME: Final = 60


def _ticket(request: Request, word: str) -> Ticket:
    """What the link allows; 404 when it does not hold."""
    desk = desk_of(request)
    if desk.link_key is None:
        raise HTTPException(404, _DEAD_LINK)
    try:
        return parse_ticket(desk.link_key, word, purpose=ANSWER, now=desk.now())
    except SignatureError as error:
        raise HTTPException(404, _DEAD_LINK) from error


def _words(conn: Connection, ticket: Ticket) -> dict[str, Any]:
    try:
        notice = read_notice(conn, ticket.notice_id)
    except ConfigurationError as error:
        raise HTTPException(404, _DEAD_LINK) from error
    contact = read_contacts(conn).get(ticket.contact_id)
    if notice["enterprise_id"] is None or contact is None or contact["enterprise_id"] != notice["enterprise_id"]:
        raise HTTPException(404, _DEAD_LINK)
    order = notice["payload"].get("order_id") if notice["kind"] == "order" else None
    return {
        "one": notice,
        "contact": contact,
        "measures": [] if order is None else read_order_measures(conn, [order]),
        "is_order": order is not None,
        "answers": read_answers_of(conn, [ticket.notice_id]),
    }


def _answer_page(
    request: Request, word: str, *, faults: tuple[str, ...] = (), given: Mapping[str, Any] | None = None
) -> Response:
    desk, ticket = desk_of(request), _ticket(request, word)
    with desk.connection("read the notice") as conn:
        words = _words(conn, ticket)
    words |= {"word": word, "key": new_secret(), "given": given or {}, "effective": field_text(desk.now())}
    return page(request, "answer.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/answer/{word}")
def show_answer(request: Request, word: str) -> Response:
    """The notice and the form that answers it."""
    return _answer_page(request, word)


@router.post("/answer/{word}", dependencies=[Depends(from_own_page)])
async def give_answer(request: Request, word: str, form: Form) -> Response:
    """Answer it; the same form sent twice is one answer."""
    taken = tuple(text for text in (await request.form()).getlist("measure") if isinstance(text, str))
    return await to_thread.run_sync(_give_answer, request, word, form, taken)


def _give_answer(request: Request, word: str, form: Mapping[str, str], taken: tuple[str, ...]) -> Response:
    desk, ticket = desk_of(request), _ticket(request, word)
    with desk.connection("read the notice") as conn:
        words = _words(conn, ticket)
    effective, faults = read_answer(form) if words["is_order"] else (None, ())
    known, by = {one.measure_id for one in words["measures"]}, form.get("by", "")
    if not by or len(by) > _LONGEST_NAME:
        faults = (*faults, "请填写您的姓名")
    if known and not taken:
        faults = (*faults, "请勾选已采取的措施")
    if set(taken) - known:
        raise HTTPException(404, _DEAD_LINK)
    if faults:
        return _answer_page(request, word, faults=faults, given={**form, "measure": taken})
    who = f"{by}（{words['contact']['name_zh']}）"
    key = f"link:{form.get('key', '')[:80]}"
    answer = Answer(who, "link", key, taken, effective, form.get("comment") or None)
    enterprise = words["one"]["enterprise_id"]
    with desk.connection("answer the notice") as conn:
        if record_answer(conn, ticket.notice_id, answer, now=desk.now(), enterprise_id=enterprise):
            address = request.client.host if request.client else ""
            detail = {"contact": ticket.contact_id, "by": by, "measures": list(taken)}
            about = f"notice/{ticket.notice_id}"
            add_deed(conn, Deed("notice.answer", None, None, address, about, detail=detail))
    return seen_other(f"/answer/{word}", "order_answered")
