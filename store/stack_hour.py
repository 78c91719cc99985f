"""Hours, days and months of stacks: what the settler writes and what verification, screens and checks read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import STACK
from store.connection import Connection
from store.upsert import upsert

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Pollutants of a stack, in the order of every array here.
POLLUTANTS: Final[tuple[str, ...]] = ("pm", "so2", "nox", "co", "nh3")
#: State of the gas, in the order of `StackHours.gas`.
GAS: Final[tuple[str, ...]] = ("o2", "flow", "velocity", "flue_temperature", "flue_pressure", "flue_humidity")
#: In operation; oxygen near that of air; marked out of operation; too few valid minutes.
STATES: Final[tuple[str, ...]] = ("running", "standstill", "stopped", "invalid")
_KINDS: Final[tuple[str, ...]] = ("", "_converted", "_limit", "_over", "_kg")


@dataclass(frozen=True, slots=True)
class StackHours:
    """Hours of stacks: n rows; pollutants in the order of `POLLUTANTS`.

    Attributes
    ----------
    sites : list of str
        Site of each row.
    hours_s : ndarray of int64
        Shape (n,); Unix time of the start.
    measured, converted, limits, kg : ndarray of float64
        Shape (n, 5); mg/m³ of dry gas at the standard state as measured and at reference oxygen, limit, mass in kg; NaN
        = none.
    over : ndarray of float64
        Shape (n, 5); 1 over the limit, 0 within, NaN not judged.
    gas : ndarray of float64
        Shape (n, 6) in the order of `GAS`.
    minutes : ndarray of int64
        Shape (n, 15) in the order of family stack.
    flags : list of str
        One text of 15 flag letters per row.
    states : list of str
        One of `STATES` per row.
    kinds : list of str or None
        Kind of outlet that judged, None without one.
    """

    sites: list[str]
    hours_s: Integers
    measured: Floats
    converted: Floats
    limits: Floats
    over: Floats
    kg: Floats
    gas: Floats
    minutes: Integers
    flags: list[str]
    states: list[str]
    kinds: list[str | None]

    def rows(self, kept: npt.ArrayLike) -> StackHours:
        """The rows where `kept`, shape (n,), is true."""
        at = np.flatnonzero(kept)
        chosen = at.tolist()
        return StackHours(
            [self.sites[row] for row in chosen],
            self.hours_s[at],
            self.measured[at],
            self.converted[at],
            self.limits[at],
            self.over[at],
            self.kg[at],
            self.gas[at],
            self.minutes[at],
            [self.flags[row] for row in chosen],
            [self.states[row] for row in chosen],
            [self.kinds[row] for row in chosen],
        )


@dataclass(frozen=True, slots=True)
class StackDayRow:
    """One pollutant of one stack (or ``any``: all with a limit that were measured) on one local day; None = not
    valid."""

    site: str
    day: dt.date
    pollutant: str
    measured: float | None
    converted: float | None
    valid_hours: int
    hours: int
    operating_hours: int
    judged_hours: int
    over_hours: int
    kg: float
    mass_hours: int


@dataclass(frozen=True, slots=True)
class StackMonthRow:
    """One pollutant of one stack (or ``any``: all of them) in one month; None = nothing judged, no permitted total."""

    site: str
    month: dt.date
    pollutant: str
    hours: int
    operating_hours: int
    judged_hours: int
    over_hours: int
    percent: float | None
    met: bool | None
    kg: float
    missing_hours: int
    permitted_t: float | None


_VALUE_COLUMNS: Final = tuple(f"{one}{kind}" for kind in _KINDS for one in POLLUTANTS)
_COLUMNS: Final = ("site_id", "hour", *_VALUE_COLUMNS, *GAS, "minutes", "flag", "state", "kind")


def read_stack_hours(conn: Connection, sites: Sequence[str], low: dt.datetime, high: dt.datetime) -> StackHours:
    """Settled hours of `sites` with low <= hour < high, ordered by site and hour."""
    names = sql.SQL(", ").join(map(sql.Identifier, (*_VALUE_COLUMNS, *GAS)))
    rows = conn.execute(
        sql.SQL(
            "select site_id, extract(epoch from hour)::bigint, minutes, flag, state, kind, {} from stack_hour"
            " where site_id = any(%s) and hour >= %s and hour < %s order by site_id, hour"
        ).format(names),
        (list(sites), low, high),
    ).fetchall()
    width, many = len(POLLUTANTS), len(rows)
    values = np.array([row[6:] for row in rows], dtype=np.float64).reshape(many, len(_VALUE_COLUMNS) + len(GAS))
    measured, converted, limits, over, kg = (values[:, at * width : (at + 1) * width] for at in range(len(_KINDS)))
    return StackHours(
        [row[0] for row in rows],
        np.array([row[1] for row in rows], dtype=np.int64),
        measured,
        converted,
        limits,
        over,
        kg,
        values[:, len(_VALUE_COLUMNS) :],
        np.array([row[2] for row in rows], dtype=np.int64).reshape(many, STACK.width),
        [row[3] for row in rows],
        [row[4] for row in rows],
        [row[5] for row in rows],
    )


def write_stack_hours(conn: Connection, hours: StackHours) -> int:
    """Insert or replace hours; returns how many."""
    records = zip(
        hours.sites,
        [dt.datetime.fromtimestamp(second, dt.UTC) for second in hours.hours_s.tolist()],
        *_optional(hours.measured),
        *_optional(hours.converted),
        *_optional(hours.limits),
        *([None if value is None else value > 0 for value in column] for column in _optional(hours.over)),
        *_optional(hours.kg),
        *_optional(hours.gas),
        ["{" + ",".join(map(str, row)) + "}" for row in hours.minutes.tolist()],
        hours.flags,
        hours.states,
        hours.kinds,
        strict=True,
    )
    return upsert(conn, "stack_hour", _COLUMNS, keys=2, records=records)


def write_stack_days(conn: Connection, rows: Sequence[StackDayRow]) -> int:
    """Insert or replace days; returns how many."""
    names = tuple(StackDayRow.__dataclass_fields__)
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "stack_day", ("site_id", *names[1:]), keys=3, records=records)


def read_stack_days(conn: Connection, sites: Sequence[str], low: dt.date, high: dt.date) -> list[StackDayRow]:
    """Settled days of `sites` with low <= day < high, ordered by site, day and pollutant."""
    names = sql.SQL(", ").join(map(sql.Identifier, list(StackDayRow.__dataclass_fields__)[1:]))
    rows = conn.execute(
        sql.SQL(
            "select site_id, {} from stack_day where site_id = any(%s) and day >= %s and day < %s"
            " order by site_id, day, pollutant"
        ).format(names),
        (list(sites), low, high),
    ).fetchall()
    return [StackDayRow(*row) for row in rows]


def write_stack_months(conn: Connection, rows: Sequence[StackMonthRow]) -> int:
    """Insert or replace months; returns how many."""
    names = tuple(StackMonthRow.__dataclass_fields__)
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "stack_month", ("site_id", *names[1:]), keys=3, records=records)


def read_stack_months(conn: Connection, first: dt.date, last: dt.date) -> list[tuple[str, float, StackMonthRow]]:
    """Months from `first` to `last` (both inside): Chinese name of the site, tonnes of the year so far, the row."""
    rows = conn.execute(
        "select v.site_zh, v.year_t, m.site_id, m.month, m.pollutant, m.hours, m.operating_hours, m.judged_hours,"
        " m.over_hours, m.percent, m.met, m.kg, m.missing_hours, m.permitted_t from stack_month m"
        " join screen.stack_month v on v.site_id = m.site_id and v.month = m.month and v.pollutant = m.pollutant"
        " where m.month between %s and %s order by m.site_id, m.month, array_position(%s::text[], m.pollutant)",
        (first, last, ["any", *POLLUTANTS]),
    ).fetchall()
    return [(row[0], float(row[1]), StackMonthRow(*row[2:])) for row in rows]


def read_stack_hour_texts(
    conn: Connection, site: str, low: dt.datetime, high: dt.datetime
) -> list[tuple[dt.datetime, str, float | None, float | None, float | None, str, float | None, float | None, str]]:
    """Hours of a stack as people read them: hour, pollutant, measured, converted, limit, verdict, kg, oxygen, state."""
    return conn.execute(
        "select hour, pollutant, value, converted, limit_value, verdict_zh, kg, o2, state_zh from screen.stack_hour"
        " where site_id = %s and hour >= %s and hour < %s order by hour, position",
        (site, low, high),
    ).fetchall()


def mark_stack_hours(conn: Connection, low: dt.datetime, high: dt.datetime) -> int:
    """Queue every settled hour of a stack with low <= hour < high again; returns how many."""
    return conn.execute(
        "insert into dirty_hour (family, site_id, hour) select 'stack', site_id, hour from stack_hour"
        " where hour >= %s and hour < %s order by hour, site_id",
        (low, high),
    ).rowcount


def _optional(values: Floats) -> list[list[float | None]]:
    """One list per column, None for NaN."""
    optional = values.astype(object)
    optional[np.isnan(values)] = None
    return [list(column) for column in optional.T]
