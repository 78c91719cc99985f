"""The public pages as people see them, at a desk and on a phone, light and dark.

With LANTIAN_TEST_SCREENSHOTS set to a folder, pictures are left there.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import serious_issues
from driver import Driver, Window

from console.public.desk import PublicDesk
from console.public.server import public_server
from store.connection import connect
from store.pool import Pool

SEED = Path(__file__).parents[1] / "dashboards" / "seed.sql"
SHOTS = os.environ.get("LANTIAN_TEST_SCREENSHOTS")
PAGES = {
    "start": "/public/",
    "site": "/public/site/ningxiang",
    "emission": "/public/emission",
    "about": "/public/about",
}
#: Letters and what is behind them, by WCAG 2: every text must stand out by 4.5 to 1 (3 to 1 when large).
CONTRAST = """
const parse = text => text.match(/[\\d.]+/g).map(Number);
const part = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 };
const light = c => { const [r, g, b] = c.map(part); return .2126 * r + .7152 * g + .0722 * b };
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
const says = e => e.offsetParent && !e.closest('svg') &&
  [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
return [...document.querySelectorAll('body *')].filter(says).map(e => {
  const s = getComputedStyle(e), a = light(parse(s.color).slice(0, 3)), b = light(behind(e));
  const least = parseFloat(s.fontSize) >= 24 ? 3 : 4.5;
  return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), least, e.textContent.trim().slice(0, 40)]
}).filter(([ratio, least]) => ratio < least)
"""


@pytest.fixture
def public(seeded: Any) -> Iterator[str]:
    """Address of the public pages of a small county in heavy pollution with a warning."""
    with connect(seeded.url("lantian_owner")) as conn:
        conn.execute(SEED.read_bytes())
        conn.execute(
            "update air_hour set co = null, iaqi_co = null, iaqi_pm10 = 66, iaqi_o3 = 30 where site_id = 'jinluo'"
        )
        conn.execute("update air_day set aqi = 20 + (day - date '2020-01-01') * 37 % 290")
        conn.execute("update air_day set level = (select level from aqi_level l where l.edition = air_day.edition"
                     " and aqi between l.aqi_low and l.aqi_high)")  # fmt: skip
        conn.execute(
            "insert into warning (area_id, state, highest_level, starts_at, ends_at, opened_at, issued_at, changed_at,"
            " rules) values ('zhongyang', 'orange', 'orange', now(), now() + interval '3 days', now(), now(), now(),"
            " 'warning-2024')"
        )
    desk = PublicDesk(
        pool=Pool(seeded.url("lantian_reader"), size=2), now=lambda: dt.datetime.now(dt.UTC), county="zhongyang",
        county_zh="中阳县", per_minute=10_000,
    )  # fmt: skip
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = public_server(desk, "127.0.0.1", port)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        end = time.monotonic() + 20
        while not server.started and thread.is_alive() and time.monotonic() < end:
            thread.join(0.01)
        assert server.started
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def check(window: Window, axe: str) -> None:
    """Nothing refused or missing; nothing wider than the window; readable; nothing serious that axe finds."""
    assert window.complaints() == []
    assert window.run("return document.documentElement.scrollWidth <= window.innerWidth"), window.way
    assert window.run("return document.querySelectorAll('h1').length") == 1, window.way
    hidden = "return [...document.querySelectorAll('table')].filter(e => !e.offsetHeight).length"
    assert window.run(hidden) == 0, window.way
    assert window.run("return document.documentElement.lang") == "zh-CN"
    assert window.run(CONTRAST) == [], window.way
    assert serious_issues(window, axe) == [], window.way


@pytest.mark.parametrize("width", [1440, 390])
def test_pages_at_a_desk_and_on_a_phone(public: str, driver: Driver, axe: str, width: int) -> None:
    with driver.window(public, width, 900 if width > 600 else 844) as window:
        for scheme in ("light", "dark"):
            feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            window._ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": feature})
            for name, way in PAGES.items():
                window.go(way)
                window.until("中阳县空气质量")
                check(window, axe)
                if SHOTS:
                    window.shot(Path(SHOTS) / f"public-{name}-{width}-{scheme}.png")
        window.go("/public/")
        window.click(".stations a")
        window.until("近30日")
        assert "/public/site/" in window.way
