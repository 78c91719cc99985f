"""What `lantian status` and `lantian doctor` show: freshness, indices and targets as screens see them, the server."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Freshness:
    """Devices of one kind of site: registered, reporting now, age of the newest reading (None: never any)."""

    kind: str
    devices: int
    reporting: int
    newest_age_minutes: float | None


@dataclass(frozen=True, slots=True)
class SiteIndex:
    """Latest hour of one site; everything None before its first statistics."""

    site_zh: str
    kind_zh: str
    hour: dt.datetime | None
    aqi: int | None
    category_zh: str | None
    primary_zh: str | None
    pm25: float | None
    age_minutes: float | None


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target of the plan as the dashboard shows it: the period that decides it and the latest one."""

    area_id: str
    target_id: str
    indicator_zh: str
    target_zh: str
    period_zh: str | None
    actual: float | None
    status: str
    status_zh: str
    as_of: dt.date | None
    current_actual: float | None
    current_status_zh: str | None
    due_zh: str
    responsible_zh: str


@dataclass(frozen=True, slots=True)
class Server:
    """The database server and how it is set."""

    version: str
    timescaledb: str
    license: str
    durable: bool
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Instance:
    """A running server: when it started, and how far behind its primary it is (None: it follows nobody)."""

    started: dt.datetime
    lag_s: float | None


def read_freshness(conn: Connection) -> list[Freshness]:
    """Freshness of devices in service by kind of site, kinds in alphabetical order."""
    rows = conn.execute(
        "select kind, count(*), count(*) filter (where state = 'online'), min(age_minutes)"
        " from screen.device_now group by kind order by kind"
    ).fetchall()
    return [Freshness(*row) for row in rows]


def read_site_indices(conn: Connection) -> list[SiteIndex]:
    """Latest hour of every site with statistics, area means first."""
    rows = conn.execute(
        "select site_zh, kind_zh, hour, coalesce(aqi, aqi_available), category_zh, primary_zh, pm25, age_minutes"
        " from screen.site_now order by area_id, kind_order, site_id"
    ).fetchall()
    return [SiteIndex(*row) for row in rows]


def read_target_status(conn: Connection) -> list[TargetStatus]:
    """Every target in the plan's order."""
    rows = conn.execute(
        "select area_id, target_id, indicator_zh, target_zh, period_zh, actual, status, status_zh, as_of,"
        " current_actual, current_status_zh, due_zh, responsible_zh"
        " from screen.target_status order by area_id, position"
    ).fetchall()
    return [TargetStatus(*row) for row in rows]


def read_newest_received(conn: Connection) -> dt.datetime | None:
    """When the newest batch with stored rows was committed; None before the first."""
    row = conn.execute("select max(committed_at) from ledger where rows_stored > 0").fetchone()
    return row[0] if row else None


def read_server(conn: Connection) -> Server:
    """Version, extension, licence edition, durability and clock of the server."""
    row = conn.execute(
        "select current_setting('server_version'),"
        " coalesce((select extversion from pg_extension where extname = 'timescaledb'), ''),"
        " coalesce(current_setting('timescaledb.license', true), ''),"
        " current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on', clock_timestamp()"
    ).fetchone()
    assert row is not None
    return Server(*row)


def read_instance(conn: Connection) -> Instance:
    """Which server this is, and whether it is a replica.

    Parameters
    ----------
    conn : Connection
        As any role.

    Returns
    -------
    Instance
        The lag is the age of the newest transaction replayed, by both clocks; before the first one, since its start.
    """
    row = conn.execute(
        "select pg_postmaster_start_time(), case when pg_is_in_recovery() then extract(epoch from clock_timestamp()"
        " - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time()))::float8 end"
    ).fetchone()
    assert row is not None
    return Instance(*row)
