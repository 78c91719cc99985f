"""The start page: the overview for the bureau, their own orders for enterprises."""

from __future__ import annotations

from typing import Annotated, Final

from anyio import from_thread
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response, StreamingResponse

from console.guard import Visit, allowed, session_secret, signed_in
from console.rendering import page
from console.role import Permission

router: Final = APIRouter()


@router.get("/")
def show_overview(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> Response:
    """Whether anything needs a person now."""
    if not visit.may(Permission.SEE):
        return RedirectResponse("/own", 303)
    text = from_thread.run(request.app.state.pulse.text)
    return page(request, "overview.html", part=Markup(text))  # noqa: S704 - rendered by our own template


@router.get("/live")
async def stream_overview(request: Request, visit: Annotated[Visit, Depends(allowed(Permission.SEE))]) -> Response:  # noqa: ARG001
    """The same as server-sent events, for as long as the page is open and the session holds."""
    events = request.app.state.pulse.stream(session_secret(request) or "")
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
