"""`lantian reject`: messages that were rejected, and sending them through again."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter

import click
from rich.table import Table

from app.output import table_console
from app.service.address import database_url
from app.service.device_key import device_keys
from app.settings import load_settings
from domain.error import REASONS
from domain.period import ZONE
from ingest.registry import Registry
from ingest.replay import replay_rejects
from store.connection import Connection, connect
from store.error import translated
from store.reject import Reject, mark_replayed, read_rejects

_REASON = click.option("--reason", type=click.Choice(sorted(REASONS)), help="Only those rejected for this reason.")
#: Rejects replayed in one transaction.
PORTION = 500
_PREVIEW_BYTES = 60
#: Outcomes after which a reject waits no longer: stored somehow, or a new reject of the database.
_SETTLED = frozenset({"stored", "duplicate", "revised", "database_refused"})


@click.group("reject")
def command() -> None:
    """Show rejected messages and send them through again."""


@command.command("list")
@_REASON
@click.option("--all", "every", is_flag=True, help="Also those that have been replayed.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many, oldest first.")
@click.option("--after", default=0, type=click.IntRange(0), help="Continue after this id.")
def list_rejects(reason: str | None, every: bool, limit: int, after: int) -> None:
    """List rejected messages with the reason."""
    with connect(database_url(load_settings(), "lantian_app")) as conn, translated("read rejects"):
        rejects = read_rejects(conn, reason=reason, waiting=not every, after_id=after, limit=limit)
    table = Table("id", "received", "topic", "reason", "detail", "begins with")
    for reject in rejects:
        received = f"{reject.received_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        table.add_row(
            str(reject.id),
            received,
            reject.topic,
            REASONS.get(reject.reason, reject.reason),
            reject.detail,
            _preview(reject),
        )
    table_console().print(table if rejects else "Nothing waits.")


@command.command("replay")
@_REASON
@click.option("--after", default=0, type=click.IntRange(0), help="Begin after this id.")
def replay(reason: str | None, after: int) -> None:
    """Decode and store waiting rejects once more, for instance after a device or a unit was registered.

    What is rejected again for a reason of its own stays in the list.
    """
    settings = load_settings()
    found: Counter[str] = Counter()
    with (
        connect(database_url(settings, "lantian_writer"), application_name="lantian reject") as writer,
        connect(database_url(settings, "lantian_app"), application_name="lantian reject") as app,
        translated("replay rejects"),
    ):
        registry = Registry(device_keys(settings).load)
        registry.refresh(writer, time.monotonic())
        first_batch: int | None = None
        while rejects := read_rejects(app, reason=reason, after_id=after, limit=PORTION):
            app.rollback()
            after = rejects[-1].id
            # What the database refuses again becomes a reject of our own batch: once is enough.
            known = [reject for reject in rejects if first_batch is None or reject.batch_id < first_batch]
            replayed = replay_rejects(writer, known, registry, opened_at=dt.datetime.now(dt.UTC))
            first_batch = first_batch or replayed.batch_id
            found.update(replayed.outcomes)
            _mark(app, known, replayed.outcomes)
    words = ", ".join(f"{count} {REASONS.get(outcome, outcome)}" for outcome, count in sorted(found.items()))
    click.echo(words or "Nothing waits.")


def _mark(conn: Connection, rejects: list[Reject], outcomes: list[str]) -> None:
    for outcome in set(outcomes) & _SETTLED:
        ids = [reject.id for reject, each in zip(rejects, outcomes, strict=True) if each == outcome]
        mark_replayed(conn, ids, outcome)
    conn.commit()


def _preview(reject: Reject) -> str:
    return repr(reject.payload[:_PREVIEW_BYTES])[2:-1]
