"""What Grafana does to the SQL of its PostgreSQL data source before the database sees it, restated for the tests.

The browser replaces template variables (unknown names stay); the server replaces intervals, then macros of the form
``$__name(...)`` up to the first closing bracket, with `timescaledb` switched on. An unknown macro is an error.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
Values = Mapping[str, str | list[str]]


class UnknownMacroError(ValueError):
    """Grafana would show an error in the panel."""


@dataclass(frozen=True)
class Range:
    """The dashboard's time range and the interval that Grafana made of it."""

    low: dt.datetime
    high: dt.datetime
    interval: str = "1h"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _formatted(value: str | list[str], form: str | None) -> str:
    if form == "sqlstring" or (form is None and isinstance(value, list)):
        return ",".join(map(_quoted, value)) if isinstance(value, list) else _quoted(value)
    if form is not None:
        raise UnknownMacroError(f"format {form!r} is not one that these dashboards use")
    return str(value)


def with_variables(sql: str, values: Values) -> str:
    """Template variables replaced."""

    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        return _formatted(values[name], match[3] or match[6]) if name in values else match[0]

    return _VARIABLE.sub(replace, sql)


def _seconds(interval: str) -> float:
    match = re.fullmatch(r"(\d+)(ms|[smhdw])", interval)
    if match is None:
        raise UnknownMacroError(f"error parsing interval {interval}")
    return int(match[1]) * _UNITS[match[2]]


def _iso(moment: dt.datetime) -> str:
    """As Go prints RFC3339Nano."""
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


def _macro(name: str, arguments: list[str], span: Range) -> str:
    low, high, column = f"'{_iso(span.low)}'", f"'{_iso(span.high)}'", arguments[0]
    if name == "__timeFilter":
        return f"{column} BETWEEN {low} AND {high}"
    if name == "__timeFrom":
        return low
    if name == "__timeTo":
        return high
    if name == "__time":
        return f'{column} AS "time"'
    if name in ("__timeGroup", "__timeGroupAlias"):
        if len(arguments) < 2:
            raise UnknownMacroError(f"macro {name} needs time column and interval and optional fill value")
        bucket = f"time_bucket('{_seconds(arguments[1].strip(chr(39))):.3f}s',{column})"
        if len(arguments) == 3 and arguments[2] not in ("NULL", "previous"):
            float(arguments[2])
        return bucket + (' AS "time"' if name == "__timeGroupAlias" else "")
    raise UnknownMacroError(f"Unknown macro {name}")


def expanded(sql: str, values: Values, span: Range) -> str:
    """The statement that reaches the database."""
    text = with_variables(sql, {**values, "__interval": span.interval})

    def replace(match: re.Match[str]) -> str:
        name, rest = match[1], text[match.end() : match.end() + 1]
        if name == "__timeGroup" and rest == ",":
            name = "__timeGroupAlias"
        return _macro(name, [argument.strip(" ") for argument in match[2].split(",")], span)

    return _MACRO.sub(replace, text)
