"""What hypertables take."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Storage:
    """A hypertable: bytes with indexes, chunks, how many of them are compressed, and from when until when."""

    table: str
    size_bytes: int
    chunks: int
    compressed: int
    start: dt.datetime | None
    end: dt.datetime | None


def read_storage(conn: Connection) -> list[Storage]:
    """Every hypertable, the largest first; as role lantian_app."""
    rows = conn.execute(
        "select h.hypertable_name, coalesce(hypertable_size(format('lantian.%I', h.hypertable_name)::regclass), 0),"
        " count(c.chunk_name), count(*) filter (where c.is_compressed), min(c.range_start), max(c.range_end)"
        " from timescaledb_information.hypertables h left join timescaledb_information.chunks c"
        " using (hypertable_schema, hypertable_name) where h.hypertable_schema = 'lantian' group by 1, 2"
        " order by 2 desc, 1"
    ).fetchall()
    return [Storage(*row) for row in rows]
