"""Hours, days and periods as the settler reads and writes them: whole arrays out, whole sets of rows in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.family import AIR
from domain.period import PeriodKind
from domain.pollutant import SIX_KEYS
from domain.quality_table import reference_kinds
from store.binary import copy_records
from store.connection import Connection
from store.copy_format import EPOCH_2000_US
from store.upsert import upsert

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Value columns of `air_day`, in order.
DAY_COLUMNS: Final[tuple[str, ...]] = ("pm25", "pm10", "so2", "no2", "co", "o3_8h", "o3_1h")


@dataclass(frozen=True, slots=True)
class HourRows:
    """Hours of sites: n rows.

    Attributes
    ----------
    sites : list of str
        Site of each row.
    hours_s : ndarray of int64
        Shape (n,); Unix time of the start.
    values : ndarray of float64
        Shape (n, 12) in the order of family `air`; NaN = no valid mean.
    minutes : ndarray of int64
        Shape (n, 12); minutes the value rests on, or the most that any device had when there is no valid mean.
    flags : list of str
        One text of 12 flag letters per row.
    """

    sites: list[str]
    hours_s: Integers
    values: Floats
    minutes: Integers
    flags: list[str]


@dataclass(frozen=True, slots=True)
class DayRows:
    """Days of sites: n rows; `values` has `DAY_COLUMNS` (NaN = not valid), `hours` the valid hours of the six
    pollutants."""

    sites: list[str]
    days: list[dt.date]
    values: Floats
    hours: Integers
    windows: Integers

    def of(self, site: str) -> DayRows:
        """The days of one site."""
        kept = [at for at, name in enumerate(self.sites) if name == site]
        return DayRows(
            [site] * len(kept), [self.days[at] for at in kept], self.values[kept], self.hours[kept], self.windows[kept]
        )


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Indices beside n hours or days; `iaqi` has one column per `iaqi_` column of the table, None = no index."""

    iaqi: list[tuple[int | None, ...]]
    aqi: list[int | None]
    aqi_available: list[int | None]
    level: list[int | None]
    primary: list[list[str]]
    editions: list[str]


@dataclass(frozen=True, slots=True)
class StatisticRow:
    """One statistic of one pollutant over a month, quarter or year; `value` unrounded, None = no data."""

    site: str
    kind: PeriodKind
    start: dt.date
    pollutant: str
    statistic: str
    value: float | None
    published: float | None
    valid_days: int
    days: int
    valid: bool
    limit_value: float | None
    limit_edition: str
    complies: bool | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """Counts of days over a month, quarter or year."""

    site: str
    kind: PeriodKind
    start: dt.date
    valid_days: int
    days: int
    days_by_level: list[int]
    good_days: int
    good_day_ratio: float | None
    primary_days: dict[str, int]
    complies: bool | None
    limit_edition: str
    aqi_edition: str


def read_members(conn: Connection) -> dict[str, tuple[str, ...]]:
    """Evaluated sites of each area that has any: area id (also the id of its pseudo-site) -> site ids.

    Only sites with reference instruments: a micro station decides nothing, whatever the registry says of it.
    """
    rows = conn.execute(
        "select area_id, array_agg(id order by id) from site where evaluated and kind = any(%s) group by area_id",
        (list(reference_kinds()),),
    ).fetchall()
    return {area: tuple(sites) for area, sites in rows}


def read_hours(conn: Connection, sites: Sequence[str], low: dt.datetime, high: dt.datetime) -> HourRows:
    """Stored hours of `sites` with low <= hour < high, in no order; `minutes` and `flags` included."""
    columns = sql.SQL(", ").join(
        sql.SQL("coalesce({}, 'NaN'::double precision)").format(sql.Identifier(key)) for key in AIR.keys
    )
    minutes = sql.SQL(", ").join(sql.SQL("a.minutes[{}]").format(sql.Literal(at + 1)) for at in range(AIR.width))
    statement = sql.SQL(
        "copy (select (s.at - 1)::int, a.hour, a.flag, {columns}, {minutes}"
        " from unnest({sites}::text[]) with ordinality as s (id, at) join air_hour a on a.site_id = s.id"
        " where a.hour >= {low} and a.hour < {high}) to stdout (format binary)"
    ).format(
        columns=columns, minutes=minutes, sites=sql.Literal(list(sites)), low=sql.Literal(low), high=sql.Literal(high)
    )
    fields = [("site", ">i4"), ("hour", ">i8"), ("flag", f"S{AIR.width}")]
    fields += [(key, ">f8") for key in AIR.keys] + [(f"minutes {key}", ">i2") for key in AIR.keys]
    rows = copy_records(conn, statement, fields)
    return HourRows(
        [sites[at] for at in rows["site"].tolist()],
        (rows["hour"].astype(np.int64) + EPOCH_2000_US) // 1_000_000,
        np.column_stack([rows[key] for key in AIR.keys]).astype(np.float64),
        np.column_stack([rows[f"minutes {key}"] for key in AIR.keys]).astype(np.int64),
        [letters.decode("ascii") for letters in rows["flag"].tolist()],
    )


