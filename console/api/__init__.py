"""The JSON interface, one module per subject, each with a `router`; a new subject is a module and a line here."""

from __future__ import annotations

from typing import Final

from console.api import now

API_ROUTERS: Final = (now.router,)
