"""`lantian doctor`: every prerequisite checked and explained."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import click

from app.service.finding import Finding
from app.service.machine_check import machine_findings
from app.service.service_check import service_findings
from app.settings import load_settings
from domain.error import ConfigurationError

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
def command() -> None:
    """Check and explain every prerequisite; exit status 1 when something fails.

    Looks at Python, programs, folders, clock, database (version, extension, roles, migrations), broker (accounts,
    permissions, in-flight window and queue as measured), certificates and the days they hold,
    processes, readings, jobs and Grafana.
    """
    counts = dict.fromkeys(_COLOURS, 0)
    for finding in _findings():
        counts[finding.verdict] += 1
        verdict = click.style(f"{finding.verdict:<4}", fg=_COLOURS[finding.verdict])
        click.echo(f"{verdict}  {finding.subject:<16}  {finding.found}")
        if finding.advice:
            click.echo(f"{'':<24}-> {finding.advice}")
    click.echo(f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed")
    if counts["fail"]:
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    try:
        settings = load_settings()
    except ConfigurationError as error:
        yield Finding("fail", "settings", str(error), "correct it; docs/settings.md lists every setting")
        return
    yield Finding("ok", "settings", f"county {settings.county}")
    yield from machine_findings(settings, dt.datetime.now(dt.UTC))
    yield from service_findings(settings, lambda: dt.datetime.now(dt.UTC))
