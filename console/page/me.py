"""One's own account: tokens for the JSON interface."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.guard import Visit, desk_of, form_of, new_secret, signed_in
from console.rendering import page, seen_other
from store.audit import add_deed
from store.session import add_token, read_tokens, revoke_token

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
SignedIn = Annotated[Visit, Depends(signed_in)]
#: How long a token may hold, in days.
DAYS: Final = (30, 90, 365)
_PREFIX: Final = "lt_"


def _me_page(request: Request, visit: Visit, *, made: str = "", faults: tuple[str, ...] = ()) -> Response:
    with desk_of(request).connection("read the tokens") as conn:
        tokens = read_tokens(conn, visit.person.account_id)
    code = 422 if faults else 200
    return page(request, "me.html", code=code, faults=faults, tokens=tokens, made=made, days=DAYS)


@router.get("/me")
def show_me(request: Request, visit: SignedIn) -> Response:
    """Name, role, tokens."""
    return _me_page(request, visit)


@router.post("/me/token")
def make_token(request: Request, form: Form, visit: SignedIn) -> Response:
    """A token, shown once."""
    desk, name, days = desk_of(request), form.get("name", ""), form.get("days", "")
    if not name or days not in {str(each) for each in DAYS}:
        return _me_page(request, visit, faults=("请填写用途并选择有效期",))
    secret = _PREFIX + new_secret()
    expires = desk.now() + dt.timedelta(days=int(days))
    with desk.connection("make a token") as conn:
        number = add_token(conn, visit.person.account_id, name, secret, expires_at=expires)
        add_deed(conn, visit.deed("token.add", f"token/{number}", name=name, days=int(days)))
    return _me_page(request, visit, made=secret)


@router.post("/me/token/{number}/revoke")
def end_token(request: Request, number: int, visit: SignedIn) -> Response:
    """End one of one's own tokens."""
    desk = desk_of(request)
    with desk.connection("revoke a token") as conn:
        if not revoke_token(conn, number, visit.person.account_id, desk.now()):
            raise HTTPException(404)
        add_deed(conn, visit.deed("token.revoke", f"token/{number}"))
    return seen_other("/me", "token_revoked")
