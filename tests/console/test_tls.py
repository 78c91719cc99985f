"""The console by TLS of its own: who trusts its certificate, cookies for TLS only, renewed while it runs."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from pathlib import Path
from typing import Any

import httpx

from app.console_desk import console_desk
from app.service.authority import Authority
from app.settings import Settings
from tests.console.conftest import PASSWORD, running_console


def test_the_console_speaks_tls_itself(seeded: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    authority.ensure(["127.0.0.1"], dt.datetime.now(dt.UTC))
    files = (tmp_path / "tls" / "server.crt", tmp_path / "tls" / "server.key")
    urls = {f"database_{role}_url": seeded.url(f"lantian_{role}") for role in ("owner", "writer", "app", "reader")}
    settings = Settings(home=tmp_path, console_tls_certificate=files[0], console_tls_key=files[1], **urls)
    desk = console_desk(settings)
    assert desk.secure
    serving = running_console(seeded, tmp_path, serving={"certificate": files}, public_url=desk.public_url)
    with serving as console:
        console.account("li", "operator")
        trust = ssl.create_default_context(cafile=str(authority.certificate_file))
        address = console.url.replace("http://", "https://")
        with httpx.Client(base_url=address, verify=trust, follow_redirects=True) as client:
            secret = client.get("/sign-in").text.split('name="csrf" value="')[1][:64]
            page = client.post("/sign-in", data={"csrf": secret, "name": "li", "password": PASSWORD})
            assert "总览" in page.text
            assert {cookie.name for cookie in client.cookies.jar} >= {"__Host-lantian-session"}
            assert all(cookie.secure for cookie in client.cookies.jar)
            assert "strict-transport-security" in page.headers
            before = shown(address)
            key = files[1].read_bytes()
            authority.renew_server(["127.0.0.1"], dt.datetime.now(dt.UTC))
            renewed = files[1].read_bytes()
            files[1].write_bytes(key)  # half of a renewal: a certificate without its key
            serving.server.renew()
            assert shown(address) == before
            files[1].write_bytes(renewed)
            end = time.monotonic() + 30
            while shown(address) == before and time.monotonic() < end:
                pass
            assert shown(address) != before
            # Whoever is signed in stays so, on the connection that is open and on a new one.
            assert "总览" in client.get("/").text
            with httpx.Client(base_url=address, verify=trust, cookies=client.cookies) as later:
                assert "总览" in later.get("/").text


def shown(address: str) -> str:
    """The certificate that a new connection is shown."""
    host, port = address.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port)))
