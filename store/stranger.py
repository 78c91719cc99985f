"""Strangers that shall not be registered: a refusal with its reason, which can be withdrawn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import psycopg

from domain.error import ConfigurationError
from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Refusal:
    """A standing refusal."""

    county: str
    protocol: str
    device_id: str
    refused_by: str
    refused_at: dt.datetime
    why: str


def read_refusals(conn: Connection) -> list[Refusal]:
    """Refusals that stand, the newest first."""
    rows = conn.execute(
        "select county, protocol, device_id, refused_by, refused_at, why from stranger_refusal"
        " where withdrawn_at is null order by refused_at desc, id desc"
    ).fetchall()
    return [Refusal(*row) for row in rows]


def refuse_stranger(conn: Connection, refusal: Refusal) -> None:
    """Refuse a stranger; `ConfigurationError` when that stands already. The caller commits."""
    try:
        with conn.transaction():
            conn.execute(
                "insert into stranger_refusal (county, protocol, device_id, refused_by, refused_at, why)"
                " values (%s, %s, %s, %s, %s, %s)",
                (
                    *(refusal.county, refusal.protocol, refusal.device_id),
                    *(refusal.refused_by, refusal.refused_at, refusal.why),
                ),
            )
    except psycopg.errors.UniqueViolation as error:
        raise ConfigurationError(f"device {refusal.device_id!r} is refused already; expected one that waits") from error


def withdraw_refusal(conn: Connection, device: str, protocol: str, *, who: str, now: dt.datetime) -> bool:
    """Let a refused stranger wait again; whether one was refused. The caller commits."""
    done = conn.execute(
        "update stranger_refusal set withdrawn_by = %s, withdrawn_at = %s"
        " where device_id = %s and protocol = %s and withdrawn_at is null",
        (who, now, device, protocol),
    )
    return done.rowcount > 0
