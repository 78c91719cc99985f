"""The pages, one module per subject, each with a `router`; a new subject is a module and a line here."""

from __future__ import annotations

from typing import Final

from console.page import account, audit, me, overview, session

PAGE_ROUTERS: Final = (session.router, overview.router, me.router, account.router, audit.router)
