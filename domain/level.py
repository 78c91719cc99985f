"""The six levels of the air quality index: category, colour and what people should do (HJ 633 table 1 or 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, STANDARDS, edition_named, source
from domain.edition import HJ633_2026
from domain.error import ConfigurationError
from domain.table import Row, load_table

_COLOURS: Final = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Level:
    """One level; `aqi_low` and `aqi_high` belong to it, `hex` is its screen colour such as ``#FF7E00``."""

    level: int
    level_zh: str
    category_zh: str
    colour_zh: str
    hex: str
    rgb: tuple[int, int, int]
    aqi_low: int
    aqi_high: int
    effect_zh: str
    advice_zh: str
    clause: str
    confidence: str


def _level(row: Row) -> Level:
    red, green, blue = (row.integer(column, 0, 255) for column in _COLOURS)
    if row.text("hex") != f"#{red:02X}{green:02X}{blue:02X}":
        raise row.fault("hex", f"#{red:02X}{green:02X}{blue:02X}, the colour of red, green and blue")
    clause, confidence = source(row)
    return Level(
        level=row.integer("level", 1, 6),
        level_zh=row.text("level_zh"),
        category_zh=row.text("category_zh"),
        colour_zh=row.text("colour_zh"),
        hex=row.text("hex"),
        rgb=(red, green, blue),
        aqi_low=row.integer("aqi_low", 0, 500),
        aqi_high=row.integer("aqi_high", 0, 500),
        effect_zh=row.text("effect_zh"),
        advice_zh=row.text("advice_zh"),
        clause=clause,
        confidence=confidence,
    )


@cache
def levels(edition: str = HJ633_2026) -> tuple[Level, ...]:
    """The six levels of an AQI edition, best first; cut-offs and colours are the same in both editions.

    Parameters
    ----------
    edition : str
        ``hj633-2012`` or ``hj633-2026``.

    Returns
    -------
    tuple of Level
        Levels 1 to 6.
    """
    head = ("level", "level_zh", "category_zh", "colour_zh", "hex", *_COLOURS, "aqi_low", "aqi_high")
    path = STANDARDS / edition_named("aqi", edition).standard / "levels.csv"
    rows = load_table(path, (*head, "effect_zh", "advice_zh", *SOURCE), _level)
    if [row.level for row in rows] != [1, 2, 3, 4, 5, 6]:
        raise ConfigurationError(f"{edition}/levels.csv: found levels {[row.level for row in rows]}, expected 1 to 6")
    return rows


LEVELS: Final[tuple[Level, ...]] = levels()


def level_of(aqi: int, edition: str = HJ633_2026) -> Level:
    """The level of one index.

    Parameters
    ----------
    aqi : int
        AQI or IAQI, 0 or more; 0 belongs to level 1.
    edition : str
        Whose texts to take.

    Returns
    -------
    Level
        The level whose range holds `aqi`; level 6 above 300. A negative index is a `ConfigurationError`.
    """
    if aqi < 0:
        raise ConfigurationError(f"found AQI {aqi}, expected 0 or more")
    known = levels(edition)
    return next((level for level in known if aqi <= level.aqi_high), known[-1])


@cache
def sensitive_groups(edition: str = HJ633_2026) -> Mapping[str, str]:
    """Who should take care when the IAQI of a pollutant exceeds 100, by pollutant (HJ 633-2026 table 2).

    HJ 633-2012 has no such table: an empty mapping.
    """
    folder = STANDARDS / edition_named("aqi", edition).standard
    path = folder / "sensitive_groups.csv"
    if not path.exists():
        return MappingProxyType({})
    rows = load_table(
        path,
        ("pollutant", "groups_zh", *SOURCE),
        lambda row: (row.text("pollutant"), row.text("groups_zh"), source(row)),
    )
    return MappingProxyType({pollutant: groups for pollutant, groups, _ in rows})
