"""`lantian review`: two persons judge stored values: one proposes, another confirms; statistics follow."""

from __future__ import annotations

import datetime as dt

import click
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url
from domain.period import ZONE
from store.connection import Connection, connect
from store.error import translated
from store.review import (
    STATUSES,
    VERDICTS,
    Proposal,
    Review,
    confirm_review,
    count_values,
    propose_review,
    read_review,
    read_reviews,
    withdraw_review,
)

_ID = click.argument("review_id", type=click.IntRange(1))
_WHO = click.option("--who", required=True, help="The person who does this; kept for good.")
_WHY = click.option("--why", required=True, help="The reason; kept for good.")
_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"])
_CONTEXT = {"show_default": True}


@click.group("review")
def command() -> None:
    """Judge stored values (数据审核): one person proposes, another confirms, statistics follow; readings stay."""


@command.command("list", context_settings=_CONTEXT)
@click.option("--status", default="proposed", type=click.Choice([*STATUSES, "all"]))
@click.option("--device", help="Of this device only.")
@click.option("--limit", default=50, type=click.IntRange(1), help="At most so many, oldest first.")
@click.option("--after", default=0, type=click.IntRange(0), help="Continue after this id.")
def list_reviews(status: str, device: str | None, limit: int, after: int) -> None:
    """List reviews."""
    chosen = None if status == "all" else status
    with _open() as conn, translated("read reviews"):
        reviews = read_reviews(conn, status=chosen, device_id=device, after_id=after, limit=limit)
    table = Table("id", "device", "from", "to", "columns", "verdict", "status", "by", "why")
    for one in reviews:
        span = (_local(one.low), _local(one.high))
        columns, by = " ".join(one.columns), one.withdrawn_by or one.confirmed_by or one.proposed_by
        table.add_row(str(one.id), one.device_id, *span, columns, one.verdict, one.status, by, one.why)
    table_console().print(table if reviews else "Nothing to show.")


@command.command("propose", context_settings=_CONTEXT)
@click.argument("device")
@click.option("--column", "columns", multiple=True, required=True, help="Column of its family; may be given again.")
@click.option("--from", "low", required=True, type=_MOMENT, help="Readings that start then (local time) ...")
@click.option("--to", "high", required=True, type=_MOMENT, help="... and before then.")
@click.option("--verdict", required=True, type=click.Choice(VERDICTS), help="How their values are to count.")
@_WHO
@_WHY
def propose(  # noqa: PLR0913 - one per option
    device: str, columns: tuple[str, ...], low: dt.datetime, *, high: dt.datetime, verdict: str, who: str, why: str
) -> None:
    """Propose that values of DEVICE count as valid or invalid; nothing changes until another person confirms it."""
    span = (low.replace(tzinfo=ZONE), high.replace(tzinfo=ZONE))
    with _open() as conn, translated("propose a review"):
        added = propose_review(conn, Proposal(device, columns, *span, verdict, who, why))
        values = count_values(conn, device, columns, span)
    click.echo(
        f"review {added} proposed: {values} values; another person confirms it with: lantian review confirm {added}"
    )


@command.command("confirm")
@_ID
@_WHO
@_WHY
def confirm(review_id: int, who: str, why: str) -> None:
    """Let proposed review REVIEW_ID count; another person than who proposed it."""
    with _open() as conn, translated("confirm a review"):
        hours = confirm_review(conn, review_id, who=who, why=why)
    click.echo(f"review {review_id} confirmed: {hours} hours queued for settlement")


@command.command("withdraw")
@_ID
@_WHO
@_WHY
def withdraw(review_id: int, who: str, why: str) -> None:
    """Let review REVIEW_ID count no longer; once confirmed, another person than who proposed it."""
    with _open() as conn, translated("withdraw a review"):
        hours = withdraw_review(conn, review_id, who=who, why=why)
    click.echo(f"review {review_id} withdrawn: {hours} hours queued for settlement")


@command.command("show")
@_ID
def show(review_id: int) -> None:
    """Show review REVIEW_ID with every step."""
    with _open() as conn, translated("read a review"):
        review = read_review(conn, review_id)
        values = count_values(conn, review.device_id, review.columns, (review.low, review.high))
    click.echo("\n".join(described(review, values)))


def described(review: Review, values: int) -> list[str]:
    """A review in lines, one per step."""
    steps = (
        ("proposed", review.proposed_by, review.proposed_at, review.why),
        ("confirmed", review.confirmed_by, review.confirmed_at, review.confirm_why),
        ("withdrawn", review.withdrawn_by, review.withdrawn_at, review.withdraw_why),
    )
    return [
        f"review {review.id}: {review.status}",
        f"device {review.device_id} at {review.site_zh} ({review.site_id})",
        f"{', '.join(review.columns)} from {_local(review.low)} to {_local(review.high)}: {review.verdict},"
        f" {values} values",
        *(f"{step} {_local(when)} by {who}: {why}" for step, who, when, why in steps if when is not None),
    ]


def _open() -> Connection:
    return connect(app_database_url(), application_name="lantian review")


def _local(moment: dt.datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"
