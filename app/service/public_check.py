"""Where the public pages are, and whether they answer."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Final

from app.service.finding import Finding, judged
from app.service.home import Home
from app.service.port import LOOPBACK
from app.settings import Settings
from console.public.desk import ROOT

_ANSWER_S: Final = 5.0


def public_page_url(settings: Settings) -> str:
    """Address of the public pages for a browser: the public one, else that on this machine."""
    if settings.public_url is not None:
        return f"{settings.public_url.rstrip('/')}{ROOT}/"
    return _local_url(settings) + "/"


def _local_url(settings: Settings) -> str:
    port = Home(settings.home).ports().get("public", settings.public_port)
    host = LOOPBACK if settings.public_address in ("0.0.0.0", "::") else settings.public_address  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{ROOT}"


def public_findings(settings: Settings) -> Iterator[Finding]:
    """Findings about the public pages; none when they are switched off.

    Parameters
    ----------
    settings : Settings
        Settings in force.

    Yields
    ------
    Finding
        Whether they answer with figures.
    """
    if not settings.public:
        return
    where = _local_url(settings)
    try:
        with urllib.request.urlopen(f"{where}/alive", timeout=_ANSWER_S) as answer:  # noqa: S310 - http
            alive = answer.status == 200
    except OSError:
        alive = False
    text = f"{where} {'answers' if alive else 'does not answer'}"
    yield judged(alive, "public pages", text, "see public.log in the log folder")
