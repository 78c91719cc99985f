"""The audit trail, for the administrator."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.deed import deed_zh
from console.guard import Visit, allowed, desk_of
from console.rendering import page
from console.role import Permission
from store.audit import read_deeds

router: Final = APIRouter()
_PER_PAGE: Final = 100


@router.get("/audit")
def show_audit(
    request: Request,
    visit: Annotated[Visit, Depends(allowed(Permission.READ_AUDIT))],  # noqa: ARG001
    account: str = "",
    about: str = "",
    before: int | None = None,
) -> Response:
    """What people did, newest first."""
    with desk_of(request).connection("read the audit trail") as conn:
        deeds = read_deeds(
            conn, account=account or None, object_like=about or None, before_id=before, limit=_PER_PAGE + 1
        )
    words: dict[str, Any] = {
        "deeds": deeds[:_PER_PAGE],
        "has_more": len(deeds) > _PER_PAGE,
        "account": account,
        "about": about,
    }
    return page(request, "audit.html", deed_zh=deed_zh, **words)
