"""How fast the dashboards' queries answer on a large county: every panel and variable, as Grafana would run them.

Usage: python -m benchmarks.panels [--stations 300] [--days 365] [--minute-days 30] [--rounds 5] [--slow 100]

Fills a database of its own with a year of hours and a month of minutes (the generator prints how long it took), warms
up, runs each query several times as `lantian_reader` and prints percentiles over all of them as JSON, with the slowest
queries by name.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import statistics
import time
from pathlib import Path
from typing import Final

import click
import psycopg

from app.preview.macro import statement
from app.preview.page import preview_scope
from benchmarks.scratch import machine, scratch_services
from dashboards.dashboard import Dashboard
from dashboards.panel import panel_queries
from dashboards.render import DASHBOARDS
from domain.county import load_county as county_data
from store.connection import connect
from store.ledger_hour import add_up
from store.migration import migrate
from store.reference import load_reference
from store.registry import load_county

#: Blocks of statements, each behind a line ``-- name``.
_FILL: Final = Path(__file__).with_suffix(".sql")


def fill_statements() -> dict[str, str]:
    """Statements that fill the database, by name, in order."""
    blocks = re.findall(r"^-- (\w+)$\n(.*?);$", _FILL.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return dict(blocks)


def fill(owner: psycopg.Connection, numbers: dict[str, object]) -> dict[str, int]:
    """Fill the tables; rows of each."""
    rows = {}
    for name, text in fill_statements().items():
        rows[name] = owner.execute(text.encode(), numbers).rowcount
        click.echo(f"{name}: {rows[name]:,} rows", err=True)
    owner.execute("vacuum analyze")
    return rows


def timings(conn: psycopg.Connection, dashboard: Dashboard, rounds: int, now: dt.datetime) -> dict[str, list[float]]:
    """Milliseconds of every query of a dashboard, by its name."""
    scope = preview_scope(conn, dashboard, now)
    queries = {f"{dashboard.uid} {variable.name}": dashboard.variable_sql(variable) for variable in dashboard.variables}
    least: dict[str, str] = {}
    for panel in dashboard.panels:
        for at, sql in enumerate(panel_queries(panel, dashboard.folder)):
            name = f"{dashboard.uid} {panel.id} {panel.title} {panel.sql[at]}"
            queries[name], least[name] = sql, panel.interval
    found = {}
    for name, sql in queries.items():
        text = statement(sql, scope.at_least(least.get(name, ""))).encode()
        taken = []
        for _ in range(rounds + 1):
            began = time.perf_counter()
            conn.execute(text).fetchall()
            taken.append((time.perf_counter() - began) * 1000)
        found[name] = taken[1:]
    return found


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


@click.command()
@click.option("--stations", default=300, show_default=True)
@click.option("--days", default=365, show_default=True, help="Days of hours.")
@click.option("--minute-days", default=30, show_default=True, help="Days of minutes.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--slow", default=100.0, show_default=True, help="Name the queries whose median takes more milliseconds.")
def main(stations: int, days: int, minute_days: int, rounds: int, slow: float) -> None:
    """Measure every query of every dashboard on a large county."""
    now = dt.datetime.now(dt.UTC)
    numbers: dict[str, object] = {"stations": stations, "hours": days * 24, "minutes": minute_days * 1440, "now": now}
    with scratch_services(broker=False) as services:
        migrate(services.database_url("lantian_owner"))
        with connect(services.database_url("lantian_owner"), autocommit=True) as owner:
            load_reference(owner)
            load_county(owner, county_data("zhongyang"))
            began = time.perf_counter()
            rows = fill(owner, numbers)
            filled_s = time.perf_counter() - began
        with connect(services.database_url("lantian_app")) as app, app.transaction():
            # As the job `ledger` does every five minutes.
            add_up(app, now)
        found: dict[str, list[float]] = {}
        with connect(services.database_url("lantian_reader"), autocommit=True) as conn:
            for dashboard in DASHBOARDS:
                found |= timings(conn, dashboard, rounds, now)
    every = [taken for values in found.values() for taken in values]
    medians = {name: statistics.median(values) for name, values in found.items()}
    slowest = sorted(((value, name) for name, value in medians.items() if value > slow), reverse=True)
    result = {
        "machine": machine(),
        "rows": sum(rows.values()),
        "fill_s": round(filled_s, 1),
        "queries": len(found),
        "p50_ms": round(percentile(every, 0.5), 1),
        "p95_ms": round(percentile(every, 0.95), 1),
        "max_ms": round(max(every), 1),
        "slow": {name: round(value, 1) for value, name in slowest},
    }
    click.echo(json.dumps(result, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
