"""Checking the entries of a scenario file: what is wrong is collected, so that one run names everything."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from domain.error import ConfigurationError
from domain.period import ZONE

FOREVER_S: Final = 1 << 40
_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_SPAN: Final = re.compile(r"(-?\d+(?:\.\d+)?)\s*(s|min|h|d)")
T = TypeVar("T")


def duration_s(text: object, where: str) -> int:
    """Seconds of a text such as ``90s``, ``10min``, ``2h``, ``3d`` or ``-2h``."""
    found = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ConfigurationError(f"{where}: found {text!r}, expected a time such as 90s, 10min, 2h or 3d")
    return round(float(found[1]) * _UNITS[found[2]])


class Checks:
    """Reads values of the tables of one file; `wrong` holds what did not fit."""

    table: dict[str, object]

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wrong: list[str] = []

    def fault(self, where: str, found: object, expected: str, value: T | None = None) -> T:
        """Note what is wrong and go on with `value`."""
        self.wrong.append(f"{self.path.name}: {where}: found {found!r}, expected {expected}")
        return value  # type: ignore[return-value]

    def names(self, table: Mapping[str, object], allowed: Iterable[str], where: str) -> bool:
        unknown = [name for name in table if name not in allowed]
        for name in unknown:
            self.fault(f"{where}: key", name, f"one of {', '.join(allowed)}")
        return not unknown

    def entries(self, name: str) -> list[dict[str, Any]]:
        found = self.table.get(name, [])
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return found
        return self.fault(name, found, f"entries [[{name}]]", [])

    def texts(self, where: str, value: object) -> list[str]:
        told = [value] if isinstance(value, str) else value
        if isinstance(told, list | tuple) and told and all(isinstance(one, str) for one in told):
            return [str(one) for one in told]
        return self.fault(where, value, "a text or a list of texts", [])

    def choice(self, where: str, value: object, allowed: Sequence[str]) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        return self.fault(
            where, value, f"one of {', '.join(one or chr(34) * 2 for one in allowed)}", allowed[0] if allowed else ""
        )

    def number(self, where: str, value: object, low: float, high: float) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        return self.fault(where, value, f"a number from {low:g} to {high:g}", max(low, 1.0))

    def span(self, where: str, value: object, *, low: int = 0, high: int = FOREVER_S) -> int:
        try:
            found = duration_s(value, where)
        except ConfigurationError as error:
            self.wrong.append(f"{self.path.name}: {error}")
            return max(low, 1)
        if not low <= found <= high:
            return self.fault(where, value, f"a time from {low} s to {high} s", max(low, 1))
        return found

    def moment(self, where: str, value: object, start_s: int) -> int:
        """Seconds after the scenario's start of a time such as 10min, or of a moment of the calendar."""
        if isinstance(value, dt.datetime):
            moment = value if value.tzinfo else value.replace(tzinfo=ZONE)
            return int(moment.timestamp()) - start_s
        return self.span(where, value, low=-366 * 86400)
