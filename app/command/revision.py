"""`lantian revision`: other values for readings that are stored, and a person's decision about them."""

from __future__ import annotations

import click
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url
from domain.period import ZONE
from store.connection import connect
from store.error import translated
from store.revision import STATUSES, Revision, decide_revision, read_revisions

_IDS = click.argument("ids", nargs=-1, required=True, type=click.IntRange(1))
_WHO = click.option("--who", required=True, help="The person who decides; kept for good.")
_WHY = click.option("--why", required=True, help="The reason; kept for good.")


@click.group("revision")
def command() -> None:
    """Review corrected readings: the original stays, statistics follow what is accepted."""


@command.command("list")
@click.option("--status", default="proposed", show_default=True, type=click.Choice([*STATUSES, "all"]))
@click.option("--device", help="Of this device only.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many, oldest first.")
@click.option("--after", default=0, type=click.IntRange(0), help="Continue after this id.")
def list_revisions(status: str, device: str | None, limit: int, after: int) -> None:
    """List revisions."""
    chosen = None if status == "all" else status
    with connect(app_database_url()) as conn, translated("read revisions"):
        revisions = read_revisions(conn, status=chosen, device_id=device, after_id=after, limit=limit)
    table = Table("id", "device", "time", "span s", "values", "announced", "status", "decided")
    for one in revisions:
        decided = "" if one.decided_at is None else f"{one.decided_by}: {one.reason}"
        start = f"{one.time.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        announced = "yes" if one.announced else "no"
        table.add_row(
            str(one.id), one.device_id, start, str(one.span_s), described(one), announced, one.status, decided
        )
    table_console().print(table if revisions else "Nothing to show.")


@command.command("accept")
@_IDS
@_WHO
@_WHY
def accept(ids: tuple[int, ...], who: str, why: str) -> None:
    """Let the values of revisions IDS count from now on."""
    _decide(ids, accepted=True, who=who, why=why)


@command.command("refuse")
@_IDS
@_WHO
@_WHY
def refuse(ids: tuple[int, ...], who: str, why: str) -> None:
    """Keep the values of revisions IDS out of statistics."""
    _decide(ids, accepted=False, who=who, why=why)


def _decide(ids: tuple[int, ...], *, accepted: bool, who: str, why: str) -> None:
    """Decide all or none."""
    with connect(app_database_url()) as conn, translated("decide a revision"):
        for revision_id in ids:
            decide_revision(conn, revision_id, accepted, who=who, why=why)
    click.echo(f"{len(ids)} {'accepted' if accepted else 'refused'}")


def described(revision: Revision) -> str:
    """The new values that are there, with the factor for values without a column."""
    name = f"{revision.factor}-{revision.field} " if revision.factor else ""
    return name + " ".join(f"{key}={value}" for key, value in revision.new_values.items() if value is not None)
