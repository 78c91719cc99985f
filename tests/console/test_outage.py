"""Without its database the console says so, in words to people and as JSON to programs, and stays up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.pool import Pool
from tests.console.conftest import running_console


@dataclass(frozen=True)
class NoDatabase:
    """A database that nobody serves."""

    def url(self, role: str) -> str:
        return f"postgresql://{role}:x@127.0.0.1:9/none"


def test_pages_and_programs_are_told(tmp_path: Path) -> None:
    nowhere: Any = NoDatabase()
    pool = Pool(nowhere.url("lantian_app"), size=1, wait_s=0.2)
    with running_console(nowhere, tmp_path, pool=pool) as console:
        browser = console.browser(cookie="lantian-session=something")
        page = browser.get("/")
        assert page.status_code == 503
        assert "数据库暂时无法访问" in page.text
        assert browser.get("/alive").status_code == 503
        assert browser.get("/static/console.css").status_code == 200
        told = browser.client.get("/api/v1/overview", headers={"authorization": "Bearer lt_x"})
        assert (told.status_code, told.json()["status"]) == (503, 503)
        assert console.browser().get("/sign-in").status_code == 200
