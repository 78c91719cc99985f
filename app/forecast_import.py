"""Official forecasts as files (CSV) and messages (JSON): the same rows either way, all of them or none."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from domain.edition import aqi_edition
from domain.error import ConfigurationError
from domain.outlook import FORECAST_ITEMS
from domain.period import ZONE, local_date, midnight
from domain.pollutant import SIX_KEYS
from store.forecast import ForecastSeries, NewForecast

COLUMNS: Final[tuple[str, ...]] = (*("site", "issued_at", "kind", "time", "item", "value", "low", "high", "primary"),)
_STEP: Final = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}
_MOST: Final = {"aqi": 500.0}
_LONGEST: Final = dt.timedelta(days=10)


class ForecastRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a forecast.

    `kind` is hour or day, `time` the start of the hour or the day, without an offset in Beijing time. A bare interval
    has `low` and `high` and no `value`; its middle counts. `primary` holds keys of pollutants joined by a comma.
    """

    site: str
    issued_at: str
    kind: str
    time: str
    item: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    primary: str | None = None


def rows_from_csv(text: str, name: str) -> list[ForecastRow]:
    """Rows of a CSV file with the columns of `COLUMNS`; `ConfigurationError` names line and column."""
    reader = csv.DictReader(io.StringIO(text))
    absent = [column for column in COLUMNS[:6] if column not in (reader.fieldnames or ())]
    if absent:
        raise ConfigurationError(f"{name} line 1: found columns {reader.fieldnames}, expected also {', '.join(absent)}")
    rows = []
    for line, cells in enumerate(reader, 2):
        known = {key: (cells.get(key) or "").strip() for key in COLUMNS}
        value, low, high = (
            _number(known[key], f"{name} line {line}, column {key}") for key in ("value", "low", "high")
        )
        rows.append(
            ForecastRow(
                site=known["site"],
                issued_at=known["issued_at"],
                kind=known["kind"],
                time=known["time"],
                item=known["item"],
                value=value,
                low=low,
                high=high,
                primary=known["primary"] or None,
            )
        )
    return rows


def rows_from_json(payload: bytes) -> list[ForecastRow]:
    """Rows of a message: a JSON list of objects with the fields of `ForecastRow`."""
    try:
        return msgspec.json.decode(payload, type=list[ForecastRow])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"found no list of forecast values: {error}") from error


def forecasts(
    rows: Sequence[ForecastRow], issuer_id: str, origin: str, *, known_site: Callable[[str], bool], now: dt.datetime
) -> list[NewForecast]:
    """Forecasts of an official issuer, one per site and issue time.

    Parameters
    ----------
    rows : sequence of ForecastRow
        In any order.
    issuer_id : str
        Who issued them.
    origin : str
        File or topic, kept with each.
    known_site : callable
        Whether a site or area of that id is registered.
    now : datetime
        A forecast cannot have been issued later.

    Returns
    -------
    list of NewForecast
        Gaps between times are kept as gaps.

    Raises
    ------
    ConfigurationError
        Naming the first row that cannot be, what was found and what was expected.
    """
    if not rows:
        raise ConfigurationError("found no forecast value, expected some")
    groups: dict[tuple[str, dt.datetime], dict[tuple[str, str], dict[dt.datetime, ForecastRow]]] = {}
    for number, row in enumerate(rows, 1):
        place = f"row {number}"
        issued_at, time = _moment(row.issued_at, f"{place}, issued_at"), _target(row, place)
        _check(row, place, known_site=known_site)
        if issued_at > now:
            raise ConfigurationError(
                f"{place}: found issue time {row.issued_at}, expected none after {now.isoformat()}"
            )
        if not -_STEP["day"] <= time - issued_at <= _LONGEST:
            raise ConfigurationError(f"{place}: found time {row.time}, expected at most ten days after {row.issued_at}")
        series = groups.setdefault((row.site, issued_at), {}).setdefault((row.kind, row.item), {})
        if time in series:
            raise ConfigurationError(f"{place}: found {row.kind} {row.time} of {row.item} again, expected it once")
        series[time] = row
    return [
        NewForecast(
            *(site, issuer_id, issued_at, aqi_edition(local_date(issued_at)), origin),
            [_series(kind, item, found) for (kind, item), found in table.items()],
        )
        for (site, issued_at), table in groups.items()
    ]


def _series(kind: str, item: str, found: Mapping[dt.datetime, ForecastRow]) -> ForecastSeries:
    first, last, step = min(found), max(found), _STEP[kind]
    rows = [found.get(first + at * step) for at in range((last - first) // step + 1)]
    values = [None if row is None else _expected(row) for row in rows]
    low = [value if row is None or row.low is None else row.low for row, value in zip(rows, values, strict=True)]
    high = [value if row is None or row.high is None else row.high for row, value in zip(rows, values, strict=True)]
    named = [None if row is None else row.primary for row in rows] if item == "aqi" and kind == "day" else None
    return ForecastSeries(kind, item, first, values, low, high, named)


def _expected(row: ForecastRow) -> float | None:
    if row.value is not None or row.low is None or row.high is None:
        return row.value
    return (row.low + row.high) / 2.0


def _check(row: ForecastRow, place: str, *, known_site: Callable[[str], bool]) -> None:
    if not known_site(row.site):
        raise ConfigurationError(f"{place}: found site {row.site!r}, expected a registered site or area")
    if row.item not in FORECAST_ITEMS or (row.kind == "hour" and row.item == "o3_8h"):
        raise ConfigurationError(f"{place}: found item {row.item!r}, expected one of {', '.join(FORECAST_ITEMS)}")
    numbers = [number for number in (row.value, row.low, row.high) if number is not None]
    if any(not math.isfinite(number) or not 0 <= number <= _MOST.get(row.item, 10_000.0) for number in numbers):
        raise ConfigurationError(
            f"{place}: found {numbers}, expected numbers from 0 to {_MOST.get(row.item, 10_000):g}"
        )
    value = _expected(row)
    if value is None:
        raise ConfigurationError(f"{place}: found no value, expected value, or low and high")
    if not (value if row.low is None else row.low) <= value <= (value if row.high is None else row.high):
        raise ConfigurationError(f"{place}: found {row.low}..{row.value}..{row.high}, expected low <= value <= high")
    unknown = sorted(set((row.primary or "").split(",")) - {"", *SIX_KEYS})
    if unknown:
        raise ConfigurationError(f"{place}: found primary {', '.join(unknown)}, expected some of {', '.join(SIX_KEYS)}")


def _target(row: ForecastRow, place: str) -> dt.datetime:
    if row.kind not in _STEP:
        raise ConfigurationError(f"{place}: found kind {row.kind!r}, expected hour or day")
    if row.kind == "day":
        try:
            return midnight(dt.date.fromisoformat(row.time))
        except ValueError as error:
            raise ConfigurationError(f"{place}: found day {row.time!r}, expected YYYY-MM-DD") from error
    moment = _moment(row.time, f"{place}, time")
    if moment.minute or moment.second or moment.microsecond:
        raise ConfigurationError(f"{place}: found hour {row.time!r}, expected the start of an hour")
    return moment


def _moment(text: str, place: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{place}: found {text!r}, expected for instance 2026-01-10T17:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _number(text: str, place: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"{place}: found {text!r}, expected a number") from error
