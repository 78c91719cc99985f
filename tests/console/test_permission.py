"""Every route of pages and of the JSON interface, for every role and for nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from console.api import API_ROUTERS
from console.page import PAGE_ROUTERS
from console.role import PERMISSIONS, Permission, may
from store.account import ROLES
from store.session import add_token
from tests.console.conftest import FIRST_ENTERPRISE, connect, running_console

#: Ways that need no more than somebody signed in, and those that need nobody.
ANYBODY = {"/", "/api", "/me", "/me/token", "/me/token/{number}/revoke", "/password", "/sign-out"}
NOBODY = {"/sign-in"}
#: Permission of each way; a new route must be written here, or the test fails.
NEEDED = {
    "GET /live": Permission.SEE,
    "GET /alert": Permission.SEE,
    "GET /alert/{number}": Permission.SEE,
    "POST /alert/{number}/{action}": Permission.HANDLE_ALERT,
    "POST /mute/{number}/end": Permission.HANDLE_ALERT,
    "GET /alert-rule": Permission.SEE,
    "GET /alert-rule/{kind}": Permission.SEE,
    "POST /alert-rule/{kind}": Permission.CHANGE_RULE,
    "GET /contact": Permission.KEEP_CONTACT,
    "GET /contact-form": Permission.KEEP_CONTACT,
    "POST /contact-form": Permission.KEEP_CONTACT,
    "GET /contact/{name}": Permission.KEEP_CONTACT,
    "POST /contact/{name}": Permission.KEEP_CONTACT,
    "POST /contact/{name}/{action}": Permission.KEEP_CONTACT,
    "GET /overdue": Permission.SEE,
    "GET /delivery": Permission.SEE,
    "POST /delivery/{number}/replay": Permission.HANDLE_ALERT,
    "GET /warning": Permission.SEE,
    "POST /warning/preview": Permission.DECIDE_WARNING,
    "POST /warning/step": Permission.DECIDE_WARNING,
    "GET /warning/{number}": Permission.SEE,
    "GET /warning/{number}/receipts.csv": Permission.SEE,
    "POST /warning/external": Permission.DECIDE_WARNING,
    "POST /warning/external/{number}/revoke": Permission.DECIDE_WARNING,
    "POST /warning/exclusion": Permission.DECIDE_WARNING,
    "GET /order/{number}": Permission.SEE,
    "POST /order/{number}/inspect": Permission.DECIDE_WARNING,
    "GET /own": Permission.ANSWER_ORDER,
    "GET /own/order/{number}": Permission.ANSWER_ORDER,
    "POST /own/order/{number}": Permission.ANSWER_ORDER,
    "GET /own/notice/{number}": Permission.ANSWER_ORDER,
    "POST /own/notice/{number}": Permission.ANSWER_ORDER,
    "GET /device": Permission.SEE,
    "GET /device/pending": Permission.SEE,
    "GET /device/pending/{protocol}/{name}": Permission.APPROVE_DEVICE,
    "POST /device/pending/{protocol}/{name}/approve": Permission.APPROVE_DEVICE,
    "POST /device/pending/{protocol}/{name}/refuse": Permission.APPROVE_DEVICE,
    "POST /device/pending/{protocol}/{name}/restore": Permission.APPROVE_DEVICE,
    "GET /target": Permission.SEE,
    "GET /target/{area}/{name}": Permission.SEE,
    "POST /target/{area}/{name}": Permission.REPORT_FIGURE,
    "GET /register": Permission.SEE,
    "GET /register/{name}": Permission.SEE,
    "GET /register/{name}/{entry}": Permission.SEE,
    "GET /register-form/{name}": Permission.EDIT_REGISTER,
    "POST /register-form/{name}": Permission.EDIT_REGISTER,
    "GET /register-form/{name}/{entry}": Permission.EDIT_REGISTER,
    "POST /register-form/{name}/{entry}": Permission.EDIT_REGISTER,
    "POST /register-form/{name}/{entry}/{action}": Permission.EDIT_REGISTER,
    "GET /register-sheet/{name}": Permission.EDIT_REGISTER,
    "GET /register-import/{name}": Permission.EDIT_REGISTER,
    "POST /register-import/{name}": Permission.EDIT_REGISTER,
    "GET /reduction": Permission.SEE,
    "GET /review": Permission.SEE,
    "POST /review": Permission.REVIEW_DATA,
    "POST /review/{number}/confirm": Permission.REVIEW_DATA,
    "POST /review/{number}/withdraw": Permission.REVIEW_DATA,
    "GET /revision": Permission.SEE,
    "POST /revision": Permission.REVIEW_DATA,
    "GET /account": Permission.MANAGE_ACCOUNT,
    "POST /account": Permission.MANAGE_ACCOUNT,
    "POST /account/{name}/password": Permission.MANAGE_ACCOUNT,
    "POST /account/{name}/role": Permission.MANAGE_ACCOUNT,
    "POST /account/{name}/disable": Permission.MANAGE_ACCOUNT,
    "POST /account/{name}/enable": Permission.MANAGE_ACCOUNT,
    "GET /audit": Permission.READ_AUDIT,
    "GET /api/v1/overview": Permission.SEE,
    "GET /api/v1/alerts": Permission.SEE,
    "GET /api/v1/alerts/{number}": Permission.SEE,
    **{
        f"POST /api/v1/alerts/{{number}}/{action}": Permission.HANDLE_ALERT
        for action in ("acknowledge", "assign", "comment", "close", "mute")
    },
    "GET /api/v1/overdue": Permission.SEE,
    "GET /api/v1/warning": Permission.SEE,
    "POST /api/v1/warning/steps": Permission.DECIDE_WARNING,
    "GET /api/v1/episodes": Permission.SEE,
    "GET /api/v1/episodes/{number}": Permission.SEE,
    "GET /api/v1/orders/{number}": Permission.SEE,
    "POST /api/v1/orders/{number}/inspections": Permission.DECIDE_WARNING,
    "GET /api/v1/own/orders": Permission.ANSWER_ORDER,
    "GET /api/v1/own/notices": Permission.ANSWER_ORDER,
    "GET /api/v1/own/orders/{number}": Permission.ANSWER_ORDER,
    "POST /api/v1/own/orders/{number}/answers": Permission.ANSWER_ORDER,
    "GET /api/v1/devices": Permission.SEE,
    "GET /api/v1/devices/pending": Permission.SEE,
    "POST /api/v1/devices/pending/{name}/approve": Permission.APPROVE_DEVICE,
    "GET /api/v1/targets": Permission.SEE,
    "GET /api/v1/targets/{area}/{name}/reports": Permission.SEE,
    "POST /api/v1/targets/{area}/{name}/reports": Permission.REPORT_FIGURE,
    "GET /api/v1/revisions": Permission.SEE,
    "POST /api/v1/revisions/{number}/decision": Permission.REVIEW_DATA,
    "GET /api/v1/reviews": Permission.SEE,
    "POST /api/v1/reviews": Permission.REVIEW_DATA,
    "POST /api/v1/reviews/{number}/{action}": Permission.REVIEW_DATA,
    "GET /api/v1/registers/{name}": Permission.SEE,
}


def routes() -> Iterator[tuple[str, str]]:
    """Method and way of every route."""
    for prefix, routers in (("", PAGE_ROUTERS), ("/api/v1", API_ROUTERS)):
        for router in routers:
            for route in router.routes:
                assert isinstance(route, APIRoute)
                for method in route.methods:
                    yield method, prefix + route.path


def expected(role: str, needed: Permission) -> set[int]:
    """Statuses that say yes (whatever becomes of an empty form), or the one that says no."""
    if may(role, needed):
        return {200, 303, 404, 409, 422}
    return {404} if (role == "enterprise") != (needed is Permission.ANSWER_ORDER) else {403}


@pytest.fixture
def everybody(seeded: Any, tmp_path: Any) -> Iterator[tuple[Any, dict[str, Any], dict[str, str]]]:
    """A console, a signed-in browser and a token of every role."""
    with running_console(seeded, tmp_path) as console:
        browsers, tokens = {}, {}
        for role in ROLES:
            enterprise = FIRST_ENTERPRISE if role == "enterprise" else None
            browsers[role] = console.person(role, role, enterprise)
            tokens[role] = f"lt_{role}"
            with connect(console.database.url("lantian_app")) as conn:
                add_token(conn, role, "test", tokens[role], expires_at=console.clock().replace(year=2100))
        yield console, browsers, tokens


def filled(way: str) -> str:
    """A way with something in its places that exists nowhere."""
    words = {"number": "999999", "area": "zhongyang", "protocol": "json", "action": "comment"}
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], "nothing"), way)


def answer_of(client: httpx.Client, method: str, way: str, **more: Any) -> httpx.Response:
    """The answer; of a stream only its beginning."""
    with client.stream(method, way, follow_redirects=False, **more) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        return answer


def test_every_route_lets_in_whom_it_should(everybody: Any) -> None:
    console, browsers, tokens = everybody
    secrets = {role: browser.csrf() for role, browser in browsers.items()}
    known = {f"{method} {way}" for method, way in routes() if way not in ANYBODY | NOBODY}
    assert known == set(NEEDED)
    wrong = []
    for each, needed in NEEDED.items():
        method, way = each.split()
        for role in ROLES:
            if way.startswith("/api/"):
                client, more = console.browser().client, {"headers": {"authorization": f"Bearer {tokens[role]}"}}
            else:
                client, more = browsers[role].client, {"data": {"csrf": secrets[role]}} if method == "POST" else {}
            status = answer_of(client, method, filled(way), **more).status_code
            if status not in expected(role, needed):
                wrong.append(f"{role} {each}: {status}, expected {expected(role, needed)}")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_in_without_signing_in(everybody: Any) -> None:
    console, browsers, _ = everybody
    stranger, wrong = console.browser(), []
    for method, way in routes():
        if way in NOBODY:
            continue
        answer = answer_of(stranger.client, method, filled(way))
        if way.startswith("/api/"):
            fine = answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        elif method == "POST":
            fine = answer.status_code == 403
        else:
            fine = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        if not fine:
            wrong.append(f"{method} {way}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert browsers["operator"].get("/").status_code == 200


def test_every_form_is_refused_without_its_secret(everybody: Any) -> None:
    _, browsers, _ = everybody
    ways = [way for method, way in routes() if method == "POST" and not way.startswith("/api/")]
    for way in ways:
        for role, browser in browsers.items():
            answer = answer_of(browser.client, "POST", filled(way), data={"csrf": "0" * 64})
            assert answer.status_code == 403, (role, way)


def test_tokens_are_for_programs_and_sessions_for_people(everybody: Any) -> None:
    console, browsers, tokens = everybody
    assert browsers["operator"].get("/api/v1/overview").status_code == 401
    headers = {"authorization": f"Bearer {tokens['operator']}"}
    assert console.browser(**headers).get("/device").url.path == "/sign-in"
    assert console.browser(**headers).get("/api/v1/overview").json()["verdict"] == "now"
    for change in ("revoked_at = now()", "revoked_at = null, expires_at = now() - interval '1 s'"):
        console.rows(f"update api_token set {change} where account_id = 'operator'")
        assert console.browser(**headers).get("/api/v1/overview").status_code == 401
    console.rows("update account set disabled_at = now() where id = 'reviewer'")
    late = {"authorization": f"Bearer {tokens['reviewer']}"}
    assert console.browser(**late).get("/api/v1/overview").status_code == 401


def test_every_permission_belongs_to_somebody() -> None:
    assert set(Permission) == set().union(*PERMISSIONS.values())
    assert set(PERMISSIONS) == set(ROLES)


def test_the_audit_trail_is_read_and_nothing_else() -> None:
    assert [method for method, way in routes() if "audit" in way] == ["GET"]
