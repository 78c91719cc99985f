"""The readings that claimed hours are computed from, as they count: originals, revisions, quality tests, reviews.

Each is read by itself and laid over the one before, because nearly every reading is an original that nobody judged:
a join that looks for a revision of each would cost more than reading them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import AIR
from domain.flag import Flags
from store.binary import copy_columns
from store.connection import Connection
from store.copy_format import EPOCH_2000_US, chosen_texts, framed, numbers, times
from store.judgement import FlaggedReadings, judged_flags
from store.settlement import HourClaim

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class SiteReadings:
    """Effective readings of the claimed hours: n rows of family `air`.

    Attributes
    ----------
    device : ndarray of int64
        Shape (n,); number of the device. Within a site the lower number is preferred (rank, then id).
    times_s, spans_s : ndarray of int64
        Shape (n,); start of each reading (Unix time) and the seconds it covers, 0 = an instant.
    values : ndarray of float64
        Shape (n, 12); the newest accepted revision where there is one; NaN = missing.
    flags : ndarray of uint8
        Shape (n, 12); after quality tests and reviews.
    device_site : ndarray of int64
        Shape (devices,); index into the claim's sites.
    device_interval_s : ndarray of int64
        Shape (devices,); seconds one instant stands for.
    """

    device: Integers
    times_s: Integers
    spans_s: Integers
    values: Floats
    flags: Flags
    device_site: Integers
    device_interval_s: Integers


_CLAIM_TABLE: Final = """
create temp table if not exists claimed (device_id text not null, hour timestamptz not null, device int not null)
    on commit delete rows;
truncate claimed;
"""

_DEVICES: Final = """
select d.id, s.at, d.interval_s
from unnest(%s::text[]) with ordinality as s (site_id, at)
join device d on d.site_id = s.site_id and d.family = 'air'
order by s.at, d.rank, d.id
"""

#: The range beside the equality lets the database look up a few hours by their key, or hash all of them.
_ORIGINALS: Final = """
copy (
    select c.device, r.time, r.span_s, r.flag, {values}
    from air_reading r
    join claimed c on c.device_id = r.device_id
        and c.hour = date_bin('1 hour', r.time, timestamptz '1970-01-01 00:00+00')
        and r.time >= c.hour and r.time < c.hour + interval '1 hour'
    where r.time >= {low} and r.time < {high} and r.device_id = any({devices}) and r.span_s <= 3600
) to stdout (format binary)
"""

#: A row of `revision` carries the values, flags and marks of the whole reading; the newest accepted one counts.
_REVISIONS: Final = """
copy (
    select distinct on (v.device_id, v.time, v.span_s) d.at::int - 1, v.time, v.span_s, v.flag, {values}
    from unnest({devices}) with ordinality as d (device_id, at)
    join revision v on v.device_id = d.device_id
    where v.family = 'air' and v.status = 'accepted' and v.factor = '' and v.field = ''
      and v.time >= {low} and v.time < {high}
    order by v.device_id, v.time, v.span_s, v.decided_at desc, v.id desc
) to stdout (format binary)
"""

_COLUMNS: Final = sql.SQL(", ").join(sql.Identifier("r", key) for key in AIR.keys)
_REVISED_COLUMNS: Final = sql.SQL(", ").join(
    sql.SQL("(v.new_values ->> {})::double precision").format(sql.Literal(key)) for key in AIR.keys
)
_FIELDS: Final = (("device", ">i4"), ("time", ">i8"), ("span", ">i4"), ("flag", f"S{AIR.width}"))


def read_readings(conn: Connection, claim: HourClaim) -> SiteReadings:
    """Readings of every device at the claimed sites that start in a claimed hour and span an hour or less.

    Parameters
    ----------
    conn : Connection
        Inside a transaction; a temporary table of the claim is filled.
    claim : HourClaim
        What `claim_hours` gave.

    Returns
    -------
    SiteReadings
        Effective values; empty arrays when there is nothing.
    """
    found = conn.execute(_DEVICES, (list(claim.sites),)).fetchall()
    names = [row[0] for row in found]
    sites = np.array([row[1] - 1 for row in found], dtype=np.int64)
    _fill_claim(conn, claim, names, sites)
    parts = [_read_run(conn, names, low, high) for low, high in claim.runs] if names else []
    rows = np.concatenate([records for records, _ in parts]) if parts else np.zeros(0, dtype=list(_FIELDS))
    values = np.concatenate([each for _, each in parts]) if parts else np.zeros((0, AIR.width))
    device, times_s = rows["device"].astype(np.int64), (rows["time"] + EPOCH_2000_US) // 1_000_000
    letters = np.ascontiguousarray(rows["flag"]).view(np.uint8).reshape(-1, AIR.width)
    spans_s = rows["span"].astype(np.int64)
    stored = FlaggedReadings(AIR.key, names, device, times_s, spans_s, letters - np.uint8(ord("0")))
    return SiteReadings(
        device,
        times_s,
        spans_s,
        values,
        judged_flags(conn, stored),
        sites,
        np.array([row[2] for row in found], dtype=np.int64),
    )


def _fill_claim(conn: Connection, claim: HourClaim, names: list[str], sites: Integers) -> None:
    """One row per claimed hour and device of its site."""
    conn.execute(_CLAIM_TABLE)
    first, after = np.searchsorted(sites, claim.site, "left"), np.searchsorted(sites, claim.site, "right")
    counts = after - first
    ends = np.cumsum(counts)
    device = np.arange(counts.sum()) + np.repeat(first - (ends - counts), counts)
    hours_us = np.repeat(claim.hours_s, counts) * 1_000_000
    if len(device):
        with conn.cursor().copy("copy claimed (device_id, hour, device) from stdin (format binary)") as copy:
            copy.write(framed([chosen_texts(names, device), times(hours_us), numbers(device, ">i4")]))
    conn.execute("analyze claimed")


def _read_run(conn: Connection, names: list[str], low: dt.datetime, high: dt.datetime) -> tuple[Records, Floats]:
    """Originals of one run of hours, revised where a revision counts."""
    bounds = {
        "low": sql.Literal(low),
        "high": sql.Literal(high),
        "devices": sql.SQL("{}::text[]").format(sql.Literal(names)),
    }
    rows, values = copy_columns(conn, sql.SQL(_ORIGINALS).format(values=_COLUMNS, **bounds), _FIELDS, AIR.width)
    revised, newest = copy_columns(
        conn, sql.SQL(_REVISIONS).format(values=_REVISED_COLUMNS, **bounds), _FIELDS, AIR.width
    )
    if not len(revised):
        return rows, values
    place = {key: at for at, key in enumerate(revised[["device", "time", "span"]].tolist())}
    rows = rows.copy()
    for row in np.flatnonzero(np.isin(rows["time"], revised["time"])).tolist():
        at = place.get(rows[row][["device", "time", "span"]].item())
        if at is not None:
            rows["flag"][row], values[row] = revised["flag"][at], newest[at]
    return rows, values
