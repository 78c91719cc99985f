"""Alert rules in the database: loaded once from the shipped table, then changed by people; every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from psycopg import sql
from psycopg.rows import dict_row

from domain.alert import AlertRule
from domain.error import ConfigurationError
from store.connection import Connection

_FIELDS: Final = tuple(each.name for each in fields(AlertRule))
_COLUMNS: Final = sql.SQL(", ").join(map(sql.Identifier, _FIELDS))
_LOADER: Final = "lantian"


def read_rules(conn: Connection) -> dict[str, AlertRule]:
    """The rules in force, by kind."""
    rows = conn.execute(sql.SQL("select {} from screen.alert_rule order by kind").format(_COLUMNS)).fetchall()
    return {row[0]: _rule(row) for row in rows}


def read_rule(conn: Connection, kind: str) -> AlertRule | None:
    """The rule of a kind in force, None when there is none."""
    row = conn.execute(
        sql.SQL("select {} from alert_rule where kind = %s order by version desc limit 1").format(_COLUMNS), (kind,)
    ).fetchone()
    return None if row is None else _rule(row)


def _rule(row: tuple[Any, ...]) -> AlertRule:
    values = dict(zip(_FIELDS, row, strict=True))
    return AlertRule(**{**values, "tells": tuple(values["tells"])})


def read_rule_versions(conn: Connection) -> list[dict[str, Any]]:
    """The version in force of every rule, with who, when and why."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from screen.alert_rule order by kind").fetchall()


def read_rule_history(conn: Connection, kind: str) -> list[dict[str, Any]]:
    """Every version of a rule, oldest first, with who, when and why."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from alert_rule where kind = %s order by version", (kind,)).fetchall()


def write_rule(conn: Connection, rule: AlertRule, *, by: str, why: str) -> int:
    """Append a version of a rule, which holds from then on.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    rule : AlertRule
        How it shall be.
    by : str
        Who.
    why : str
        Why; empty only for the first version.

    Returns
    -------
    int
        Its version.
    """
    row = conn.execute("select max(version) from alert_rule where kind = %s", (rule.kind,)).fetchone()
    version = 1 if row is None or row[0] is None else int(row[0]) + 1
    if version > 1 and not why.strip():
        raise ConfigurationError(f"rule {rule.kind}: found no reason for the change, expected one")
    values = [getattr(rule, name) for name in _FIELDS]
    values[_FIELDS.index("tells")] = list(rule.tells)
    marks = sql.SQL(", ").join(sql.Placeholder() * (len(values) + 3))
    conn.execute(
        sql.SQL("insert into alert_rule ({}, version, changed_by, why) values ({})").format(_COLUMNS, marks),
        (*values, version, by, why),
    )
    return version


def load_rules(conn: Connection, shipped: Mapping[str, AlertRule]) -> int:
    """Bring the shipped rules into the table; kinds that a person changed stay. How many were written."""
    rows = conn.execute(
        sql.SQL("select distinct on (kind) {}, changed_by from alert_rule order by kind, version desc").format(_COLUMNS)
    ).fetchall()
    known = {row[0]: (_rule(row[:-1]), row[-1]) for row in rows}
    written = 0
    for kind, rule in shipped.items():
        before = known.get(kind)
        if before is None or (before[1] == _LOADER and before[0] != rule):
            write_rule(conn, rule, by=_LOADER, why="" if before is None else "随版本更新")
            written += 1
    return written
