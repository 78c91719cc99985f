"""Signing in and out, one's own password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from console.guard import (
    Visit,
    address_of,
    cookie_name,
    desk_of,
    drop_cookie,
    find_visit,
    form_of,
    form_secret,
    new_secret,
    session_secret,
    set_cookie,
    signed_in,
)
from console.rendering import page, seen_other
from console.signing import Attempt, Outcome, PasswordChange, change_password, sign_in, sign_out

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]


def inner_way(given: str) -> str:
    """A way within the console, the start page for anything else: nobody is sent to another site after signing in."""
    fine = given.startswith("/") and not given.startswith("//") and "\\" not in given and given.isprintable()
    return given if fine else "/"


def _sign_in_page(request: Request, name: str = "", outcome: Outcome | None = None) -> Response:
    """The form; its secret belongs to a cookie that says nothing but that the form was ours."""
    desk = desk_of(request)
    visit = request.cookies.get(cookie_name("visit", secure=desk.secure)) or new_secret()
    answer = page(
        request,
        "sign_in.html",
        code=outcome.status if outcome else 200,
        faults=(outcome.fault,) if outcome else (),
        csrf=form_secret(visit),
        name=name,
        next_way=inner_way(request.query_params.get("next", "/")),
    )
    set_cookie(answer, desk, "visit", visit, max_age_s=86_400)
    return answer


@router.get("/sign-in")
def show_sign_in(request: Request) -> Response:
    """The form, or the start page for somebody signed in."""
    return RedirectResponse("/", 303) if find_visit(request) else _sign_in_page(request)


@router.post("/sign-in")
def do_sign_in(request: Request, form: Form) -> Response:
    """Begin a session, never one that the browser had before."""
    desk = desk_of(request)
    attempt = Attempt(
        form.get("name", ""), form.get("password", ""), address_of(request), request.headers.get("user-agent", "")
    )
    outcome = sign_in(desk, attempt)
    if outcome.secret is None:
        return _sign_in_page(request, attempt.name, outcome)
    answer = seen_other(inner_way(form.get("next", "/")))
    set_cookie(answer, desk, "session", outcome.secret)
    drop_cookie(answer, desk, "visit")
    return answer


@router.post("/sign-out")
def do_sign_out(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> Response:
    """End the session."""
    desk = desk_of(request)
    sign_out(desk, session_secret(request) or "", visit.deed("session.end"))
    answer = seen_other("/sign-in", "signed_out")
    drop_cookie(answer, desk, "session")
    return answer


@router.get("/password")
def show_password(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> Response:  # noqa: ARG001
    """The form that changes one's own password."""
    return page(request, "password.html")


@router.post("/password")
def do_password(request: Request, form: Form, visit: Annotated[Visit, Depends(signed_in)]) -> Response:
    """Change it; the browser gets a new session."""
    desk = desk_of(request)
    change = PasswordChange(form.get("old", ""), form.get("new", ""), form.get("again", ""))
    deed = visit.deed("account.password", f"account/{visit.person.account_id}")
    outcome = change_password(desk, change, deed, request.headers.get("user-agent", ""))
    if outcome.secret is None:
        return page(request, "password.html", code=outcome.status, faults=(outcome.fault,))
    answer = seen_other("/", "password_changed")
    set_cookie(answer, desk, "session", outcome.secret)
    return answer
