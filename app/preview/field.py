"""A value as a panel's field options show it: text and colour."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.period import ZONE

Options = Mapping[str, Any]
_UNITS: Final = {"percent": "%", "m": " 分钟", "s": " 秒", "celsius": " ℃", "none": "", "short": ""}
_BYTES: Final = (" B", " KiB", " MiB", " GiB", " TiB")
#: Ends of Grafana's scale from yellow to red.
_YELLOW: Final = (0xFA, 0xDE, 0x2A)
_RED: Final = (0xF2, 0x49, 0x5C)
_NAMED: Final = {"text": "", "green": "#56A64B"}


def field_options(panel: Options, name: str) -> dict[str, Any]:
    """Options of one column or series: the panel's defaults, then what overrides say."""
    config = panel["fieldConfig"]
    options: dict[str, Any] = {**config["defaults"], **config["defaults"].get("custom", {})}
    for override in config["overrides"]:
        if _matches(override["matcher"], name):
            options |= {item["id"].removeprefix("custom."): item["value"] for item in override["properties"]}
    return options


def _matches(matcher: Options, name: str) -> bool:
    if matcher["id"] == "byRegexp":
        return re.search(str(matcher["options"]).strip("/"), name) is not None
    return bool(matcher["options"] == name)


def shown(value: object, options: Options) -> str:
    """The text of a value."""
    if value is None:
        return str(options.get("noValue", "—"))
    by_word = mapped(value, options.get("mappings", ()))
    if by_word:
        return by_word[0]
    if isinstance(value, dt.datetime):
        pattern = str(options.get("unit", "time:YYYY-MM-DD HH:mm")).removeprefix("time:")
        for word, code in (("YYYY", "%Y"), ("MM", "%m"), ("DD", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")):
            pattern = pattern.replace(word, code)
        return value.astimezone(ZONE).strftime(pattern)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        decimals, unit = options.get("decimals"), str(options.get("unit", ""))
        if unit == "bytes":
            power = min(int(math.log(value, 1024)) if value >= 1 else 0, len(_BYTES) - 1)
            return f"{value / 1024**power:.{decimals or 0}f}{_BYTES[power]}"
        number = f"{value:.{decimals}f}" if decimals is not None else f"{value:.10g}"
        return number + (f" {unit.removeprefix('suffix:')}" if unit.startswith("suffix:") else _UNITS.get(unit, ""))
    return str(value)


def mapped(value: object, mappings: Sequence[Options]) -> tuple[str, str] | None:
    """Text and colour that a value mapping gives."""
    for mapping in mappings:
        found = mapping["options"].get(str(value))
        if found:
            return str(found["text"]), str(found.get("color", ""))
    return None


def colour(value: object, options: Options) -> str:
    """Colour of a value by mapping, fixed colour or thresholds; empty for the page's own."""
    by_word = mapped(value, options.get("mappings", ()))
    if by_word and by_word[1]:
        return by_word[1]
    if options.get("color", {}).get("mode") == "fixed":
        return str(options["color"]["fixedColor"])
    if value is None or not isinstance(value, (int, float)):
        return ""
    if options.get("color", {}).get("mode") == "continuous-YlRd" and "span" in options:
        return _between(value, *options["span"])
    steps = options.get("thresholds", {}).get("steps", ())
    reached = [step["color"] for step in steps if step["value"] is None or step["value"] <= value]
    return _NAMED.get(reached[-1], str(reached[-1])) if reached else ""


def _between(value: float, low: float, high: float) -> str:
    """Colour between yellow at `low` and red at `high`."""
    share = (value - low) / (high - low) if high > low else 0.0
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in zip(_YELLOW, _RED, strict=True))


def ink(background: str) -> str:
    """Black or white, whichever is read on `background` (``#rrggbb``)."""
    red, green, blue = (int(background[at : at + 2], 16) for at in (1, 3, 5))
    return "#000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#fff"
