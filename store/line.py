"""Production lines and the facilities that treat their gas, with the meters that show whether they work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from domain.error import ConfigurationError
from store.connection import Connection

LINE_KINDS: Final[tuple[str, ...]] = ("production", "treatment")


@dataclass(frozen=True, slots=True)
class Line:
    """A production line, or a facility that treats the gas of one.

    Attributes
    ----------
    id, enterprise, name_zh : str
        Identifier, whose it is, Chinese name.
    kind : str
        One of `LINE_KINDS`.
    treats : str or None
        Line whose gas a treatment facility treats.
    outlet_site : str or None
        Stack through which the gas leaves.
    rated_power_kw : float or None
        Power at full load.
    meters : mapping of str to float
        Device of family plant -> part of what it shows that belongs to the line.
    retired_at : datetime or None
        Since when it is out of service.
    """

    id: str
    enterprise: str
    name_zh: str
    kind: str
    treats: str | None = None
    outlet_site: str | None = None
    rated_power_kw: float | None = None
    meters: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    retired_at: dt.datetime | None = None


def read_lines(conn: Connection, *, enterprise: str | None = None, everything: bool = False) -> dict[str, Line]:
    """Lines by id.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    enterprise : str, optional
        Only those of this one.
    everything : bool
        Retired ones too.

    Returns
    -------
    dict of str to Line
        Ordered by enterprise, kind and id.
    """
    rows = conn.execute(
        "select l.line_id, l.enterprise_id, l.name_zh, l.kind, l.treats_line_id, l.outlet_site_id, l.rated_power_kw,"
        " coalesce((select jsonb_object_agg(m.device_id, m.share) from line_meter m where m.line_id = l.line_id),"
        " '{}'), l.retired_at from production_line l"
        " where (%s::text is null or l.enterprise_id = %s) and (%s or l.retired_at is null)"
        " order by l.enterprise_id, l.kind, l.line_id",
        (enterprise, enterprise, everything),
    ).fetchall()
    return {row[0]: Line(*row) for row in rows}


def add_line(conn: Connection, line: Line) -> None:
    """Register a line with its meters, or bring the one of that id to the given state; the caller commits.

    A meter must be a device of family plant in service; what a facility treats must be a production line of the same
    enterprise; an outlet must be a stack. Otherwise a `ConfigurationError` names what was found.
    """
    _check(conn, line)
    conn.execute(
        "insert into production_line (line_id, enterprise_id, name_zh, kind, treats_line_id, outlet_site_id,"
        " rated_power_kw) values (%s, %s, %s, %s, %s, %s, %s) on conflict (line_id) do update set"
        " enterprise_id = excluded.enterprise_id, name_zh = excluded.name_zh, kind = excluded.kind,"
        " treats_line_id = excluded.treats_line_id, outlet_site_id = excluded.outlet_site_id,"
        " rated_power_kw = excluded.rated_power_kw, edited_at = now(), retired_at = null",
        (line.id, line.enterprise, line.name_zh, line.kind, line.treats, line.outlet_site, line.rated_power_kw),
    )
    conn.execute("delete from line_meter where line_id = %s", (line.id,))
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into line_meter (line_id, device_id, share) values (%s, %s, %s)",
            [(line.id, device, share) for device, share in line.meters.items()],
        )


def retire_line(conn: Connection, name: str, at: dt.datetime) -> None:
    """Take a line out of service since `at`; it stays readable. `ConfigurationError` when none of that id serves, or a
    facility in service still treats it."""
    treating = conn.execute(
        "select line_id from production_line where treats_line_id = %s and retired_at is null order by line_id", (name,)
    ).fetchall()
    if treating:
        names = ", ".join(row[0] for row in treating)
        raise ConfigurationError(f"line {name!r}: found {names} in service treating its gas; retire them first")
    statement = "update production_line set retired_at = %s where line_id = %s and retired_at is null"
    if conn.execute(statement, (at, name)).rowcount == 0:
        raise ConfigurationError(f"found no line {name!r} in service, expected the id of one")


def _check(conn: Connection, line: Line) -> None:
    where = f"line {line.id!r}"
    if line.kind not in LINE_KINDS:
        raise ConfigurationError(f"{where}: found kind {line.kind!r}, expected one of {', '.join(LINE_KINDS)}")
    if conn.execute("select from enterprise where id = %s", (line.enterprise,)).fetchone() is None:
        raise ConfigurationError(f"{where}: found enterprise {line.enterprise!r}, expected a registered one")
    if line.treats is not None:
        row = conn.execute(
            "select enterprise_id, kind from production_line where line_id = %s and retired_at is null", (line.treats,)
        ).fetchone()
        if line.kind != "treatment" or row != (line.enterprise, "production"):
            raise ConfigurationError(
                f"{where}: found that it treats {line.treats!r}, expected a treatment facility and a production line"
                f" of {line.enterprise} in service"
            )
    if line.outlet_site is not None:
        row = conn.execute("select kind from site where id = %s", (line.outlet_site,)).fetchone()
        if row != ("stack",):
            raise ConfigurationError(f"{where}: found outlet {line.outlet_site!r}, expected a site of kind stack")
    known = {
        row[0]
        for row in conn.execute(
            "select id from device where family = 'plant' and retired_at is null and id = any(%s)", (list(line.meters),)
        ).fetchall()
    }
    if unknown := sorted(set(line.meters) - known):
        raise ConfigurationError(f"{where}: found meters {', '.join(unknown)}, expected devices of family plant")
