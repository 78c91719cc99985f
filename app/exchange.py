"""Exchange with neighbouring counties: their documents into the store, ours out of it."""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np

from app.job.index import index_rows
from domain.error import ConfigurationError
from domain.exchange import Exchange, ExchangeHour, parse_exchange
from domain.period import local_date
from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.exchange import (
    Receipt,
    begin_receipt,
    lock_neighbour,
    read_known_hours,
    read_known_warnings,
    read_own_warnings,
    write_neighbour_hours,
    write_neighbour_warnings,
)
from store.public import read_public_sites, read_public_values


def import_exchange(
    conn: Connection, content: bytes, source: str, now: dt.datetime, expected: str | None = None
) -> Receipt:
    """Store one document in one transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    content : bytes
        The document.
    source : str
        File or topic, for the ledger.
    now : datetime
        The moment.
    expected : str, optional
        County whose document it must be, as its topic says.

    Returns
    -------
    Receipt
        Rows stored first, known already, stored as a correction, rejected.
    """
    found = parse_exchange(content, now)
    if expected is not None and found.county != expected:
        raise ConfigurationError(f"exchange: found data of {found.county!r}, expected those of {expected!r}")
    lock_neighbour(conn, found.county)
    known = read_known_hours(conn, found.county, found.hours)
    hours = [
        (known[one.site, one.hour][0] + 1 if (one.site, one.hour) in known else 1, one)
        for one in found.hours
        if (one.site, one.hour) not in known or known[one.site, one.hour][1] != one
    ]
    known_warnings = read_known_warnings(conn, found.county)
    warnings = [
        (known_warnings[one.warning][0] + 1 if one.warning in known_warnings else 1, one)
        for one in found.warnings
        if one.warning not in known_warnings or known_warnings[one.warning][1] != one
    ]
    revised = sum(version > 1 for version, _ in [*hours, *warnings])
    total = len(found.hours) + len(found.warnings)
    written = len(hours) + len(warnings)
    receipt = Receipt(
        found.county, total + len(found.faults), written - revised, total - written, revised, len(found.faults)
    )
    number = begin_receipt(
        conn, found.county, source, hashlib.sha256(content).hexdigest(), at=now, receipt=receipt, faults=found.faults
    )
    values = np.array([one.values for _, one in hours], dtype=np.float64).reshape(-1, len(SIX_KEYS))
    days = [local_date(one.hour) for _, one in hours]
    indices = index_rows("hour", days, {key: values[:, at] for at, key in enumerate(SIX_KEYS)})
    write_neighbour_hours(conn, found.county, number, hours, indices)
    write_neighbour_warnings(conn, found.county, number, warnings)
    return receipt


def export_exchange(conn: Connection, county: str, since: dt.datetime, end: dt.datetime) -> Exchange:
    """Hours of the county and its published stations, rounded as published, and warnings since then.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader or lantian_app.
    county : str
        Ours.
    since, end : datetime
        Hours that begin from `since` to before `end`.

    Returns
    -------
    Exchange
        Hours without any value are left out.
    """
    names = {site.site_id: site.site_zh for site in read_public_sites(conn, county)}
    hours = []
    for one in read_public_values(conn, county, "hour", since, end):
        values = tuple(one.concentrations[key] for key in SIX_KEYS)
        if isinstance(one.time, dt.datetime) and any(value is not None for value in values):
            hours.append(ExchangeHour(one.site_id, names[one.site_id], one.time, values))
    return Exchange(county, tuple(hours), tuple(read_own_warnings(conn, county, since)))


def changed(before: Exchange | None, now: Exchange) -> Exchange:
    """What a neighbour that has `before` still needs of `now`."""
    if before is None:
        return now
    had = set(before.hours) | set(before.warnings)
    return Exchange(
        now.county,
        tuple(one for one in now.hours if one not in had),
        tuple(one for one in now.warnings if one not in had),
    )