def read_days(conn: Connection, sites: Sequence[str], low: dt.date, high: dt.date) -> DayRows:
    """Stored days of `sites` with low <= day < high, ordered by site and day."""
    columns = sql.SQL(", ").join(map(sql.Identifier, DAY_COLUMNS))
    rows = conn.execute(
        sql.SQL(
            "select site_id, day, hours, o3_windows, {} from air_day"
            " where site_id = any(%s) and day >= %s and day < %s order by site_id, day"
        ).format(columns),
        (list(sites), low, high),
    ).fetchall()
    return DayRows(
        [row[0] for row in rows],
        [row[1] for row in rows],
        np.array([row[4:] for row in rows], dtype=np.float64).reshape(-1, len(DAY_COLUMNS)),
        np.array([row[2] for row in rows], dtype=np.int64).reshape(-1, len(SIX_KEYS)),
        np.array([row[3] for row in rows], dtype=np.int64),
    )


_INDEX_COLUMNS: Final = ("aqi", "aqi_available", "level", "primary_pollutants", "edition")
_HOUR_COLUMNS: Final[tuple[str, ...]] = (
    "site_id",
    "hour",
    *AIR.keys,
    "minutes",
    "flag",
    *(f"iaqi_{key}" for key in SIX_KEYS),
    *_INDEX_COLUMNS,
)
_DAY_ROW_COLUMNS: Final[tuple[str, ...]] = (
    "site_id",
    "day",
    *DAY_COLUMNS,
    "hours",
    "o3_windows",
    *(f"iaqi_{key}" for key in DAY_COLUMNS),
    *_INDEX_COLUMNS,
)


def write_hours(conn: Connection, rows: HourRows, indices: IndexRows) -> int:
    """Insert or replace hours with their indices; returns how many."""
    records = zip(
        rows.sites,
        [dt.datetime.fromtimestamp(second, dt.UTC) for second in rows.hours_s.tolist()],
        *_columns(rows.values),
        _array_texts(rows.minutes.tolist()),
        rows.flags,
        *_index_columns(indices),
        strict=True,
    )
    return upsert(conn, "air_hour", _HOUR_COLUMNS, keys=2, records=records)


def write_days(conn: Connection, rows: DayRows, indices: IndexRows) -> int:
    """Insert or replace days with their indices; returns how many."""
    records = zip(
        rows.sites,
        rows.days,
        *_columns(rows.values),
        _array_texts(rows.hours.tolist()),
        rows.windows.tolist(),
        *_index_columns(indices),
        strict=True,
    )
    return upsert(conn, "air_day", _DAY_ROW_COLUMNS, keys=2, records=records)


def write_statistics(conn: Connection, rows: Sequence[StatisticRow]) -> int:
    """Insert or replace period statistics; returns how many."""
    names = tuple(StatisticRow.__dataclass_fields__)
    columns = ("site_id", *names[1:])
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "period_statistic", columns, keys=5, records=records)


def write_summaries(conn: Connection, rows: Sequence[SummaryRow]) -> int:
    """Insert or replace period summaries; returns how many."""
    names = tuple(SummaryRow.__dataclass_fields__)
    columns = ("site_id", *names[1:])
    records = (
        tuple(json.dumps(row.primary_days) if name == "primary_days" else getattr(row, name) for name in names)
        for row in rows
    )
    return upsert(conn, "period_summary", columns, keys=3, records=records)


def _columns(values: Floats) -> list[list[float | None]]:
    """One list per column, None for NaN."""
    optional = values.astype(object)
    optional[np.isnan(values)] = None
    return [list(column) for column in optional.T]


def _array_texts(rows: Iterable[Sequence[object]]) -> list[str]:
    """Arrays of numbers or plain words as COPY takes them; many times faster than adapting each list."""
    return ["{" + ",".join(map(str, row)) + "}" for row in rows]


def _index_columns(indices: IndexRows) -> list[Iterable[object]]:
    iaqi: list[Iterable[object]] = [list(column) for column in zip(*indices.iaqi, strict=True)]
    return [*iaqi, indices.aqi, indices.aqi_available, indices.level, _array_texts(indices.primary), indices.editions]
