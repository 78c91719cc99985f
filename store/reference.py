"""Reference tables that screens join with: the standards' data of `domain`, brought into the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from psycopg import sql

from domain.document import editions
from domain.edition import AQI_EDITIONS
from domain.error import REASONS
from domain.level import levels
from domain.pollutant import SIX
from domain.quality_table import quality_tests
from domain.ranking import index_items
from domain.standard import limit_rows
from store.connection import Connection

_LEVEL_COLUMNS: Final = ("level", "level_zh", "category_zh", "colour_zh", "hex", "aqi_low", "aqi_high")


def load_reference(conn: Connection) -> None:
    """Make tables aqi_level, limit_value, pollutant, reason and quality_test say what `domain` says; twice is harmless.

    Weights of the composite index are only added where none are known from their first day on: people change them.

    Parameters
    ----------
    conn : Connection
        As role lantian_owner or lantian_app.
    """
    level_columns = ("edition", *_LEVEL_COLUMNS, "effect_zh", "advice_zh", "clause")
    _replace(
        conn,
        "aqi_level",
        level_columns,
        ((name, *(getattr(at, c) for c in level_columns[1:])) for name in AQI_EDITIONS for at in levels(name)),
    )
    _replace(
        conn,
        "limit_value",
        (
            *("edition", "area_class", "pollutant", "averaging", "value", "unit", "clause"),
            *("valid_from", "valid_to"),
        ),
        (
            (
                *(edition.id, row.area_class, row.pollutant, row.averaging, row.value, row.unit, row.clause),
                *(edition.valid_from, edition.valid_to),
            )
            for edition in editions("limits")
            for row in limit_rows(edition.id)
        ),
    )
    _replace(
        conn,
        "pollutant",
        ("key", "symbol", "name_zh", "unit", "decimals", "position"),
        ((p.key, p.symbol, p.name_zh, p.unit, p.decimals, at) for at, p in enumerate(SIX, 1)),
    )
    _replace(conn, "reason", ("code", "name_zh"), REASONS.items())
    words = ("bit", "key", "level", "severity", "name_zh", "sentence_zh", "name", "sentence")
    _replace(conn, "quality_test", words, ([getattr(test, name) for name in words] for test in quality_tests()))
    _add_weights(conn)


def _add_weights(conn: Connection) -> None:
    """Weights of each evaluation standard from its first day on, those of the first one for all time before."""
    for at, edition in enumerate(editions("evaluation")):
        items = {item.pollutant: item for item in index_items(edition.standard)}
        first_day = edition.valid_from if at else dt.date(1970, 1, 1)
        conn.execute(
            "insert into index_weight (first_day, pm25, pm10, so2, no2, co, o3, entered_by, reason)"
            " select %(day)s, %(pm25)s, %(pm10)s, %(so2)s, %(no2)s, %(co)s, %(o3)s, 'lantian', %(reason)s"
            " where not exists (select from index_weight where first_day = %(day)s)",
            {key: item.weight for key, item in items.items()}
            | {"day": first_day, "reason": f"{edition.standard}: {items['pm25'].clause}"},
        )


def _replace(conn: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Make `table` hold exactly `rows`; nobody sees it empty, because the caller's transaction does it in one."""
    conn.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with conn.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)) as copy:
        for row in rows:
            copy.write_row(row)
