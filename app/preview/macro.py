"""The variables and macros in the panels' SQL, filled in for a preview; as many as the dashboards use."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain.error import ConfigurationError
from domain.period import ZONE

_VARIABLE: Final = re.compile(r"\$\{(\w+):sqlstring\}")
_MACRO: Final = re.compile(r"\$__(\w+)\(([^)]*)\)")
_TITLE: Final = re.compile(r"\$\{(\w+)\}")
_EDGE: Final = re.compile(r"now(?:([+-])(\d+)([hdy]))?(/y)?")
#: Widths of time buckets and the longest range for each; like Grafana, about 700 points on a line.
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_INTERVALS: Final = ((60, 0.5), (300, 2), (3600, 30), (6 * 3600, 180), (24 * 3600, 10_000))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a preview fills in: chosen values by variable, and the range of time."""

    values: Mapping[str, tuple[str, ...]]
    low: dt.datetime
    high: dt.datetime
    least_s: int = 0

    @property
    def interval_s(self) -> int:
        """Width of a time bucket."""
        span = self.high - self.low
        return max(next(width for width, days in _INTERVALS if span <= dt.timedelta(days=days)), self.least_s)

    def at_least(self, interval: str) -> Scope:
        """The same for a panel whose least width of a bucket is one such as ``10s`` or ``1h``; empty: any."""
        return replace(self, least_s=int(interval[:-1]) * _SECONDS[interval[-1]] if interval else 0)


def edge(text: str, now: dt.datetime, *, end: bool) -> dt.datetime:
    """The moment that ``now-48h``, ``now-1y/y`` or ``now/y`` mean; `end` rounds up to the last moment of the year."""
    match = _EDGE.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"time {text!r}: expected now, now-<number><h|d|y> or now+..., with /y for a whole year")
    local, number = now.astimezone(ZONE), int(match[2] or 0) * (1 if match[1] == "+" else -1)
    if match[3] == "y":
        local = local.replace(year=local.year + number, day=min(local.day, 28))
    elif match[3]:
        local += dt.timedelta(**{{"h": "hours", "d": "days"}[match[3]]: number})
    if match[4]:
        local = dt.datetime(local.year + end, 1, 1, tzinfo=ZONE) - end * dt.timedelta(milliseconds=1)
    return local.astimezone(dt.UTC)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _macro(name: str, arguments: list[str], scope: Scope) -> str:
    low, high = _quoted(scope.low.isoformat()), _quoted(scope.high.isoformat())
    if name == "timeFilter":
        return f"{arguments[0]} between {low} and {high}"
    if name in ("timeFrom", "timeTo"):
        return low if name == "timeFrom" else high
    if name == "timeGroupAlias" and arguments[1] == "$__interval":
        return f"time_bucket('{scope.interval_s}s', {arguments[0]}) as \"time\""
    raise ConfigurationError(f"the preview does not know $__{name}({', '.join(arguments)})")


def statement(sql: str, scope: Scope) -> str:
    """SQL that the database understands, from a panel's SQL."""
    filled = _VARIABLE.sub(lambda match: ",".join(map(_quoted, scope.values[match[1]])) or "", sql)
    return _MACRO.sub(lambda match: _macro(match[1], [part.strip() for part in match[2].split(",")], scope), filled)


def title(text: str, scope: Scope) -> str:
    """A panel's title with its variables."""
    return _TITLE.sub(lambda match: "、".join(scope.values.get(match[1], (match[0],))), text)
