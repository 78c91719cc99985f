"""`lantian drill`: a rehearsed episode, from the order from above to the evidence report."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import click

from app.drill import rehearse, shipped_rehearsal
from app.evidence import write_reports
from app.service.address import database_url
from app.service.local import LocalServices
from app.service.progress import Bar, Lines, Reporter, is_terminal
from app.service.schema import prepare_database
from app.settings import Settings, load_settings
from domain.county import load_county
from domain.period import ZONE, local_date, midnight
from firmware_sim.scenario_file import load_scenario, scenario_path
from store.connection import connect


@click.command("drill")
@click.option("--scenario", default="drill", show_default=True, help="Scenario with a table [drill], a file or a name.")
@click.option(
    "--speed", default=0.0, type=click.FloatRange(0), help="Times real time; 0 (the default) as fast as it goes."
)
@click.option(
    "--output", "-o", type=click.Path(file_okay=False, path_type=Path), help="Folder for the evidence report."
)
def command(scenario: str, speed: float, output: Path | None) -> None:
    """Rehearse a whole episode: orders, acknowledgements, what simulated enterprises do, verdicts, evidence report.

    The drill has a database and a broker of its own in the folder `drill` of the home folder, made anew each time, and
    disturbs nothing else (docs/drill.md).
    """
    settings = load_settings()
    display: Bar | nullcontext[Lines] = Bar() if is_terminal() else nullcontext(Lines())
    own = drill_settings(settings)
    county = load_county(settings.county)
    played = load_scenario(scenario_path(scenario), county, midnight(local_date(dt.datetime.now(ZONE))).timestamp())
    shipped_rehearsal(played)
    with (
        display as told,
        LocalServices(own.home, own.cache, reporter=told, durable=False, database_port=0, broker_port=0) as local,
    ):
        with_database = fresh_database(own, local, told)
        done = rehearse(with_database, county, played, pace=paced(speed), reporter=told)
        with connect(database_url(with_database)) as conn:
            folder = output or settings.home / "drill-report"
            files = write_reports(conn, done.warning_id, folder)
    click.echo(f"warning {done.warning_id}: {done.orders} orders, {done.hours} line-hours, {done.suspected} suspected, "
               f"{done.alerts} alerts")  # fmt: skip
    for file in files:
        click.echo(str(file))


def drill_settings(settings: Settings) -> Settings:
    """Settings of the drill's own services."""
    return replace(
        settings,
        home=settings.home / "drill",
        database_owner_url=None,
        database_writer_url=None,
        database_app_url=None,
        database_reader_url=None,
        broker_host=None,
        broker_credentials_file=None,
        broker_tls_address=None,
        warning_automatic=False,
    )


def fresh_database(settings: Settings, local: LocalServices, told: Reporter) -> Settings:
    """A new database for one drill, migrated and with the county; the last drill's is dropped."""
    name, credentials = "drill", local.credential_file.load()
    assert local.cluster is not None
    local.cluster.drop_database(credentials, name)
    local.cluster.create_database(credentials, name)
    urls = {
        f"database_{role}_url": local.database_url(f"lantian_{role}", name)
        for role in ("owner", "writer", "app", "reader")
    }
    made = replace(settings, **urls)  # type: ignore[arg-type]
    prepare_database(made, told)
    return made


def paced(speed: float) -> Callable[[dt.datetime], None]:
    """Waits so that virtual hours pass `speed` times as fast as real ones; 0 never waits."""
    began: list[tuple[float, dt.datetime]] = []

    def pace(moment: dt.datetime) -> None:
        if speed <= 0:
            return
        began.append((time.monotonic(), moment)) if not began else None
        due = began[0][0] + (moment - began[0][1]).total_seconds() / speed
        time.sleep(max(due - time.monotonic(), 0.0))

    return pace
