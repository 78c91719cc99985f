"""`lantian notice`: what was said, who answered, receipts as a table."""

from __future__ import annotations

import csv
import datetime as dt
import getpass
import io
import json
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from app.output import table_console
from app.registry_command import registry
from app.registry_sheet import BOM
from app.workbook import SUFFIX, write_workbook
from domain.period import ZONE, midnight
from store.acknowledgement import Answer, read_notice, read_notices, read_receipts, record_answer
from store.connection import Connection
from store.delivery import read_deliveries

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
_DAY = click.DateTime(["%Y-%m-%d"])
#: Key of a receipt -> heading.
_RECEIPT: Final = {
    **{"notice_id": "通知编号", "kind": "类别", "reference": "事由", "enterprise_id": "企业编号"},
    **{"enterprise_zh": "企业", "severity_zh": "等级", "subject_zh": "主题", "created_at": "发出时间"},
    **{"first_sent_at": "送达时间", "respond_by": "回执时限", "state_zh": "状态", "by": "回执人", "at": "回执时间"},
    **{"via_zh": "方式", "measures": "措施", "effective_at": "生效时间", "comment": "说明", "in_time": "是否按时"},
}


@click.group("notice")
def command() -> None:
    """Notices to enterprises and operators, and their answers (docs/alerting.md)."""


@command.command("list")
@click.option("--enterprise", help="Only to this enterprise.")
@click.option("--about", help="Only about this, such as alert:12 or warning:3.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many.")
def show_list(enterprise: str | None, about: str | None, limit: int) -> None:
    """List notices, newest first."""
    with registry("read notices") as conn:
        found = read_notices(conn, enterprise_id=enterprise, reference=about, limit=limit)
    table = Table(title="通知")
    for heading in ("编号", "时间", "等级", "企业", "主题", "事由", "状态", "回执时限", "回执"):
        table.add_column(heading, overflow="fold")
    for one in found:
        answered = (
            "" if one["acknowledged_at"] is None else f"{_shown(one['acknowledged_at'])} {one['acknowledged_by']}"
        )
        cells = (
            str(one["notice_id"]), _shown(one["created_at"]), one["severity_zh"], one["enterprise_zh"] or "（运维）",
            one["subject_zh"], one["reference"], one["state_zh"], _shown(one["respond_by"]), answered,
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    table_console().print(table)


@command.command("show")
@click.argument("notice", type=int)
def show(notice: int) -> None:
    """Show NOTICE in full with its deliveries."""
    with registry("read the notice") as conn:
        one, deliveries = read_notice(conn, notice), read_deliveries(conn, notice=notice)
    for key in ("kind", "reference", "enterprise_zh", "severity_zh", "created_at", "respond_by", "state_zh"):
        click.echo(f"{key:<16}{_shown(one[key])}")
    click.echo(f"\n{one['subject_zh']}\n{one['body_zh']}\n{json.dumps(one['payload'], ensure_ascii=False)}\n")
    for each in deliveries:
        click.echo(f"{each['delivery_id']}  {each['contact_zh']} {each['channel_zh']} {each['state_zh']}")


@command.command("ack")
@click.argument("notice", type=int)
@click.option("--by", help="Who answers; by default the user of the computer.")
@click.option("--measure", "measures", multiple=True, help="A measure that is taken; may be given several times.")
@click.option("--from", "effective", type=_MOMENT, help="From when they are taken, local time.")
@click.option("--comment", help="In words.")
def acknowledge(notice: int, by: str | None, *, measures: tuple[str, ...], effective: Any, comment: str | None) -> None:
    """Record the answer to NOTICE, for instance one given by telephone."""
    moment = None if effective is None else effective.replace(tzinfo=ZONE)
    now, name = dt.datetime.now(dt.UTC), by or getpass.getuser()
    said = json.dumps([name, measures, str(moment), comment], ensure_ascii=False)
    with registry("record the answer") as conn:
        new = record_answer(conn, notice, Answer(name, "command", said, measures, moment, comment), now=now)
        conn.commit()
    click.echo(f"notice {notice}: {'answer recorded' if new else 'this answer was recorded before'}")


@command.command("receipts")
@click.option("--from", "low", type=_DAY, help="Notices from this local day on.")
@click.option("--to", "high", type=_DAY, help="Up to this local day, inside.")
@click.option("--enterprise", help="Only of this enterprise.")
@click.option("--about", help="Only about this, such as warning:3.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="CSV or .xlsx file to write.")
def receipts(low: Any, high: Any, *, enterprise: str | None, about: str | None, output: Path | None) -> None:
    """Export what enterprises were told and what they answered, as CSV or Excel."""
    since = None if low is None else midnight(low.date())
    until = None if high is None else midnight(high.date() + dt.timedelta(days=1))
    with registry("read receipts") as conn:
        rows = receipt_rows(conn, since=since, until=until, enterprise=enterprise, about=about)
    if output is not None and output.suffix.lower() == SUFFIX:
        write_workbook(output, "回执", list(_RECEIPT.values()), rows)
    else:
        content = receipt_text(rows)
        if output is None:
            click.echo(content.encode(), nl=False)
            return
        output.write_text(content, encoding="utf-8", newline="")
    click.echo(f"{len(rows)} rows written to {output}", err=True)


def receipt_rows(
    conn: Connection,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    enterprise: str | None = None,
    about: str | None = None,
) -> list[list[object]]:
    """Receipts as rows in the order of their headings; an answer in time is 是, a late one 否."""
    found = read_receipts(conn, since=since, until=until, enterprise_id=enterprise, reference=about)
    rows: list[list[object]] = []
    for one in found:
        measures = "、".join(one["measures"] or ())
        late = None if one["in_time"] is None else "是" if one["in_time"] else "否"
        rows.append([{**one, "measures": measures, "in_time": late}[key] for key in _RECEIPT])
    return rows


def receipt_text(rows: list[list[object]]) -> str:
    """Receipts as CSV with a byte order mark, as spreadsheets want it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_RECEIPT.values())
    writer.writerows([_shown(value) for value in row] for row in rows)
    return BOM + out.getvalue()


def _shown(value: object) -> str:
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
