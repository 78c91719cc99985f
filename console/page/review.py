"""Data review by two persons: one proposes how stored values count, another confirms; the values stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of, form_of
from console.moment import local_moment
from console.rendering import page, seen_other
from console.role import Permission
from domain.family import FAMILIES
from store.audit import add_deed
from store.connection import Connection
from store.registration import read_entries
from store.review import (
    Proposal,
    ReviewError,
    confirm_review,
    propose_review,
    read_review,
    read_reviews,
    withdraw_review,
)

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]
Reviewer = Annotated[Visit, Depends(allowed(Permission.REVIEW_DATA))]
STATUSES: Final = {"proposed": "待确认", "confirmed": "已生效", "withdrawn": "已撤销"}
VERDICTS: Final = {"invalid": "无效", "valid": "有效"}
_AT_ONCE: Final = 200


def columns_zh(family: str, columns: tuple[str, ...]) -> str:
    """Names of columns."""
    names = {column.key: column.name_zh for column in FAMILIES[family].columns}
    return "、".join(names[column] for column in columns)


def _list_page(
    request: Request, status: str, device: str, *, faults: tuple[str, ...] = (), given: Mapping[str, Any] | None = None
) -> Response:
    chosen = status if status in STATUSES else "proposed"
    with desk_of(request).connection("read the reviews") as conn:
        reviews = read_reviews(conn, status=chosen, limit=_AT_ONCE)
        devices = {key: one for key, one in read_entries(conn, "device").items() if one["retired_at"] is None}
    words = {
        "reviews": reviews,
        "status": chosen,
        "statuses": STATUSES.items(),
        "verdicts": VERDICTS,
        "columns_zh": columns_zh,
        "devices": [(key, f"{one['name_zh']}（{key}）") for key, one in devices.items()],
        "device": device if device in devices else "",
        "columns": FAMILIES[devices[device]["family"]].columns if device in devices else (),
        "given": given or {},
    }
    return page(request, "review.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/review")
def show_reviews(request: Request, visit: Reader, status: str = "proposed", device: str = "") -> Response:  # noqa: ARG001
    """Reviews of a status, and the form that proposes one for a device."""
    return _list_page(request, status, device)


@router.post("/review")
async def propose(request: Request, form: Form, visit: Reviewer) -> Response:
    """Propose a review; it counts once another person has confirmed it."""
    columns = tuple(text for text in (await request.form()).getlist("column") if isinstance(text, str))
    return await to_thread.run_sync(_propose, request, form, visit, columns)


def _propose(request: Request, form: Mapping[str, str], visit: Visit, columns: tuple[str, ...]) -> Response:
    device, why, verdict = form.get("device", ""), form.get("why", ""), form.get("verdict", "")
    low, high = local_moment(form.get("low", "")), local_moment(form.get("high", ""))
    faults = []
    if not columns:
        faults.append("请勾选至少一个项目")
    if verdict not in VERDICTS:
        faults.append("请选择结论")
    if not why:
        faults.append("请填写理由")
    if low is None or high is None or not low < high:
        faults.append("请填写起止时间，止应晚于起")
    elif not faults:
        proposal = Proposal(device, columns, low, high, verdict, visit.person.account_id, why)
        try:
            with desk_of(request).connection("propose the review") as conn:
                number = propose_review(conn, proposal)
                detail: dict[str, Any] = {
                    "device": device,
                    "columns": list(columns),
                    "low": str(low),
                    "high": str(high),
                }
                add_deed(conn, visit.deed("review.propose", f"review/{number}", verdict=verdict, why=why, **detail))
        except ReviewError:
            faults.append("这段时间没有这些项目的数据，或时段超过 366 天、晚于现在一天以上")
    if faults:
        given = {**form, "column": columns}
        return _list_page(request, "proposed", device, faults=tuple(faults), given=given)
    return seen_other("/review", "review_proposed")


@router.post("/review/{number}/confirm")
def confirm(request: Request, number: int, form: Form, visit: Reviewer) -> Response:
    """Let a review count; never one's own."""
    return _step(request, number, form, visit, confirm_review)


@router.post("/review/{number}/withdraw")
def withdraw(request: Request, number: int, form: Form, visit: Reviewer) -> Response:
    """Withdraw a review."""
    return _step(request, number, form, visit, withdraw_review)


def _step(request: Request, number: int, form: Mapping[str, str], visit: Visit, step: Callable[..., int]) -> Response:
    why, confirming = form.get("why", ""), step is confirm_review
    fault = "" if why else "请填写理由"
    if not fault:
        try:
            with desk_of(request).connection("decide the review") as conn:
                step(conn, number, who=visit.person.account_id, why=why)
                action = "review.confirm" if confirming else "review.withdraw"
                add_deed(conn, visit.deed(action, f"review/{number}", why=why))
        except ReviewError:
            fault = _refusal(request, number, visit, confirming=confirming)
    if fault:
        return _list_page(request, "proposed", "", faults=(fault,))
    return seen_other("/review", "review_confirmed" if confirming else "review_withdrawn")


def _refusal(request: Request, number: int, visit: Visit, *, confirming: bool) -> str:
    """Why the step was refused, in Chinese."""

    def read(conn: Connection) -> str:
        review = read_review(conn, number)
        if confirming and review.status == "proposed":
            return "审核意见应由提出者以外的另一人确认"
        if not confirming and review.status == "confirmed" and review.proposed_by == visit.person.account_id:
            return "已生效的审核应由提出者以外的另一人撤销"
        return f"这条审核{STATUSES[review.status]}，不能再这样处理"

    with desk_of(request).connection("read the review") as conn:
        return read(conn)
