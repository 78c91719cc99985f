"""Reports of every kind as people see them: nothing wider than the window, nothing serious that axe finds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe import serious_issues
from driver import Driver

from app.evidence import episode_pages, read_evidence
from app.report.making import make_report
from app.report.writing import report_page
from domain.period import local_date
from store.connection import connect, snapshot
from tests.dashboards.conftest import module_database
from tests.dashboards.seeding import COUNTY, seed

__all__ = ["module_database"]
NOW = dt.datetime.now(dt.UTC)
TODAY = local_date(NOW)
LAST_YEAR = dt.date(TODAY.year - 1, 2, 1)
KINDS = {"day": TODAY - dt.timedelta(days=1), "month": TODAY, "year": TODAY, "plan": LAST_YEAR, "validity": TODAY}


@pytest.fixture(scope="module")
def pages(module_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Address of each report's page: the five kinds, and the two of an episode."""
    made = module_database()
    seed(made.url("lantian_owner"), made.url("lantian_app"), NOW)
    folder: Path = tmp_path_factory.mktemp("report")
    texts = {}
    with connect(made.url("lantian_app"), autocommit=True) as conn:
        for kind, day in KINDS.items():
            texts[kind] = report_page(make_report(conn, kind, COUNTY, day, now=NOW, subject="zhongyang-steel"))
        with snapshot(conn):
            texts |= episode_pages(read_evidence(conn, 1))
    addresses = {}
    for name, text in texts.items():
        path = folder / f"{Path(name).stem}.html"
        path.write_text(text, encoding="utf-8")
        addresses[path.stem] = path.as_uri()
    yield addresses


@pytest.mark.parametrize("width", [1366, 390])
def test_reports_at_a_desk_and_on_a_phone(pages: dict[str, str], driver: Driver, axe: str, width: int) -> None:
    assert {*KINDS, "episode", "zhongyang-steel"} <= set(pages)
    with driver.window("", width, 844) as window:
        for name, address in pages.items():
            window.go(address)
            assert window.complaints() == [], name
            assert window.run("return document.querySelectorAll('h1').length") == 1, name
            assert window.run("return document.documentElement.scrollWidth <= window.innerWidth"), name
            assert serious_issues(window, axe) == [], name
