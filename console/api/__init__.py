"""The JSON interface, one module per subject, each with a `router`; a new subject is a module and a line here."""

from __future__ import annotations

from typing import Final

from console.api import alert, device, now, warning

API_ROUTERS: Final = tuple(subject.router for subject in (now, alert, warning, device))
