"""Pictures for the handbooks: a demonstration of its own is started, looked at in a headless Chromium, and stopped.

``scripts/screenshots [--out FOLDER] [--only NAME ...] [--keep FOLDER]``. The demonstration has its own home folder and
ports, and mail goes to a server of this process. Names, sizes and the simulated weather are always the same; the moment
is not. With ``--keep`` the demonstration lives in that folder, is left running and used again the next time.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import email
import email.policy
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "browser")]
from driver import Driver, Window, running_driver  # noqa: E402

from app.service.chromium import find_chromium  # noqa: E402
from app.settings import load_settings  # noqa: E402
from firmware_sim.frame_hj212 import frame  # noqa: E402

PICTURES: Final = ROOT / "docs" / "handbook" / "picture"
DESK: Final = (1280, 860)
PHONE: Final = (390, 844)
#: How large pictures become: those of a phone have two dots a pixel.
SCALE: Final = {DESK: 0.8, PHONE: 0.55}
QUALITY: Final = 62
#: The highest part of a page that is shown.
TALLEST: Final = 1500
PASSWORD: Final = "柳绿桃红又一年-2026"  # noqa: S105 - of accounts that end with the demonstration
ENTERPRISE: Final = "zhongyang-steel"
#: A frame of a device that nobody has registered, as a logger sends it.
STRANGER: Final = (
    "ST=22;CN=2051;PW=123456;MN=141129000000000000000777;Flag=5;CP=&&DataTime={time};"
    "a34004-Avg=35.1,a34004-Flag=N;a34002-Avg=71,a34002-Flag=N&&"
)
TOLD_S: Final = 1500


@dataclass(frozen=True)
class Page:
    """A page that shows itself: name of the picture, way, how much of it."""

    name: str
    way: str
    height: int = 0


DUTY: Final = (
    Page("overview", "/", 1000),
    Page("alert", "/alert"),
    Page("overdue", "/overdue"),
    Page("delivery", "/delivery"),
    Page("contact", "/contact"),
    Page("contact-form", "/contact-form"),
    Page("reduction", "/reduction", 1000),
    Page("device", "/device", 900),
    Page("device-pending", "/device/pending"),
    Page("target", "/target", 900),
    Page("register", "/register"),
    Page("register-list", "/register/reduction_line", 900),
    Page("register-import", "/register-import/reduction_line"),
    Page("revision", "/revision"),
    Page("me", "/me"),
)
HEAD: Final = (
    Page("alert-rule", "/alert-rule", 900),
    Page("alert-rule-one", "/alert-rule/stack_exceedance_hour"),
    Page("account", "/account"),
    Page("audit", "/audit", 900),
)


def free_port() -> int:
    """A port that nobody uses, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class Mailbox:
    """Keeps what is sent by mail."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: ARG002, N802
        """Take a letter."""
        self.letters.append(bytes(envelope.content))
        return "250 OK"

    def link(self, about: str) -> str:
        """The answer link in the newest letter about something."""
        for letter in reversed(self.letters):
            message = email.message_from_bytes(letter, policy=email.policy.default)
            text = message.get_body(("plain",)).get_content()
            found = re.search(r"http\S+/answer/\S+", text)
            if about in text and found:
                return found[0]
        raise SystemExit(f"screenshots: found no letter about {about!r} with a link among {len(self.letters)}")


class Demonstration:
    """A county of its own below a folder, with the ports of its last life there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        noted = folder / "ports.json"
        if not noted.exists():
            names = ("console", "public", "gateway", "mail", "database", "broker")
            noted.write_text(json.dumps({name: free_port() for name in names}))
        self.ports: dict[str, int] = json.loads(noted.read_text())
        secrets = folder / "alert-secrets.toml"
        secrets.write_text(
            f'[mail]\nhost = "127.0.0.1"\nport = {self.ports["mail"]}\nsecurity = "none"\nsender = "air@localhost"\n'
        )
        secrets.chmod(0o600)
        (folder / "lantian.toml").write_text("")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LANTIAN_")},
            "LANTIAN_CONFIG": str(folder / "lantian.toml"),
            "LANTIAN_HOME": str(folder / "home"),
            "LANTIAN_DATABASE_PORT": str(self.ports["database"]),
            "LANTIAN_BROKER_PORT": str(self.ports["broker"]),
            "LANTIAN_CONSOLE_PORT": str(self.ports["console"]),
            "LANTIAN_CONSOLE_PUBLIC_URL": self.url,
            "LANTIAN_PUBLIC": "true",
            "LANTIAN_PUBLIC_PORT": str(self.ports["public"]),
            "LANTIAN_GATEWAY_ADDRESS": "127.0.0.1",
            "LANTIAN_GATEWAY_PORT": str(self.ports["gateway"]),
            "LANTIAN_ALERT_SECRETS_FILE": str(secrets),
        }

    @property
    def url(self) -> str:
        """Address of the console."""
        return f"http://127.0.0.1:{self.ports['console']}"

    def run(self, *words: str) -> str:
        """Run `lantian`; what it prints."""
        command = [sys.executable, "-m", "app", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            raise SystemExit(f"screenshots: lantian {' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def await_story(self) -> None:
        """Wait until the demonstration's past has been told."""
        end = time.monotonic() + TOLD_S
        while not any(word in self.run("warning", "history") for word in ("lifted", "已解除")):
            if time.monotonic() > end:
                raise SystemExit(f"screenshots: the demonstration's past was not told within {TOLD_S} s")
            print("waiting for the demonstration's past", flush=True)
            time.sleep(15)

    def knock(self) -> None:
        """Send a frame of an unknown device to the gateway."""
        now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
        body = f"QN={now:%Y%m%d%H%M%S}001;" + STRANGER.format(time=f"{now:%Y%m%d%H%M}00")
        with socket.create_connection(("127.0.0.1", self.ports["gateway"]), timeout=10) as link:
            link.sendall(frame(body.encode()))


@contextmanager
def demonstration(kept: Path | None) -> Iterator[tuple[Demonstration, Mailbox]]:
    """A running demonstration; gone afterwards unless it is kept."""
    folder = kept or Path(tempfile.mkdtemp(prefix="lantian-screenshots-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    county, mailbox = Demonstration(folder), Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=county.ports["mail"])
    controller.start()
    try:
        county.run("up")
        yield county, mailbox
    finally:
        if kept is None:
            county.run("down")
            shutil.rmtree(folder, ignore_errors=True)
        controller.stop()


class Album:
    """Takes pictures.

    Parameters
    ----------
    out : Path
        Folder of the pictures.
    only : list of str
        Names to take; all when empty.
    """

    def __init__(self, out: Path, only: list[str]) -> None:
        self._out, self._only = out, only
        out.mkdir(parents=True, exist_ok=True)

    def take(self, window: Window, name: str, size: tuple[int, int] = DESK, height: int = 0) -> None:
        """A picture of the page from its top, `height` high (0: all of it, up to a bound)."""
        if self._only and name not in self._only:
            return
        whole = int(window.run("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(whole, height or TALLEST), "scale": SCALE[size]}
        params = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": clip}
        command = {"cmd": "Page.captureScreenshot", "params": params}
        picture = base64.b64decode(window._ask("POST", "/goog/cdp/execute", command)["data"])
        (self._out / f"{name}.webp").write_bytes(picture)
        print(f"{name}.webp {len(picture) // 1024} KiB", flush=True)

    def visit(self, window: Window, pages: tuple[Page, ...]) -> None:
        """A picture of each page."""
        for page in pages:
            window.go(page.way)
            self.take(window, page.name, height=page.height)


def leave(window: Window, way: str) -> None:
    """Wait until another page is there."""
    end = time.monotonic() + 30
    while window.way.startswith(way):
        if time.monotonic() > end:
            raise SystemExit(f"screenshots: still at {way}: {window.text()[:400]}")
        time.sleep(0.1)


def sign_in(window: Window, name: str, password: str) -> None:
    """Sign in."""
    window.go("/sign-in")
    window.type("#f-name", name)
    window.type("#f-password", password)
    window.click("button.main")
    leave(window, "/sign-in")


def first_sign_in(window: Window, name: str, password: str, album: Album | None = None) -> None:
    """Sign in with a password that somebody else made, and choose one."""
    sign_in(window, name, password)
    if album is not None:
        album.take(window, "password")
    for field, text in (("old", password), ("new", PASSWORD), ("again", PASSWORD)):
        window.type(f"#f-{field}", text)
    window.click("form[action='/password'] button.main")
    leave(window, "/password")


def account(county: Demonstration, name: str, name_zh: str, role: str, *more: str) -> str:
    """Make an account, or give it another password; its password."""
    known = re.search(rf"\b{name}\b", county.run("account", "list"))
    add = ("add", name, "--name-zh", name_zh, "--role", role, *more)
    said = county.run("account", *(("password", name) if known else add))
    found = re.search(r"\b(?:[A-Za-z0-9]{4}-){3}[A-Za-z0-9]{4}\b", said)
    assert found, said
    return found[0]


def furnish(county: Demonstration) -> None:
    """Whom notices go to, and a stranger."""
    county.run("contact", "add", "duty-li", "--name", "李值班", "--mail", "duty@localhost")
    county.run(
        "contact", "add", "steel-desk", "--name", "张调度", "--enterprise", ENTERPRISE, "--mail", "steel@localhost"
    )
    county.run("contact", "add", "steel-chief", "--name", "王厂长", "--enterprise", ENTERPRISE, "--step", "2",
               "--mail", "chief@localhost", "--hours", "07:00-22:00")  # fmt: skip
    county.knock()


def warn(county: Demonstration, window: Window, album: Album) -> None:
    """From the proposal that waits to orders; a warning of an earlier run is lifted before."""
    window.go("/warning")
    if window.run("return document.querySelector('#why-lift') !== null"):
        county.run("warning", "lift", "--why", "演示结束")
        window.go("/warning")
    if window.run("return document.querySelector('#why-confirm') === null"):
        window.run("document.querySelector('#f-level').value = 'orange'")
        window.type("#why-propose", "会商：未来三天静稳")
        window.click("form[action='/warning/step'] button.main")
        window.find("#why-confirm")
    album.take(window, "warning", height=1000)
    window.type("#why-confirm", "会商决定启动")
    window.click("form[action='/warning/preview'] button.main")
    window.until("尚未执行")
    album.take(window, "warning-preview", height=1000)
    window.click("form[action='/warning/step'] button.main")
    window.until("减排指令")
    album.take(window, "episode", height=1100)


def past_order(window: Window, album: Album) -> None:
    """An order of the past with its verification."""
    window.go("/warning")
    past = window.run(
        "return [...document.querySelectorAll('a[href^=\"/warning/\"]')].map(a => a.getAttribute('href'))"
        ".filter(h => /^\\/warning\\/[0-9]+$/.test(h))"
    )
    for way in reversed(past):
        window.go(way)
        orders = window.run(
            "return [...document.querySelectorAll('a[href^=\"/order/\"]')].map(a => a.getAttribute('href'))"
        )
        for order in orders:
            window.go(order)
            if window.run("return document.querySelector('svg.power .bar') !== null"):
                album.take(window, "order", height=1300)
                return
    raise SystemExit(f"screenshots: no order with a verification among {past}")


def alert_one(window: Window, album: Album) -> None:
    """The first alert with everything about it."""
    window.go("/alert")
    first = window.run("return document.querySelector('td a[href^=\"/alert/\"]').getAttribute('href')")
    window.go(first)
    album.take(window, "alert-one")


def propose_review(window: Window, album: Album) -> None:
    """A reviewer proposes that values do not count."""
    window.go("/review?device=ningxiang-air")
    window.click("input[name=column]")
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
    fields = {
        "low": f"{now - dt.timedelta(hours=5):%Y-%m-%dT%H:00}",
        "high": f"{now - dt.timedelta(hours=3):%Y-%m-%dT%H:00}",
    }
    for field, text in fields.items():
        window.run("document.querySelector('#f-' + arguments[0]).value = arguments[1]", field, text)
    window.run("document.querySelector('#f-verdict').value = 'invalid'")
    window.type("#f-why", "采样管路漏气，运维单 2026-118")
    album.take(window, "review-propose")
    window.click("form[action^='/review?'] button.main")
    window.until("采样管路漏气")


def enterprise_side(county: Demonstration, driver: Driver, mailbox: Mailbox, album: Album) -> None:
    """The signed link and the enterprise's own pages on a phone."""
    password = account(county, "steel", "张调度", "enterprise", "--enterprise", ENTERPRISE)
    with driver.window(county.url, *PHONE) as window:
        first_sign_in(window, "steel", password)
        window.go("/own")
        album.take(window, "own", PHONE)
        window.click("a.button[href^='/own/order/']")
        album.take(window, "own-order", PHONE)
        number = window.way
    with driver.window("", *PHONE) as window:
        window.go(mailbox.link("减排"))
        album.take(window, "answer", PHONE)
        window.type("#f-by", "张调度")
        for box in window.run("return [...document.querySelectorAll('input[name=measure]')].map(e => e.value)"):
            window.click(f"input[name=measure][value='{box}']")
        window.click("button.main")
        window.until("回执")
        album.take(window, "answer-done", PHONE)
    with driver.window(county.url, *PHONE) as window:
        sign_in(window, "steel", PASSWORD)
        window.go(number)
        album.take(window, "own-order-answered", PHONE)


def files(county: Demonstration, driver: Driver, album: Album) -> None:
    """A report and dashboards, drawn without Grafana."""
    yesterday = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date() - dt.timedelta(days=1)
    county.run("report", "day", str(yesterday), "--format", "html", "--out", str(county.folder / "report"))
    county.run("report", "month", f"{yesterday:%Y-%m}", "--format", "html", "--out", str(county.folder / "report"))
    dashboards = ("lantian-targets", "lantian-air", "lantian-warning", "lantian-enterprise", "lantian-vehicle",
                  "lantian-micro", "lantian-data", "lantian-system")  # fmt: skip
    county.run("dashboards", "preview", "--out", str(county.folder / "preview"), *dashboards)
    with driver.window("", *DESK) as window:
        for kind in ("day", "month"):
            window.go(next((county.folder / "report").rglob(f"{kind}-*.html")).as_uri())
            album.take(window, f"report-{kind}", height=1300)
        for name in dashboards:
            window.go((county.folder / "preview" / f"{name}.html").as_uri())
            album.take(window, name.replace("lantian", "dashboard"), height=1000)


def public_pages(county: Demonstration, driver: Driver, album: Album) -> None:
    """What everybody sees."""
    base = f"http://127.0.0.1:{county.ports['public']}"
    with driver.window(base, *DESK) as window:
        window.go("/public/")
        album.take(window, "public", height=1000)
    with driver.window(base, *PHONE) as window:
        window.go("/public/")
        album.take(window, "public-phone", PHONE, 844)


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", default=[])
    chosen = parser.parse_args()
    os.environ["LANGUAGE"] = "zh_CN"  # of the browser: how it shows dates in forms
    album = Album(chosen.out, chosen.only)
    cache = load_settings().cache
    with ExitStack() as stack:
        county, mailbox = stack.enter_context(demonstration(chosen.keep))
        driver = stack.enter_context(running_driver(find_chromium(cache)))
        county.await_story()
        furnish(county)
        with driver.window(county.url, *DESK) as window:
            window.go("/sign-in")
            album.take(window, "sign-in")
            first = county.folder / "home" / "console-first-password"
            if first.exists():
                first_sign_in(window, "admin", first.read_text().strip())
            else:
                sign_in(window, "admin", PASSWORD)
            account(county, "li", "李值班", "operator")
            review_password = account(county, "wang", "王审核", "reviewer")
            with driver.window(county.url, *DESK) as reviewer:
                first_sign_in(reviewer, "wang", review_password, album)
                propose_review(reviewer, album)
            window.go("/")
            window.until("实时，")
            album.visit(window, DUTY)
            window.go("/review")
            album.take(window, "review")
            alert_one(window, album)
            past_order(window, album)
            warn(county, window, album)
            enterprise_side(county, driver, mailbox, album)
            album.visit(window, HEAD)
        files(county, driver, album)
        public_pages(county, driver, album)


if __name__ == "__main__":
    main()
