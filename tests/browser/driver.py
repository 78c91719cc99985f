"""A browser spoken to in the WebDriver protocol (W3C) over plain HTTP."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from app.service.chromium import Chromium

_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
_WAIT_S: Final = 20.0
#: Between two questions about something that has yet to come: asking without a pause keeps a core busy.
_PAUSE_S: Final = 0.03


class Window:
    """One window of a browser of its own: cookies are shared with nobody.

    Parameters
    ----------
    client : httpx.Client
        Speaks to the driver.
    session : str
        The driver's name of it.
    base : str
        Address of the console.
    """

    def __init__(self, client: httpx.Client, session: str, base: str) -> None:
        self._client = client
        self._way = f"/session/{session}"
        self._base = base

    def _ask(self, method: str, way: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._client.request(method, self._way + way, json=body if method == "POST" else None)
        value = answer.json()["value"]
        if answer.status_code != 200:
            raise AssertionError(f"{way}: {value['error']}: {value['message'].splitlines()[0]}")
        return value

    def go(self, way: str) -> None:
        """Open a page of the console."""
        self._ask("POST", "/url", {"url": self._base + way})

    @property
    def way(self) -> str:
        """Where the window is."""
        return str(self._ask("GET", "/url")).removeprefix(self._base)

    def find(self, css: str) -> str:
        """An element, waited for."""
        end = time.monotonic() + _WAIT_S
        while True:
            found = self._ask("POST", "/elements", {"using": "css selector", "value": css})
            if found:
                return str(found[0][_ELEMENT])
            if time.monotonic() > end:
                raise AssertionError(f"{self.way}: found no {css}; the page says: {self.text()[:600]}")
            time.sleep(_PAUSE_S)

    def click(self, css: str) -> None:
        """Click on an element."""
        self._ask("POST", f"/element/{self.find(css)}/click", {})

    def type(self, css: str, text: str) -> None:
        """Type into a field."""
        self._ask("POST", f"/element/{self.find(css)}/value", {"text": text})

    def accept(self) -> None:
        """Say yes to a question of the page."""
        self._ask("POST", "/alert/accept", {})

    def run(self, script: str, *arguments: object) -> Any:
        """Run a function body in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script: str) -> Any:
        """Run a function body that calls its last argument with the result."""
        return self._ask("POST", "/execute/async", {"script": script, "args": []})

    def text(self) -> str:
        """Everything that can be read."""
        return str(self.run("return document.body.innerText"))

    def until(self, text: str) -> None:
        """Wait until a text can be read."""
        end = time.monotonic() + _WAIT_S
        while text not in self.text():
            if time.monotonic() > end:
                raise AssertionError(f"{self.way}: never read {text!r} but: {self.text()[:800]}")
            time.sleep(_PAUSE_S)

    def complaints(self) -> list[str]:
        """What the browser's log complains of: refused scripts and styles, errors, missing files."""
        rows = self._client.post(f"{self._way}/se/log", json={"type": "browser"}).json()["value"]
        return [row["message"] for row in rows if row["level"] == "SEVERE"]

    def shot(self, path: Path) -> None:
        """A picture of the whole page."""
        size = self.run("return [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        command = {
            "cmd": "Page.captureScreenshot",
            "params": {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1},
            },
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._ask("POST", "/goog/cdp/execute", command)["data"]))


class Driver:
    """A running driver.

    Parameters
    ----------
    chromium : Chromium
        Programs to run.
    client : httpx.Client
        Speaks to it.
    """

    def __init__(self, chromium: Chromium, client: httpx.Client) -> None:
        self._chromium = chromium
        self._client = client

    @contextmanager
    def window(self, base: str, width: int = 1440, height: int = 900) -> Iterator[Window]:
        """A fresh window of that size; 390 wide it is that of a phone."""
        options: dict[str, Any] = {
            "binary": str(self._chromium.shell),
            "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=zh-CN",
                     "--hide-scrollbars", f"--window-size={width},{height}"],
        }  # fmt: skip
        if width < 600:
            metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        answer = self._client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
        if "sessionId" not in answer:
            raise AssertionError(f"no browser: {answer['message'][:600]}")
        try:
            yield Window(self._client, answer["sessionId"], base)
        finally:
            self._client.delete(f"/session/{answer['sessionId']}")


@contextmanager
def running_driver(chromium: Chromium) -> Iterator[Driver]:
    """A driver on a port of its own until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [chromium.driver, f"--port={port}"],
        env={**os.environ, **chromium.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            end = time.monotonic() + _WAIT_S
            while True:
                try:
                    client.get("/status")
                    break
                except httpx.ConnectError:
                    assert time.monotonic() < end, "the driver does not answer"
            yield Driver(chromium, client)
    finally:
        process.terminate()
        process.wait(20)
