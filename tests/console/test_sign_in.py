"""Signing in: sessions are new and end, forms carry their secret, guessing is stopped, first passwords are changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest

from console.signing import ADDRESS, NAME_FROM_ADDRESS
from tests.console.conftest import HASH, PASSWORD, running_console


def test_a_session_begins_and_ends(console: Any) -> None:
    console.account("li", "operator")
    browser = console.browser()
    assert browser.get("/device").url.path == "/sign-in"
    page = browser.client.get("/device", follow_redirects=False)
    assert page.headers["location"] == "/sign-in?next=%2Fdevice"
    assert browser.sign_in("LI").url.path == "/"
    assert "总览" in browser.get("/").text
    kept = dict(browser.client.cookies)
    assert browser.post("/sign-out").url.path == "/sign-in"
    thief = console.browser()
    thief.client.cookies.update(kept)
    assert thief.get("/").url.path == "/sign-in"
    assert [row[0] for row in console.rows("select action from audit_event order by id")] == [
        "session.begin",
        "session.end",
    ]


def test_the_session_is_never_one_that_the_browser_brought(console: Any) -> None:
    console.account("li", "operator")
    browser = console.browser()
    browser.client.cookies.set("lantian-session", "planted")
    assert browser.sign_in("li").url.path == "/"
    secrets = [cookie.value for cookie in browser.client.cookies.jar if cookie.name == "lantian-session"]
    assert "planted" not in secrets[-1:]
    attacker = console.browser()
    attacker.client.cookies.set("lantian-session", "planted")
    assert attacker.get("/").url.path == "/sign-in"


def test_sessions_end_when_idle_and_after_a_shift(console: Any) -> None:
    browser = console.person("li", "operator")
    console.clock.ahead = dt.timedelta(hours=1, minutes=59)
    assert browser.get("/").url.path == "/"
    console.clock.ahead = dt.timedelta(hours=3, minutes=58)
    assert browser.get("/").url.path == "/"
    console.clock.ahead = dt.timedelta(hours=6)
    assert browser.get("/").url.path == "/sign-in"
    assert browser.sign_in("li").url.path == "/"
    for hour in range(7, 18):
        console.clock.ahead = dt.timedelta(hours=hour)
        assert browser.get("/").url.path == "/"
    console.clock.ahead = dt.timedelta(hours=18, minutes=1)
    assert browser.get("/").url.path == "/sign-in"


def test_cookies_cannot_be_read_by_scripts_nor_sent_by_other_sites(seeded: Any, tmp_path: Any) -> None:
    with running_console(seeded, tmp_path) as console:
        console.account("li", "operator")
        assert "httponly; path=/; samesite=lax" in _cookie(console).lower()
    with running_console(seeded, tmp_path, public_url="https://air.example.cn") as console:
        given = _cookie(console)
        assert given.startswith("__Host-lantian-session=")
        assert "secure" in given.lower()
        answer = console.browser().get("/sign-in")
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def _cookie(console: Any) -> str:
    client = httpx.Client(base_url=console.url)
    console.browsers.append(client)
    page = client.get("/sign-in")
    secret = page.text.split('name="csrf" value="')[1][:64]
    # The client keeps secure cookies from plain addresses; a proxy with TLS in front would not.
    visit = page.headers["set-cookie"].split(";")[0]
    fields = {"csrf": secret, "name": "li", "password": PASSWORD}
    answer = client.post("/sign-in", data=fields, headers={"cookie": visit})
    assert answer.status_code == 303, answer.text
    return next(line for line in answer.headers.get_list("set-cookie") if "lantian-session=" in line)


def test_every_form_needs_its_secret(console: Any) -> None:
    browser, other = console.person("li", "operator"), console.person("wang", "operator")
    for secret in ("", "0" * 64, other.csrf()):
        answer = browser.client.post("/sign-out", data={"csrf": secret})
        assert answer.status_code == 403
        assert "表单已失效" in answer.text
    foreign = {"origin": "https://evil.example"}
    assert browser.client.post("/sign-out", data={"csrf": browser.csrf()}, headers=foreign).status_code == 403
    crossed = {"sec-fetch-site": "cross-site"}
    assert browser.client.post("/sign-out", data={"csrf": browser.csrf()}, headers=crossed).status_code == 403
    console.account("zhao", "operator")
    assert console.browser().client.post("/sign-in", data={"name": "zhao", "password": PASSWORD}).status_code == 403
    assert browser.get("/").url.path == "/"


def test_guessing_is_stopped_and_says_nothing_about_names(console: Any) -> None:
    console.account("li", "operator")
    browser = console.browser()
    wrong = [browser.sign_in("li", "wrong") for _ in range(NAME_FROM_ADDRESS)]
    unknown = browser.sign_in("nobody", "wrong")
    assert {answer.status_code for answer in (*wrong, unknown)} == {403}
    assert "用户名或口令不正确" in unknown.text
    locked = browser.sign_in("li")
    assert locked.status_code == 429
    for _ in range(NAME_FROM_ADDRESS - 1):
        browser.sign_in("nobody", "wrong")
    assert browser.sign_in("nobody").status_code == 429
    console.clock.ahead = dt.timedelta(minutes=16)
    assert browser.sign_in("li").url.path == "/"
    outcomes = console.rows("select action, outcome, account_id from audit_event order by id")
    assert outcomes[0] == ("session.begin", "refused", "li")
    assert ("session.locked", "refused", "li") in outcomes
    assert {row[2] for row in outcomes} == {"li", None}


def test_one_address_may_not_try_many_names(console: Any) -> None:
    console.account("li", "operator")
    rows = ", ".join(["(now(), sha256('x'), '127.0.0.1', false)"] * ADDRESS)
    console.rows(f"insert into sign_in (at, name_hash, address, succeeded) values {rows}")
    assert console.browser().sign_in("li").status_code == 429


def test_only_a_known_proxy_is_believed_about_its_clients(seeded: Any, tmp_path: Any) -> None:
    for proxies, counted in ((None, "127.0.0.1"), ("127.0.0.1", "203.0.113.7"), ("192.0.2.0/24", "127.0.0.1")):
        with running_console(seeded, tmp_path, serving={"proxies": proxies}) as console:
            browser = console.browser(**{"x-forwarded-for": "198.51.100.1, 203.0.113.7"})
            browser.sign_in("nobody", "wrong")
            assert console.rows("select address from sign_in order by at desc limit 1") == [(counted,)], proxies


def test_failures_elsewhere_do_not_lock_a_duty_officer_out(console: Any) -> None:
    console.account("li", "operator")
    rows = ", ".join(["(now(), sha256('li'), '10.0.0.9', false)"] * (NAME_FROM_ADDRESS * 2))
    console.rows(f"insert into sign_in (at, name_hash, address, succeeded) values {rows}")
    assert console.browser().sign_in("li").url.path == "/"


def test_a_first_password_opens_only_the_page_that_changes_it(console: Any) -> None:
    console.account("li", "operator", must_change=True)
    browser = console.browser()
    assert browser.sign_in("li").url.path == "/password"
    assert browser.get("/device").url.path == "/password"
    assert browser.get("/me").url.path == "/password"
    other = console.browser()
    other.sign_in("li")

    def change(old: str, new: str, again: str | None = None) -> httpx.Response:
        secret = browser.csrf("/password")
        return browser.client.post(
            "/password", data={"csrf": secret, "old": old, "new": new, "again": new if again is None else again}
        )

    for new, said in (
        ("short1", "长度为 6"),
        ("aaaaaaaaaa11", "只用了 2 种"),
        ("12345678901", "只有一类"),
        ("xx-li-88888-yy", "不应包含用户名"),
        (PASSWORD, "与原口令相同"),
    ):
        answer = change(PASSWORD, new)
        assert answer.status_code == 422
        assert said in answer.text
    assert "不一致" in change(PASSWORD, "another one 55", "another one 56").text
    assert "原口令不正确" in change("wrong", "another one 55").text
    done = change(PASSWORD, "another one 55")
    assert done.url.path == "/"
    assert browser.get("/device").status_code == 200
    assert other.get("/").url.path == "/sign-in"
    kept = console.rows("select password_hash, must_change from account where id = 'li'")[0]
    assert kept[0].startswith("$argon2id$")
    assert kept[0] != HASH
    assert kept[1] is False


@pytest.mark.parametrize("way", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_after_signing_in(console: Any, way: str) -> None:
    console.account("li", "operator")
    browser = console.browser()
    secret = browser.csrf("/sign-in")
    fields = {"csrf": secret, "name": "li", "password": PASSWORD, "next": way}
    answer = browser.client.post("/sign-in", data=fields, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_a_disabled_account_is_out_at_once(console: Any) -> None:
    browser = console.person("li", "operator")
    console.rows("update account set disabled_at = now() where id = 'li'")
    assert browser.get("/").url.path == "/sign-in"
    assert "用户名或口令不正确" in browser.sign_in("li").text


def test_answers_carry_the_shield(console: Any) -> None:
    browser = console.browser()
    for way in ("/sign-in", "/nowhere", "/static/console.css", "/alive", "/api/v1/openapi.json"):
        headers = browser.get(way).headers
        assert "default-src 'none'" in headers["content-security-policy"], way
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    assert browser.get("/sign-in").headers["cache-control"] == "no-store"
    assert "immutable" in browser.get("/static/console.css").headers["cache-control"]
    large = browser.client.post("/sign-in", files={"file": ("x", b"x" * (13 * 2**20))})
    assert large.status_code == 413
