"""Checks of the console: whether it answers, who may sign in, whether it is open to others without TLS."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Final

from app.service.address import database_url
from app.service.finding import Finding, judged
from app.service.home import Home
from app.service.port import LOOPBACK
from app.settings import Settings
from store.account import read_accounts
from store.connection import connect
from store.error import translated

_EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - listens everywhere
_ANSWER_S: Final = 5.0


def console_url(settings: Settings, address: str, port: int) -> str:
    """Address of the console for a browser on this machine."""
    scheme = "https" if settings.console_tls_certificate else "http"
    host = LOOPBACK if address in _EVERYWHERE else f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}:{port}/"


def local_console_url(settings: Settings) -> str:
    """The same for the port that the console chose when it started last."""
    port = Home(settings.home).ports().get("console", settings.console_port)
    return console_url(settings, settings.console_address, port)


def console_address(settings: Settings) -> str:
    """The address under which people reach the console: the public one where there is one."""
    return settings.console_public_url or local_console_url(settings)


def is_alive(settings: Settings) -> bool:
    """Whether the console answers and reaches the database."""
    # Its certificate bears the public name; that it answers here is all that is asked.
    context = ssl._create_unverified_context() if settings.console_tls_certificate else None  # noqa: S323
    try:
        with urllib.request.urlopen(  # noqa: S310 - http or https, our own address
            f"{local_console_url(settings)}alive", timeout=_ANSWER_S, context=context
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def console_findings(settings: Settings) -> Iterator[Finding]:
    """Findings about the console; none when it is switched off.

    Parameters
    ----------
    settings : Settings
        Settings in force.

    Yields
    ------
    Finding
        Passwords that others can read on the way are a warning.
    """
    if not settings.console:
        return
    where = local_console_url(settings)
    alive = is_alive(settings)
    advice = "see console.log in the log folder"
    yield judged(alive, "console", f"{where} {'answers' if alive else 'does not answer'}", advice)
    with connect(database_url(settings), connect_timeout_s=5) as conn, translated("read the accounts"):
        serving = [one for one in read_accounts(conn) if one.disabled_at is None]
    waiting = [one.id for one in serving if one.must_change]
    text = f"{len(serving)} in service" + (f"; first password not changed yet: {', '.join(waiting)}" if waiting else "")
    yield judged(any(one.role == "administrator" for one in serving), "console accounts", text, "lantian account add")
    public = settings.console_public_url or ""
    safe = settings.console_address in (LOOPBACK, "localhost", "::1") or bool(settings.console_tls_certificate)
    text = f"{settings.console_address} {'by TLS or on this machine only' if safe else 'without TLS'}"
    advice = "passwords can be read on the way: set console_tls_certificate and console_tls_key, or a proxy with TLS"
    yield judged(safe or public.startswith("https://"), "console access", text, advice, otherwise="warn")
