"""Neighbours of the demonstration county: hours made from its own, and warnings, sent as documents of the exchange."""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

from app.exchange import import_exchange
from domain.exchange import Exchange, ExchangeHour, ExchangeWarning, encode_json
from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.exchange import add_neighbour, read_neighbours
from store.public import read_public_values

HOUR: Final = dt.timedelta(hours=1)
#: Hours of so long are sent first.
PAST: Final = dt.timedelta(days=7)
SOURCE: Final = "演示"
#: id, name, administrative code, concentration over that of the county.
NEIGHBOURS: Final = (
    ("lishi", "离石区", "141102", 1.12),
    ("liulin", "柳林县", "141125", 1.24),
    ("shilou", "石楼县", "141126", 0.71),
    ("jiaokou", "交口县", "141130", 0.93),
    ("xiaoyi", "孝义市", "141181", 1.35),
    ("fenyang", "汾阳市", "141182", 1.18),
)


def add_neighbours(conn: Connection) -> None:
    """Register the neighbours; the caller commits."""
    for key, name_zh, adcode, _ in NEIGHBOURS:
        add_neighbour(conn, key, name_zh, adcode)


def send_hours(conn: Connection, area_id: str, begin: dt.datetime, now: dt.datetime) -> int:
    """Import what the neighbours have not sent yet of the hours that the county has; how many were stored.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit.
    area_id : str
        The demonstration county.
    begin : datetime
        Its beginning: warnings lie around it.
    now : datetime
        Present moment.
    """
    known = {each.id: each.hour for each in read_neighbours(conn)}
    mine = [each for each in NEIGHBOURS if each[0] in known]
    first = min((known[key] or now - PAST for key, *_ in mine), default=now)
    own = [one for one in read_public_values(conn, area_id, "hour", first, now) if one.site_id == area_id]
    stored = 0
    for at, (key, name_zh, _, factor) in enumerate(mine):
        newest = known[key]
        hours = [
            ExchangeHour(key, name_zh, one.time, _values(one.concentrations, factor, one.time, at))
            for one in own
            if isinstance(one.time, dt.datetime) and (newest is None or one.time > newest)
        ]
        if hours:
            warnings = _warnings(begin, key) if newest is None else ()
            document = encode_json(Exchange(key, tuple(hours), warnings))
            with conn.transaction():
                stored += import_exchange(conn, document, SOURCE, now).stored
    return stored


def _values(own: dict[str, float | None], factor: float, hour: dt.datetime, at: int) -> tuple[float | None, ...]:
    """Concentrations of a neighbour in an hour: its share of ours, with a swing of its own."""
    share = factor * (1.0 + 0.12 * math.sin(hour.timestamp() / 3600 / 4.7 + at))
    # Ozone goes the other way: where there is more of the rest, it is eaten up.
    shares = {key: 1.0 / share if key == "o3" else share for key in SIX_KEYS}
    return tuple(None if own[key] is None else round(own[key] * shares[key], 2) for key in SIX_KEYS)  # type: ignore[operator]


def _warnings(begin: dt.datetime, key: str) -> tuple[ExchangeWarning, ...]:
    """One that has been lifted and, of the first neighbour, one in force."""
    past = ExchangeWarning(
        f"{key}-1", "orange" if key in ("xiaoyi", "liulin") else "yellow", begin - 130 * HOUR, begin - 120 * HOUR,
        begin - 50 * HOUR, begin - 58 * HOUR,
    )  # fmt: skip
    standing = ExchangeWarning(f"{key}-2", "yellow", begin - 2 * HOUR, begin + 12 * HOUR, begin + 72 * HOUR, None)
    return (past, standing) if key in ("lishi", "xiaoyi") else (past,)
