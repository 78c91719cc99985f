"""Default folders: home (data, credentials, logs) and cache (private runtimes)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent


def _checkout_id() -> str:
    return hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]


def _user_folder(variable: str, default: str) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else Path.home() / default


def home_folder() -> Path:
    """Where a checkout keeps its data: below /var/lib for root, for a service user must reach it, else XDG's folder."""
    parent = Path("/var/lib") if os.geteuid() == 0 else _user_folder("XDG_DATA_HOME", ".local/share")
    return parent / "lantian" / _checkout_id()


def cache_folder() -> Path:
    """Where private runtimes are kept, shared by all checkouts: /var/cache for root, else XDG's cache folder."""
    parent = Path("/var/cache") if os.geteuid() == 0 else _user_folder("XDG_CACHE_HOME", ".cache")
    return parent / "lantian"
