"""The document that neighbouring counties exchange (docs/exchange.md): one county's hours and warnings, JSON or CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from domain.error import ConfigurationError
from domain.pollutant import SIX_KEYS

FORMAT: Final = "lantian-exchange"
VERSION: Final = 1
LEVELS: Final = ("yellow", "orange", "red")
#: Largest document, and most rows of one; a county's year of ten stations is below both.
LARGEST: Final = 64 * 1024 * 1024
MOST_ROWS: Final = 200_000
#: Largest concentration that can be one, in the pollutant's unit.
_HIGHEST: Final = 10_000.0
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HOUR_COLUMNS: Final = ("county", "site", "site_zh", "hour", *SIX_KEYS)
_WARNING_COLUMNS: Final = ("county", "warning", "level", "issued_at", "starts_at", "ends_at", "lifted_at")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExchangeHour:
    """One hour of one site, start of the hour in UTC; `values` in the order of `SIX_KEYS`, None where there is none."""

    site: str
    site_zh: str
    hour: dt.datetime
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ExchangeWarning:
    """A warning under the number that its county gave it; `lifted_at` None while it holds."""

    warning: str
    level: str
    issued_at: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    lifted_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Hours and warnings of one county, and what of a received document could not be read, row by row."""

    county: str
    hours: tuple[ExchangeHour, ...] = ()
    warnings: tuple[ExchangeWarning, ...] = ()
    faults: tuple[str, ...] = ()


