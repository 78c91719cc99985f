"""Whether every panel has data on the demonstration: starts one, waits until its story is told, runs every query.

Usage: python scripts/demonstration_panels.py [--wait 900] [--pages FOLDER]

Works in a home folder of its own, which it removes. Prints the seconds until `lantian up` was done and until no panel
was empty, the panels that have no row or nothing but missing values, and exits with 1 when there is one. With --pages
it draws the dashboards there, as `lantian dashboards preview` does.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from app.preview.macro import statement
from app.preview.page import preview_page, preview_scope
from app.service.address import database_url
from app.settings import load_settings
from dashboards.panel import panel_queries
from dashboards.render import DASHBOARDS
from store.connection import Connection, connect

POLL_S = 10.0


def empty_panels(conn: Connection, now: dt.datetime) -> Iterator[str]:
    """Panels with a query that gives no row, or only one of missing values."""
    for dashboard in DASHBOARDS:
        scope = preview_scope(conn, dashboard, now)
        for panel in dashboard.panels:
            for name, sql in zip(panel.sql, panel_queries(panel, dashboard.folder), strict=True):
                rows = conn.execute(statement(sql, scope.at_least(panel.interval)).encode()).fetchall()
                if not rows or (len(rows) == 1 and all(value is None for value in rows[0])):
                    yield f"{dashboard.title}: {panel.title} ({name}.sql)"


def lantian(*arguments: str) -> None:
    """Run the program of this checkout."""
    subprocess.run([sys.executable, "-m", "app", *arguments], check=True, stdout=subprocess.DEVNULL)


@click.command()
@click.option("--wait", default=900.0, show_default=True, help="Seconds after which empty panels count.")
@click.option(
    "--pages", type=click.Path(path_type=Path, file_okay=False), help="Folder for pictures of the dashboards."
)
def main(wait: float, pages: Path | None) -> None:
    """Start the demonstration, wait for its story, report empty panels."""
    with tempfile.TemporaryDirectory(prefix="lantian-demonstration-") as home:
        # Below root the services run as another user, who must reach the folder.
        Path(home).chmod(0o755)
        os.environ["LANTIAN_HOME"] = home
        began = time.monotonic()
        lantian("up")
        click.echo(f"up after {time.monotonic() - began:.0f} s")
        try:
            empty = wait_for_panels(began, wait)
            if pages is not None:
                draw(pages)
        finally:
            lantian("down")
    for line in empty:
        click.echo(f"empty: {line}")
    sys.exit(1 if empty else 0)


def wait_for_panels(began: float, wait: float) -> list[str]:
    """Panels that are still empty when none is any more, or after `wait` seconds."""
    with connect(database_url(load_settings(), "lantian_reader"), autocommit=True) as conn:
        while True:
            empty = list(empty_panels(conn, dt.datetime.now(dt.UTC)))
            passed = time.monotonic() - began
            click.echo(f"{len(empty)} panels are empty after {passed:.0f} s")
            if not empty or passed > wait:
                return empty
            time.sleep(POLL_S)


def draw(pages: Path) -> None:
    """Write the dashboards as pages."""
    pages.mkdir(parents=True, exist_ok=True)
    with connect(database_url(load_settings(), "lantian_reader"), autocommit=True) as conn:
        for dashboard in DASHBOARDS:
            page = preview_page(conn, dashboard, dt.datetime.now(dt.UTC))
            (pages / f"{dashboard.uid}.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
