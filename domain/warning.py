"""Heavy-pollution warning (重污染天气预警): levels and the dated conditions under which each starts and ends."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, edition_named, source, standard_folder
from domain.edition import edition_of
from domain.error import ConfigurationError
from domain.table import Row, load_rows, load_table


@dataclass(frozen=True, slots=True)
class WarningLevel:
    """A warning level; `rank` grows with severity, 0 is no warning."""

    key: str
    rank: int
    name_zh: str
    response_zh: str
    hex: str


LEVELS: Final[tuple[WarningLevel, ...]] = (
    WarningLevel("none", 0, "无预警", "", "#8C8C8C"),
    WarningLevel("blue", 1, "蓝色预警", "Ⅳ级响应", "#1F6FEB"),
    WarningLevel("yellow", 2, "黄色预警", "Ⅲ级响应", "#FFD400"),
    WarningLevel("orange", 3, "橙色预警", "Ⅱ级响应", "#FF7E00"),
    WarningLevel("red", 4, "红色预警", "Ⅰ级响应", "#FF0000"),
)
BY_KEY: Final = MappingProxyType({level.key: level for level in LEVELS})


@dataclass(frozen=True, slots=True)
class Condition:
    """Daily AQI above `above`, lasting at least `hours`. Conditions of one alternative must all hold."""

    rank: int
    alternative: int
    above: int
    hours: int
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class WarningRules:
    """One dated rule set.

    Attributes
    ----------
    id : str
        Folder of `domain/standards`, e.g. ``warning-2024``.
    conditions : tuple of Condition
        Of all levels.
    lift_calm_hours : int
        Hours of calm that end an episode; closer episodes are one.
    """

    id: str
    conditions: tuple[Condition, ...]
    lift_calm_hours: int

    @property
    def base(self) -> int:
        """The lowest AQI that any level's condition has to exceed."""
        return min(condition.above for condition in self.conditions)

    def alternatives(self, rank: int) -> tuple[tuple[Condition, ...], ...]:
        """Alternatives of one level, each a set of conditions that must all hold."""
        rows = [condition for condition in self.conditions if condition.rank == rank]
        numbers = sorted({row.alternative for row in rows})
        return tuple(tuple(row for row in rows if row.alternative == number) for number in numbers)


def load_warning_rules(folder: Path) -> WarningRules:
    """Rules in `folder`: conditions.csv and rules.csv."""

    def make(row: Row) -> Condition:
        level = row.choice("level", [level.key for level in LEVELS if level.rank])
        numbers = row.integer("alternative", 1, 9), row.integer("above", 0, 499), row.integer("hours", 1, 240)
        return Condition(BY_KEY[level].rank, *numbers, *source(row))

    conditions = load_table(folder / "conditions.csv", ("level", "alternative", "above", "hours", *SOURCE), make)
    rows = load_rows(folder / "rules.csv", ("rule", "hours", "meaning", *SOURCE))
    calm = [row.integer("hours", 1, 240) for row in rows if row.text("rule") == "lift_calm_hours"]
    if len(calm) != 1:
        raise ConfigurationError(f"{folder.name}/rules.csv: found {len(calm)} rows lift_calm_hours, expected one")
    return WarningRules(folder.name, conditions, calm[0])


@cache
def warning_rules(name: str) -> WarningRules:
    """Rule set by its year (``2024``) or identifier (``warning-2024``)."""
    identifier = name if name.startswith("warning-") else f"warning-{name}"
    return load_warning_rules(standard_folder(edition_named("warning", identifier).standard))


def warning_edition(day: dt.date) -> str:
    """Rule set in force on local `day`; earlier days are judged by the first."""
    return edition_of("warning", day)
