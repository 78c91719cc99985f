"""How a warning is answered: required shares, grade rules, deadlines, processes, holidays, words of notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from domain.document import SOURCE, edition_named, source, standard_folder
from domain.edition import edition_of
from domain.error import ConfigurationError
from domain.plan import GRADES
from domain.reduction_register import POLLUTANT_FIELDS, PROCESSES
from domain.table import CONFIDENCES, Row, load_table, load_toml
from domain.warning_state import ISSUED

T = TypeVar("T")

RESPONSE: Final = Path(__file__).parent / "response"
PLANS: Final[tuple[str, ...]] = ("own", "listed")


@dataclass(frozen=True, slots=True)
class GradeRule:
    """How enterprises of a grade reduce at a level: by their own plan or the list; least reduction in percent."""

    own_plan: bool
    minimum_percent: float | None


@dataclass(frozen=True, slots=True)
class ReductionRules:
    """One dated set: least share of the area's emission by level and pollutant, and rules by grade and level."""

    id: str
    shares: Mapping[tuple[str, str], float]
    grades: Mapping[tuple[str, str], GradeRule]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """At a level: minutes in which an order is answered, hours of lead asked for, severity of notices (1 to 4)."""

    respond: dt.timedelta
    lead: dt.timedelta
    severity: int


@dataclass(frozen=True, slots=True)
class ProcessRule:
    """Of a process: Chinese name, hours to come down, share of its usual power that a standing line may draw."""

    name_zh: str
    ramp_hours: int
    residual: float


@dataclass(frozen=True, slots=True)
class Holiday:
    """Public holiday, both days inside."""

    first: dt.date
    last: dt.date
    name_zh: str


@cache
def reduction_rules(day: dt.date) -> ReductionRules:
    """Shares and grade rules in force on local `day`; earlier days are judged by the first."""
    edition = edition_of("reduction", day)
    folder = standard_folder(edition_named("reduction", edition).standard)

    def share(row: Row) -> tuple[tuple[str, str], float]:
        source(row)
        key = row.choice("level", ISSUED), row.choice("pollutant", tuple(POLLUTANT_FIELDS))
        return key, row.number("percent", 0, 100)

    def grade(row: Row) -> tuple[tuple[str, str], GradeRule]:
        source(row)
        minimum = row.number("minimum_percent", 0, 100) if row.optional("minimum_percent") else None
        key = row.choice("grade", GRADES), row.choice("level", ISSUED)
        return key, GradeRule(row.choice("plan", PLANS) == "own", minimum)

    shares = load_table(folder / "shares.csv", ("level", "pollutant", "percent", *SOURCE), share)
    grades = load_table(folder / "grades.csv", ("grade", "level", "plan", "minimum_percent", *SOURCE), grade)
    return ReductionRules(edition, MappingProxyType(dict(shares)), MappingProxyType(dict(grades)))


@cache
def level_rules() -> Mapping[str, LevelRule]:
    """Deadlines and severity by level."""

    def make(row: Row) -> tuple[str, LevelRule]:
        minutes, hours = row.integer("respond_minutes", 1, 10_000), row.integer("lead_hours", 0, 240)
        severity = row.integer("severity", 1, 4)
        return row.choice("level", ISSUED), LevelRule(
            dt.timedelta(minutes=minutes), dt.timedelta(hours=hours), severity
        )

    rows = load_table(RESPONSE / "levels.csv", ("level", "respond_minutes", "lead_hours", "severity"), make)
    return _complete("levels.csv", dict(rows), ISSUED)


@cache
def process_rules() -> Mapping[str, ProcessRule]:
    """Shut-down and base load by process."""
    known = tuple(dict.fromkeys(PROCESSES.values()))

    def make(row: Row) -> tuple[str, ProcessRule]:
        ramp, residual = row.integer("ramp_hours", 0, 48), row.number("residual_percent", 0, 60)
        return row.choice("process", known), ProcessRule(row.text("name_zh"), ramp, residual / 100)

    rows = load_table(RESPONSE / "processes.csv", ("process", "name_zh", "ramp_hours", "residual_percent"), make)
    return _complete("processes.csv", dict(rows), known)


def _complete(name: str, rows: dict[str, T], keys: tuple[str, ...]) -> Mapping[str, T]:
    if set(rows) != set(keys):
        raise ConfigurationError(f"response/{name}: found {', '.join(rows)}, expected {', '.join(keys)}")
    return MappingProxyType(rows)


@cache
def holidays() -> tuple[Holiday, ...]:
    """Public holidays by their first day."""

    def make(row: Row) -> Holiday:
        row.choice("confidence", CONFIDENCES)
        row.text("document")
        first, last = row.date("first"), row.date("last")
        if last < first:
            raise row.fault("last", f"a day from {first} on")
        return Holiday(first, last, row.text("name_zh"))

    rows = load_table(RESPONSE / "holidays.csv", ("first", "last", "name_zh", "document", "confidence"), make)
    return tuple(sorted(rows, key=lambda row: row.first))


def is_holiday(day: dt.date) -> bool:
    """Whether `day` is a public holiday; a year without rows has none that we know."""
    return any(each.first <= day <= each.last for each in holidays())


@cache
def notice_words() -> Mapping[str, Mapping[str, str]]:
    """Templates of notices: kind -> part -> text with fields in braces."""
    table = load_toml(RESPONSE / "notice.toml")
    words: dict[str, Mapping[str, str]] = {}
    for kind, parts in table.items():
        if not isinstance(parts, dict) or not all(isinstance(text, str) for text in parts.values()):
            raise ConfigurationError(f"response/notice.toml: key {kind}: found {parts!r}, expected texts")
        words[kind] = MappingProxyType({part: str(text).strip("\n") for part, text in parts.items()})
    return MappingProxyType(words)
