"""Who is asking, and whether they may: sessions, tokens against forged forms, permissions. Every route passes here."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from console.desk import Desk
from console.role import Permission, may
from store.audit import Deed
from store.session import Person, read_person, read_token_person

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Ways that somebody whose password was made by another person may still go.
_OPEN_BEFORE_CHANGE: Final = ("/password", "/sign-out")
_REFUSED_FORM: Final = "表单已失效或来自其他网站，请返回上一页刷新后重试"


class SignInNeeded(Exception):  # noqa: N818 - it is a way, not a fault
    """Nobody is signed in; `to` is where to go instead."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks in this request, and the secret that their forms must bring back."""

    person: Person
    csrf: str
    address: str

    def may(self, permission: str) -> bool:
        """Whether the person has a permission; for templates."""
        return may(self.person.role, Permission(permission))

    def deed(self, action: str, object_: str = "", *, outcome: str = "done", **detail: Any) -> Deed:
        """A row of the audit trail by this person."""
        return Deed(action, self.person.account_id, self.person.role, self.address, object_, outcome, detail)


def desk_of(request: Request) -> Desk:
    """What the application gave the console."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def address_of(request: Request) -> str:
    """Address of whoever asks."""
    return request.client.host if request.client else ""


def cookie_name(kind: str, *, secure: bool) -> str:
    """Name of a cookie; with TLS its prefix forbids other hosts and plain HTTP to set it."""
    return f"__Host-lantian-{kind}" if secure else f"lantian-{kind}"


def set_cookie(response: Response, desk: Desk, kind: str, value: str, max_age_s: int | None = None) -> None:
    """Give a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(
        cookie_name(kind, secure=desk.secure),
        value,
        max_age=max_age_s,
        path="/",
        secure=desk.secure,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, desk: Desk, kind: str) -> None:
    """Take a cookie away."""
    name = cookie_name(kind, secure=desk.secure)
    response.delete_cookie(name, path="/", secure=desk.secure, httponly=True, samesite="lax")


def session_secret(request: Request) -> str | None:
    """The session's secret that the browser shows."""
    return request.cookies.get(cookie_name("session", secure=desk_of(request).secure))


def new_secret() -> str:
    """256 bits of chance."""
    return secrets.token_urlsafe(32)


def form_secret(secret: str) -> str:
    """What forms carry: derived from the cookie, which no other site can read."""
    return hmac.new(secret.encode(), b"lantian form", hashlib.sha256).hexdigest()


def find_visit(request: Request) -> Visit | None:
    """Who shows a valid session, None when nobody does; looked up once per request."""
    if not hasattr(request.state, "visit"):
        # When the look-up fails, the page that says so must not look again.
        request.state.visit = None
        request.state.visit = _looked_up(request)
    visit: Visit | None = request.state.visit
    return visit


def _looked_up(request: Request) -> Visit | None:
    secret = session_secret(request)
    if not secret:
        return None
    desk = desk_of(request)
    with desk.connection("look up the session") as conn:
        person = read_person(conn, secret, desk.term, desk.now())
    return None if person is None else Visit(person, form_secret(secret), address_of(request))


def signed_in(request: Request) -> Visit:
    """Who is signed in; somebody who must change the password is sent there."""
    visit = find_visit(request)
    if visit is None:
        way = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInNeeded(
            "/sign-in" + (f"?next={quote(way, safe='')}" if request.method == "GET" and way != "/" else "")
        )
    if visit.person.must_change and request.url.path not in _OPEN_BEFORE_CHANGE:
        raise SignInNeeded("/password")
    return visit


def allowed(permission: Permission) -> Callable[[Request], Visit]:
    """A dependency: somebody signed in with a permission.

    Parameters
    ----------
    permission : Permission
        What the route needs.

    Returns
    -------
    callable
        Gives the `Visit`. To enterprises, pages of the bureau do not exist (404), and to the bureau those of
        enterprises; a colleague of another role is told so (403).
    """

    def checked(request: Request) -> Visit:
        return _permitted(signed_in(request), permission)

    return checked


def token_allowed(permission: Permission) -> Callable[[Request], Visit]:
    """The same for the JSON interface: a token, or the session of a page that only reads."""

    def checked(request: Request) -> Visit:
        return _permitted(_token_visit(request), permission)

    return checked


def _permitted(visit: Visit, permission: Permission) -> Visit:
    if may(visit.person.role, permission):
        return visit
    outside = (visit.person.role == "enterprise") != (permission is Permission.ANSWER_ORDER)
    raise HTTPException(404 if outside else 403)


def _token_visit(request: Request) -> Visit:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise HTTPException(401, "expected the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
    desk = desk_of(request)
    with desk.connection("look up the token") as conn:
        person = read_token_person(conn, secret.strip(), desk.now())
    if person is None:
        raise HTTPException(401, "the token is unknown, expired or revoked", {"WWW-Authenticate": "Bearer"})
    return Visit(person, "", address_of(request))


async def form_of(request: Request) -> Mapping[str, str]:
    """Text fields of the form that was sent, without spaces around them; files are left out."""
    form = await request.form(max_fields=2000)
    return {key: value.strip() for key, value in form.items() if isinstance(value, str)}


async def upload_of(request: Request) -> tuple[str, bytes] | None:
    """Name and content of the file in field ``file``; None when none was chosen."""
    given = (await request.form(max_fields=2000)).get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        return None
    return given.filename, await given.read()


async def genuine_form(request: Request) -> AsyncIterator[None]:
    """Refuse whatever changes something and comes from no form of ours; close the files it brought afterwards."""
    try:
        if request.method not in _SAFE:
            await _check_form(request)
        yield
    finally:
        await request.close()


async def _check_form(request: Request) -> None:
    # The form that signs in belongs to the cookie given with it, whatever became of an earlier session.
    kind = "visit" if request.url.path == "/sign-in" else "session"
    secret = request.cookies.get(cookie_name(kind, secure=desk_of(request).secure))
    given = (await form_of(request)).get("csrf", "")
    if not _same_origin(request) or not secret or not hmac.compare_digest(given, form_secret(secret)):
        raise HTTPException(403, _REFUSED_FORM)


def from_own_page(request: Request) -> None:
    """The same for a form whose way is itself a secret: only pages of ours send it."""
    if not _same_origin(request):
        raise HTTPException(403, _REFUSED_FORM)


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    public = desk_of(request).public_url
    known = {request.headers.get("host", ""), urlsplit(public).netloc if public else ""}
    return urlsplit(origin).netloc in known


Genuine: Final = Depends(genuine_form)