def encode_json(exchange: Exchange) -> bytes:
    """The document in JSON; the same content gives the same bytes."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "county": exchange.county,
        "hours": [_hour_cells(one) for one in exchange.hours],
        "warnings": [_warning_cells(one) for one in exchange.warnings],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def encode_csv(exchange: Exchange, part: str) -> bytes:
    """The ``hours`` or the ``warnings`` of a document in CSV, UTF-8 with a mark for spreadsheets."""
    columns = _HOUR_COLUMNS if part == "hours" else _WARNING_COLUMNS
    cells = [_hour_cells(h) for h in exchange.hours] if part == "hours" else [*map(_warning_cells, exchange.warnings)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({"county": exchange.county, **row} for row in cells)
    return text.getvalue().encode("utf-8-sig")


def _hour_cells(one: ExchangeHour) -> dict[str, Any]:
    values = dict(zip(SIX_KEYS, one.values, strict=True))
    return {"site": one.site, "site_zh": one.site_zh, "hour": _text(one.hour), **values}


def _warning_cells(one: ExchangeWarning) -> dict[str, Any]:
    moments = {name: _text(getattr(one, name)) for name in ("issued_at", "starts_at", "ends_at", "lifted_at")}
    return {"warning": one.warning, "level": one.level, **moments}


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_exchange(content: bytes, now: dt.datetime) -> Exchange:
    """Read a document, JSON or CSV.

    Parameters
    ----------
    content : bytes
        The document.
    now : datetime
        The moment; hours that have not ended are faults.

    Returns
    -------
    Exchange
        Rows that can be read; the others are named in `faults`, and so are contradicting rows of one hour.

    Raises
    ------
    ConfigurationError
        When it is no such document at all, names several counties or none, or is too large.
    """
    if len(content) > LARGEST:
        raise ConfigurationError(f"exchange: found {len(content)} bytes, expected at most {LARGEST}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"exchange: found {error}, expected UTF-8") from error
    county, hours, warnings = _json_rows(text) if text.lstrip().startswith("{") else _csv_rows(text)
    if _ID.fullmatch(county) is None:
        raise ConfigurationError(f"exchange: county: found {county[:80]!r}, expected letters, digits, '_', '.' and '-'")
    if len(hours) + len(warnings) > MOST_ROWS:
        raise ConfigurationError(f"exchange: found {len(hours) + len(warnings)} rows, expected at most {MOST_ROWS}")
    faults: list[str] = []
    read_hours = _read("hours", hours, lambda row: _parse_hour(row, now), lambda one: (one.site, one.hour), faults)
    read_warnings = _read("warnings", warnings, _parse_warning, lambda one: (one.warning,), faults)
    return Exchange(county, tuple(read_hours), tuple(read_warnings), tuple(faults))


def _json_rows(text: str) -> tuple[str, Sequence[Any], Sequence[Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"exchange: found {error}, expected JSON") from error
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise ConfigurationError(f"exchange: expected an object with format {FORMAT!r} and version {VERSION}")
    hours, warnings = content.get("hours", []), content.get("warnings", [])
    if not isinstance(hours, list) or not isinstance(warnings, list):
        raise ConfigurationError("exchange: hours and warnings: expected lists")
    return str(content.get("county", "")), hours, warnings


def _csv_rows(text: str) -> tuple[str, Sequence[Any], Sequence[Any]]:
    reader = csv.DictReader(io.StringIO(text))
    columns = tuple(reader.fieldnames or ())
    if set(columns) not in (set(_HOUR_COLUMNS), set(_WARNING_COLUMNS)):
        raise ConfigurationError(
            f"exchange: found columns {', '.join(columns)[:200]!r}, expected {','.join(_HOUR_COLUMNS)} or"
            f" {','.join(_WARNING_COLUMNS)}"
        )
    rows = list(reader)
    counties = sorted({row["county"] or "" for row in rows})
    if len(counties) != 1:
        raise ConfigurationError(f"exchange: found rows of {len(counties)} counties, expected those of one")
    return (counties[0], rows, []) if set(columns) == set(_HOUR_COLUMNS) else (counties[0], [], rows)


def _read(
    part: str, rows: Sequence[Any], parse: Callable[[Mapping[str, Any]], T], key: Callable[[T], object],
    faults: list[str],
) -> list[T]:  # fmt: skip
    found: dict[object, T] = {}
    for number, row in enumerate(rows, 1):
        try:
            one = parse(row if isinstance(row, Mapping) else {})
        except ValueError as error:
            faults.append(f"{part} row {number}: {error}")
            continue
        if key(one) in found:
            faults.append(f"{part} row {number}: found the same {part.removesuffix('s')} again, expected it once")
            continue
        found[key(one)] = one
    return list(found.values())


def _parse_hour(row: Mapping[str, Any], now: dt.datetime) -> ExchangeHour:
    hour = _moment(row, "hour")
    if hour.minute or hour.second or hour.microsecond:
        raise ValueError(f"hour: found {hour.isoformat()}, expected the start of an hour")
    if hour + dt.timedelta(hours=1) > now:
        raise ValueError(f"hour: found {hour.isoformat()}, expected one that has ended")
    values = tuple(_number(row, key) for key in SIX_KEYS)
    if all(value is None for value in values):
        raise ValueError(f"expected a value of one of {', '.join(SIX_KEYS)}")
    return ExchangeHour(_name(row, "site"), str(row.get("site_zh") or "")[:80], hour, values)


def _parse_warning(row: Mapping[str, Any]) -> ExchangeWarning:
    level = row.get("level")
    if level not in LEVELS:
        raise ValueError(f"level: found {str(level)[:40]!r}, expected one of {', '.join(LEVELS)}")
    issued, starts, ends = (_moment(row, name) for name in ("issued_at", "starts_at", "ends_at"))
    if ends < starts:
        raise ValueError("ends_at: expected a moment after starts_at")
    lifted = None if row.get("lifted_at") in (None, "") else _moment(row, "lifted_at")
    return ExchangeWarning(_name(row, "warning"), str(level), issued, starts, ends, lifted)


def _name(row: Mapping[str, Any], column: str) -> str:
    text = str(row.get(column, ""))
    if _ID.fullmatch(text) is None:
        raise ValueError(f"{column}: found {text[:80]!r}, expected letters, digits, '_', '.' and '-'")
    return text


def _moment(row: Mapping[str, Any], column: str) -> dt.datetime:
    text = row.get(column)
    try:
        moment = dt.datetime.fromisoformat(text if isinstance(text, str) else "")
        if moment.tzinfo is not None:
            return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{column}: found {str(text)[:40]!r}, expected a moment with its offset, as 2026-11-25T08:00:00Z")


def _number(row: Mapping[str, Any], column: str) -> float | None:
    cell = row.get(column)
    if cell is None or cell == "":
        return None
    try:
        value = float(cell) if isinstance(cell, str | int | float) and not isinstance(cell, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not 0 <= value <= _HIGHEST:
        raise ValueError(f"{column}: found {str(cell)[:40]!r}, expected a number from 0 to {_HIGHEST:g} or nothing")
    return value
