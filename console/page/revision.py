"""Revisions: other values for readings that are stored, and a reviewer's decision about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of, form_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.family import FAMILIES
from store.audit import add_deed
from store.original import read_original
from store.revision import Revision, RevisionError, decide_revision, read_revisions

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
STATUSES: Final = {"proposed": "待审", "accepted": "已采纳", "refused": "已驳回"}
_AT_ONCE: Final = 50


def compared(revision: Revision, original: Mapping[str, float | str | None] | None) -> list[tuple[str, str, str]]:
    """Name, stored and new value of everything in which a revision differs from what is stored."""
    before = original or {}
    if revision.family not in FAMILIES:
        return [
            (f"{revision.factor}-{revision.field}", _text(before.get("value")), _text(revision.new_values.get("value")))
        ]
    return [
        (column.name_zh, _text(before.get(column.key)), _text(revision.new_values.get(column.key)))
        for column in FAMILIES[revision.family].columns
        if before.get(column.key) != revision.new_values.get(column.key)
    ]


def _text(value: float | str | None) -> str:
    return "缺测" if value is None else f"{value:g}" if isinstance(value, float | int) else value


def _list_page(request: Request, status: str, *, faults: tuple[str, ...] = (), given: Mapping[str, str]) -> Response:
    chosen = status if status in STATUSES else "proposed"
    with desk_of(request).connection("read the revisions") as conn:
        found = read_revisions(conn, status=chosen, limit=_AT_ONCE + 1)
        rows: list[dict[str, Any]] = [
            {"one": one, "changes": compared(one, read_original(conn, one))} for one in found[:_AT_ONCE]
        ]
    words = {
        "rows": rows,
        "status": chosen,
        "statuses": STATUSES.items(),
        "has_more": len(found) > _AT_ONCE,
        "given": given,
    }
    return page(request, "revision.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/revision")
def show_revisions(
    request: Request,
    visit: Annotated[Visit, Depends(allowed(Permission.SEE))],  # noqa: ARG001
    status: str = "proposed",
) -> Response:
    """Revisions that wait, or those decided."""
    return _list_page(request, status, given={})


@router.post("/revision")
async def decide(
    request: Request, form: Form, visit: Annotated[Visit, Depends(allowed(Permission.REVIEW_DATA))]
) -> Response:
    """Accept or refuse the revisions that are ticked: all of them or none."""
    numbers = [int(text) for text in (await request.form()).getlist("id") if isinstance(text, str) and text.isdecimal()]
    return await to_thread.run_sync(_decide, request, form, visit, numbers)


def _decide(request: Request, form: Mapping[str, str], visit: Visit, numbers: list[int]) -> Response:
    why, accepted = form.get("why", ""), form.get("verdict") == "accept"
    faults = ([] if numbers else ["请勾选要处理的修订"]) + ([] if why else ["请填写理由"])
    if form.get("verdict") not in ("accept", "refuse"):
        faults.append("请选择采纳或驳回")
    if not faults:
        try:
            with desk_of(request).connection("decide the revisions") as conn:
                for number in numbers:
                    decide_revision(conn, number, accepted, who=visit.person.account_id, why=why)
                    action = "revision.accept" if accepted else "revision.refuse"
                    add_deed(conn, visit.deed(action, f"revision/{number}", why=why))
        except RevisionError:
            faults.append("其中有修订已被他人处理，请刷新后重试；本次没有改变任何一条")
    if faults:
        return _list_page(request, "proposed", faults=tuple(faults), given=form)
    return seen_other("/revision", "revision_accepted" if accepted else "revision_refused")
