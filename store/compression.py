"""Compression of old chunks, which TimescaleDB's community edition has: layout, and from what age on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.error import ConfigurationError
from domain.family import FAMILIES
from store.connection import Connection

COMMUNITY: Final = "timescale"
READING: Final = "reading"
RAW_FRAME: Final = "raw_frame"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a compressed chunk of a table is laid out.

    Attributes
    ----------
    table : str
        A hypertable.
    kind : str
        `READING` or `RAW_FRAME`: which setting says from what age on.
    segment_by, order_by : str
        What is kept together, and in what order. The key must be among them, so that what comes again is recognised.
    """

    table: str
    kind: str
    segment_by: str
    order_by: str


#: Chosen from `python -m benchmarks.compression` (docs/performance.md).
LAYOUTS: Final = (
    *(Layout(family.table, READING, "device_id", "time, span_s") for family in FAMILIES.values()),
    Layout("factor_reading", READING, "device_id, factor, field", "time, span_s"),
    Layout("raw_frame", RAW_FRAME, "device_id", "received_at"),
)


def layout_statement(layout: Layout) -> str:
    """What lets a table be compressed."""
    return (
        f"alter table lantian.{layout.table} set (timescaledb.compress, "
        f"timescaledb.compress_segmentby = '{layout.segment_by}', timescaledb.compress_orderby = '{layout.order_by}')"
    )


def policy_statements(table: str, days: int) -> list[str]:
    """What sets from what age on chunks of a table are compressed; 0 days: none any more, compressed ones stay."""
    found = [f"select remove_compression_policy('lantian.{table}', if_exists => true)"]
    if days:
        found.append(f"select add_compression_policy('lantian.{table}', interval '{days} days')")
    return found


#: A late message may meet more compressed readings than the default allows in one transaction.
LIMIT_STATEMENT: Final = (
    "do $$ begin execute format('alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 0',"
    " current_database()); end $$"
)


def outstanding(conn: Connection, days: Mapping[str, int]) -> list[str]:
    """Statements that bring compression to what the settings say; none when it is so already.

    Parameters
    ----------
    conn : Connection
        As owner or lantian_app.
    days : mapping of str to int
        Age in days by kind, 0 = none.

    Returns
    -------
    list of str
        For the owner, in order.

    Raises
    ------
    ConfigurationError
        When compression is wanted and the database has none.
    """
    if conn.execute("select current_setting('timescaledb.license')").fetchone() != (COMMUNITY,):
        if any(days.values()):
            wanted = ", ".join(f"compress_{kind}_days = {age}" for kind, age in days.items() if age)
            raise ConfigurationError(
                f"setting {wanted}: the database has the Apache edition of TimescaleDB, which has no compression; "
                "set it to 0, or use the community edition (docs/growth.md)"
            )
        return []
    enabled: dict[str, bool] = dict(
        conn.execute(
            "select hypertable_name, compression_enabled from timescaledb_information.hypertables"
            " where hypertable_schema = 'lantian'"
        ).fetchall()
    )
    ages: dict[str, int] = dict(
        conn.execute(
            "select hypertable_name, extract(days from (config ->> 'compress_after')::interval)::int"
            " from timescaledb_information.jobs where hypertable_schema = 'lantian'"
            " and proc_name in ('policy_compression', 'policy_columnstore')"
        ).fetchall()
    )
    found: list[str] = []
    for layout in LAYOUTS:
        age = days[layout.kind]
        if age and not enabled[layout.table]:
            found.append(layout_statement(layout))
        if ages.get(layout.table, 0) != age:
            found += policy_statements(layout.table, age)
    return [LIMIT_STATEMENT, *found] if any(days.values()) and found else found


def apply(conn: Connection, days: Mapping[str, int]) -> list[str]:
    """Carry out what is outstanding, as owner; the statements carried out."""
    found = outstanding(conn, days)
    for statement in found:
        conn.execute(statement.encode())
    return found
