"""`lantian report`: reports of the county as HTML, PDF, Excel and CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from app.evidence import episode_pages, read_evidence
from app.report.browser import find_browser
from app.report.episode import episode_report
from app.report.making import make_report
from app.report.writing import FORMATS, write_pages, write_report
from app.service.address import app_database_url
from app.service.chromium import make_private
from app.service.progress import Lines
from app.settings import load_settings
from domain.error import ConfigurationError, PrerequisiteError
from domain.period import ZONE, local_date
from store.connection import Connection, connect, snapshot
from store.error import translated
from store.registration import read_areas
from store.report_made import read_made

#: Pattern of the period on the command line, by kind of report.
_PATTERNS = {"day": "YYYY-MM-DD", "month": "YYYY-MM", "validity": "YYYY-MM", "year": "YYYY", "plan": "YYYY-Qn"}


@click.group("report")
def command() -> None:
    """Write reports: HTML, PDF, one Excel workbook and one CSV file per table; figures are those of the dashboards."""


@contextmanager
def _database() -> Iterator[Connection]:
    with (
        translated("read the report"),
        connect(app_database_url(), autocommit=True, application_name="lantian report") as conn,
    ):
        yield conn


def _formats(_ctx: click.Context, _param: click.Parameter, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        raise click.BadParameter(f"found {text!r}, expected some of {','.join(FORMATS)}")
    return names


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--format",
            "formats",
            default=",".join(FORMATS),
            show_default=True,
            callback=_formats,
            help="What to write.",
        ),
        click.option(
            "--out", default=".", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
        ),
    ):
        function = option(function)
    return function


def parsed_period(kind: str, text: str) -> dt.date:
    """First day of a period as it is written on the command line, such as 2026-03 or 2026-Q1."""
    try:
        if kind == "plan":
            year, _, quarter = text.upper().partition("-Q")
            return dt.date(int(year), 3 * int(quarter) - 2, 1)
        return dt.date.fromisoformat({"day": text, "year": f"{text}-01-01"}.get(kind, f"{text}-01"))
    except ValueError as error:
        raise ConfigurationError(f"period: found {text!r}, expected {_PATTERNS[kind]}") from error


def _write(kind: str, text: str, area: str | None, out: Path, formats: Sequence[str], subject: str = "") -> None:  # noqa: PLR0913, PLR0917
    now = dt.datetime.now(dt.UTC)
    day = parsed_period(kind, text)
    if day > local_date(now):
        raise ConfigurationError(f"period: found {text}, which has not begun, expected one that has")
    with _database() as conn:
        area = area or load_settings().county
        known = read_areas(conn)
        if area not in known:
            raise ConfigurationError(
                f"area: found {area!r}, expected one of {', '.join(known) or 'none: no county yet'}"
            )
        report = make_report(conn, kind, area, day, now=now, subject=subject)
    if report.empty:
        click.echo(f"no data in {text}: the report says so", err=True)
    _print(write_report(report, out, formats))


def _print(files: Sequence[Path]) -> None:
    for file in files:
        click.echo(str(file))


def _add(kind: str, help_text: str) -> None:
    @command.command(kind, help=help_text)
    @click.argument("period", metavar=_PATTERNS[kind])
    @click.option("--area", help="Area; the county of the settings when absent.")
    @_options
    def run(period: str, area: str | None, out: Path, formats: list[str]) -> None:
        _write(kind, period, area, out, formats)


_add("day", "The day: AQI by station, its course, comparison, warnings, completeness.")
_add("month", "The month: statistics, days by category, ranking, change against last year.")
_add("year", "The year: statistics against limits, days by category, ranking, budget.")
_add("plan", "The quarter: every target of the plan with status and responsible body.")


@command.command("validity")
@click.argument("enterprise")
@click.argument("period", metavar="YYYY-MM")
@click.option("--area", help="Area; the county of the settings when absent.")
@_options
def validity(enterprise: str, period: str, area: str | None, *, out: Path, formats: list[str]) -> None:
    """An ENTERPRISE's month: transmission, valid hours, hours over limits, permitted totals."""
    _write("validity", period, area, out, formats, enterprise)


@command.command("episode")
@click.argument("warning_id", type=int)
@_options
def episode(warning_id: int, out: Path, formats: list[str]) -> None:
    """The episode of WARNING_ID: pages as `lantian warning report` writes them, steps and measures as tables."""
    now = dt.datetime.now(dt.UTC)
    with _database() as conn, snapshot(conn):
        evidence = read_evidence(conn, warning_id)
        report = episode_report(conn, evidence, now=now)
    _print(write_pages(episode_pages(evidence), report, out, formats))


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Newest so many.")
def list_made(limit: int) -> None:
    """List the reports that the schedule has written, the newest first."""
    with _database() as conn:
        rows = read_made(conn, limit)
    if not rows:
        click.echo("no report has been written yet; `lantian job run report` writes those that are due")
        return
    table = Table(*("kind", "area", "of", "period", "made", "folder", "remark"), box=None)
    for row in rows:
        made = f"{row.made_at.astimezone(ZONE):%Y-%m-%d %H:%M}"
        table.add_row(row.kind, row.area_id, row.subject, str(row.period_start), made, row.folder, row.remark)
    Console(width=200, soft_wrap=True).print(table)


@command.command("browser")
def browser() -> None:
    """Make a private headless Chromium with a Chinese font for PDF where the machine has none (110 MB, once)."""
    cache = load_settings().cache
    try:
        found = find_browser(cache).program
    except PrerequisiteError:
        found = str(make_private(cache, Lines()).shell)
    click.echo(found)
