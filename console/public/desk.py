"""What the public pages are given when they start."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from store.pool import Pool

#: Where everything public lies, so that a proxy hands on one path.
ROOT: Final = "/public"


@dataclass(frozen=True, slots=True)
class PublicDesk:
    """Everything a public request needs besides itself.

    Attributes
    ----------
    pool : Pool
        Connections as role lantian_reader.
    now : callable
        The clock.
    county, county_zh : str
        Area that is published and its name.
    per_minute : int
        Requests that one address may make in a minute.
    proxy : str or None
        Address of the proxy whose last entry of ``X-Forwarded-For`` names who asks; nobody else's is believed.
    url : str or None
        Address under which the public comes; by default the one each request names.
    """

    pool: Pool
    now: Callable[[], dt.datetime]
    county: str
    county_zh: str
    per_minute: int = 120
    proxy: str | None = None
    url: str | None = None
