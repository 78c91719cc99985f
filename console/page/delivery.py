"""Deliveries that could not be made, to be sent again once the fault is mended."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from store.audit import add_deed
from store.delivery import read_deliveries, replay

router: Final = APIRouter()
STATES: Final = {"dead": "失败", "waiting": "待发送", "sending": "发送中", "sent": "已送达"}


@router.get("/delivery")
def show_deliveries(
    request: Request,
    visit: Annotated[Visit, Depends(allowed(Permission.SEE))],  # noqa: ARG001
    state: str = "dead",
) -> Response:
    """Deliveries in a state, the newest first."""
    chosen = state if state in STATES else "dead"
    with desk_of(request).connection("read the deliveries") as conn:
        rows = read_deliveries(conn, state=chosen)
    return page(request, "delivery.html", rows=rows, state=chosen, states=STATES.items())


@router.post("/delivery/{number}/replay")
def send_again(
    request: Request, number: int, visit: Annotated[Visit, Depends(allowed(Permission.HANDLE_ALERT))]
) -> Response:
    """Send a dead message again, with its key, so that its receiver knows it."""
    desk = desk_of(request)
    try:
        with desk.connection("send the message again") as conn:
            replay(conn, number, by=visit.person.name_zh, now=desk.now())
            add_deed(conn, visit.deed("delivery.replay", f"delivery/{number}"))
    except ConfigurationError as error:
        raise HTTPException(404, "没有这条失败的通知，可能已经重发") from error
    return seen_other("/delivery", "delivery_replayed")
