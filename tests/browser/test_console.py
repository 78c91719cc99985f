"""The console as people see it: a duty officer and an enterprise through a warning, at a desk and on a phone.

With LANTIAN_TEST_SCREENSHOTS set to a folder, pictures of every page are left there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from axe import serious_issues
from driver import Driver, Window

from store.connection import connect
from tests.console.conftest import FIRST_ENTERPRISE, PASSWORD, SECOND_ENTERPRISE, running_console
from tests.console.test_alert_page import raised
from tests.console.test_warning_page import furnish, verify

SEED = Path(__file__).parents[1] / "dashboards" / "seed.sql"
SHOTS = os.environ.get("LANTIAN_TEST_SCREENSHOTS")
PAGES = (
    *("/", "/alert", "/overdue", "/delivery", "/contact", "/contact/duty", "/contact-form", "/alert-rule"),
    *("/alert-rule/stack_exceedance_hour", "/warning", "/reduction", "/device", "/device/pending", "/target"),
    *("/target/zhongyang/coal_total", "/register", "/register/reduction_line", "/register/reduction_line/test-works-1"),
    *("/register-form/reduction_measure", "/register-import/reduction_line", "/review?device=ningxiang-air"),
    *("/revision", "/account", "/audit", "/me", "/api", "/password"),
)


@pytest.fixture
def console(seeded: Any, tmp_path: Path) -> Iterator[Any]:
    """A console over a small county with two years of statistics."""
    with running_console(seeded, tmp_path) as running:
        with connect(seeded.url("lantian_owner")) as conn:
            conn.execute(SEED.read_bytes())
        furnish(running)
        yield running


def sign_in(window: Window, name: str) -> None:
    window.go("/sign-in")
    window.type("#f-name", name)
    window.type("#f-password", PASSWORD)
    window.click("button.main")
    window.find("nav.menu")


def shoot(window: Window, name: str) -> None:
    if SHOTS:
        window.shot(Path(SHOTS) / f"{name}.png")


def check_page(window: Window) -> None:
    """Nothing refused or missing; nothing wider than the window; every field has a name; one heading."""
    assert window.complaints() == []
    assert window.run("return document.documentElement.scrollWidth <= window.innerWidth"), window.way
    nameless = window.run(
        "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(e =>"
        " !(e.labels && e.labels.length) && !e.getAttribute('aria-label')).map(e => e.outerHTML)"
    )
    assert nameless == [], window.way
    assert window.run("return document.querySelectorAll('h1').length") == 1, window.way
    doubled = window.run(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        " return ids.filter((id, at) => ids.indexOf(id) !== at)"
    )
    assert doubled == [], window.way


def acknowledge_alert(console: Any, duty: Window) -> None:
    """A new alert appears on the open overview; the officer acknowledges it."""
    duty.until("实时")
    number = raised(console)
    duty.until("test-works排放超标")
    check_page(duty)
    shoot(duty, "overview")
    duty.go(f"/alert/{number}")
    duty.click("form[action$=acknowledge] button")
    duty.until("处理中")
    check_page(duty)
    shoot(duty, "alert")


def issue_warning(duty: Window) -> None:
    """Proposed, shown before it is sent, confirmed."""
    duty.go("/warning")
    duty.run("document.querySelector('#f-level').value = 'orange'")
    duty.type("#why-propose", "会商：未来三天静稳")
    duty.click("form[action='/warning/step'] button.main")
    duty.until("待确认：橙色预警")
    check_page(duty)
    shoot(duty, "warning")
    duty.type("#why-confirm", "会商决定启动")
    duty.click("form[action='/warning/preview'] button.main")
    duty.until("尚未执行")
    check_page(duty)
    shoot(duty, "warning-preview")
    duty.click("form[action='/warning/step'] button.main")
    duty.until("减排指令")
    check_page(duty)


def answer_order(works: Window, axe: str) -> None:
    """The enterprise reads its order on a phone and answers."""
    works.until("须执行减排措施")
    check_page(works)
    shoot(works, "phone-own")
    works.click("a.button[href^='/own/order/']")
    assert serious_issues(works, axe) == []
    works.click("input[name=measure]")
    works.click("#answer button.main")
    works.until("回执已提交")


def test_a_duty_officer_and_an_enterprise_through_a_warning(console: Any, driver: Driver, axe: str) -> None:
    console.account("li", "operator")
    console.account("works", "enterprise", FIRST_ENTERPRISE)
    console.account("foundry", "enterprise", SECOND_ENTERPRISE)
    with driver.window(console.url) as duty, driver.window(console.url, 390, 844) as works:
        sign_in(duty, "li")
        acknowledge_alert(console, duty)
        issue_warning(duty)
        sign_in(works, "works")
        answer_order(works, axe)
        ((order,),) = console.rows("select id from reduction_order where enterprise_id = %s", FIRST_ENTERPRISE)
        verify(console, order)
        works.go(f"/own/order/{order}")
        check_page(works)
        shoot(works, "phone-own-order")
        duty.run("location.reload()")
        duty.until("works先生")
        shoot(duty, "episode")
        assert serious_issues(duty, axe) == []
        duty.go(f"/order/{order}")
        check_page(duty)
        assert serious_issues(duty, axe) == []
        shoot(duty, "order")
    with driver.window(console.url) as other:
        sign_in(other, "foundry")
        other.go(f"/own/order/{order}")
        assert "没有这项指令" in other.text()
        assert other.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 404


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_fits_and_breaks_no_rule(console: Any, driver: Driver, axe: str, width: int) -> None:
    console.account("boss", "administrator")
    raised(console)
    with driver.window(console.url, width, 900) as window:
        window.go("/sign-in")
        check_page(window)
        shoot(window, f"{width}-sign-in")
        sign_in(window, "boss")
        for way in PAGES:
            window.go(way)
            check_page(window)
            if width > 600:
                assert serious_issues(window, axe) == [], way
            shoot(window, f"{width}-{re.sub('[^a-z0-9]+', '-', way.strip('/')) or 'overview'}")


def test_the_checker_finds_what_is_wrong(console: Any, driver: Driver, axe: str) -> None:
    with driver.window(console.url) as window:
        window.go("/sign-in")
        window.run("document.querySelector('label').remove(); document.querySelector('h1').style.color = '#eee'")
        found = serious_issues(window, axe)
        assert any("label" in each for each in found)
        assert any("color-contrast" in each for each in found)
        with pytest.raises(AssertionError):
            check_page(window)


def test_the_overview_says_when_the_session_is_over(console: Any, driver: Driver) -> None:
    console.account("li", "operator")
    with driver.window(console.url) as window:
        sign_in(window, "li")
        window.until("实时")
        console.rows("delete from session")
        window.until("登录操作台")


def test_the_overview_says_when_the_connection_is_lost(seeded: Any, tmp_path: Path, driver: Driver) -> None:
    with ExitStack() as stack:
        lasting = ExitStack()
        console = lasting.enter_context(running_console(seeded, tmp_path))
        stack.callback(lasting.close)
        console.account("li", "operator")
        window = stack.enter_context(driver.window(console.url))
        sign_in(window, "li")
        window.until("实时，")
        faint = "return getComputedStyle(document.getElementById('overview')).opacity"
        assert window.run(faint) == "1"
        lasting.close()
        window.until("连接中断")
        assert window.run(faint) == "0.6"
