"""Alerts as data: severities with their deadlines, how channels are used, and the rules as shipped."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.table import Row, load_table

FOLDER: Final = Path(__file__).parent / "alerting"
#: Severities by name; the table says what they mean.
INFO, MINOR, MAJOR, RED = 1, 2, 3, 4
CHANNELS: Final[tuple[str, ...]] = ("mqtt", "webhook", "mail", "robot", "sms")
AUDIENCES: Final[tuple[str, ...]] = ("operator", "enterprise")
COMPARATORS: Final[tuple[str, ...]] = (">=", "<=")
KIND: Final = re.compile(r"[a-z][a-z0-9_]{1,62}")


@dataclass(frozen=True, slots=True)
class Severity:
    """How grave something is; `respond` None: no answer is asked for; `digestible`: it may wait for a digest."""

    severity: int
    key: str
    name_zh: str
    respond: dt.timedelta | None
    escalate: dt.timedelta | None
    digestible: bool


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """How a channel is used: waits and pauses in seconds, tries until a delivery is dead, rate limit and digest."""

    channel: str
    name_zh: str
    timeout_s: float
    attempts: int
    first_pause_s: float
    longest_pause_s: float
    burst: int
    window: dt.timedelta
    digest: dt.timedelta


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When a kind of alert is raised, how grave it is, who is told.

    Attributes
    ----------
    kind : str
        Name of the kind.
    title_zh : str
        What it is called.
    enabled : bool
        Whether it is evaluated, or raised at all.
    measure : str or None
        What is compared; None: the program that finds it raises it.
    comparator : str or None
        One of `COMPARATORS`.
    threshold, clear_threshold : float or None
        Beyond the first it is raised, back beyond the second it ends; between both it stays as it is.
    unit : str
        Of both.
    hold_s, clear_hold_s : int
        Seconds that the condition, or its absence, must last.
    severity : int
        1 to 4.
    tells : tuple of str
        Of `AUDIENCES`.
    tells_clear : bool
        Whether they hear of its end too.
    respond_min : int or None
        Minutes to answer; None: as the severity says.
    clause : str
        Why.
    """

    kind: str
    title_zh: str
    enabled: bool
    measure: str | None
    comparator: str | None
    threshold: float | None
    clear_threshold: float | None
    unit: str
    hold_s: int
    clear_hold_s: int
    severity: int
    tells: tuple[str, ...]
    tells_clear: bool
    respond_min: int | None
    clause: str

    def respond_by(self, now: dt.datetime) -> dt.datetime | None:
        """Until when an answer is asked for."""
        if self.respond_min is not None:
            return now + dt.timedelta(minutes=self.respond_min)
        return respond_by(self.severity, now)


RULE_COLUMNS: Final = tuple(AlertRule.__dataclass_fields__)


def _minutes(row: Row, column: str) -> dt.timedelta | None:
    return dt.timedelta(minutes=row.number(column, 1, 100_000)) if row.optional(column) else None


def _severity(row: Row) -> Severity:
    row.only_when("escalate_min", row.optional("respond_min") is not None, "an unanswered notice is told further")
    return Severity(
        row.integer("severity", INFO, RED),
        row.text("key"),
        row.text("name_zh"),
        _minutes(row, "respond_min"),
        _minutes(row, "escalate_min"),
        row.truth("digestible"),
    )


def _policy(row: Row) -> ChannelPolicy:
    return ChannelPolicy(
        row.choice("channel", CHANNELS),
        row.text("name_zh"),
        row.number("timeout_s", 0.1, 600),
        row.integer("attempts", 1, 1000),
        row.number("first_pause_s", 0.01, 3600),
        row.number("longest_pause_s", 1, 86400),
        row.integer("burst", 1, 100_000),
        dt.timedelta(seconds=row.number("window_s", 1, 86400)),
        dt.timedelta(seconds=row.number("digest_s", 1, 86400)),
    )


@cache
def severities() -> Mapping[int, Severity]:
    """Every severity by its number, gravest last."""
    columns = ("severity", "key", "name_zh", "respond_min", "escalate_min", "digestible")
    return MappingProxyType({one.severity: one for one in load_table(FOLDER / "severities.csv", columns, _severity)})


@cache
def channel_policies() -> Mapping[str, ChannelPolicy]:
    """How each channel is used, by its name."""
    columns = ("channel", "name_zh", "timeout_s", "attempts", "first_pause_s", "longest_pause_s")
    rows = load_table(FOLDER / "channels.csv", (*columns, "burst", "window_s", "digest_s"), _policy)
    return MappingProxyType({one.channel: one for one in rows})


def respond_by(severity: int, now: dt.datetime) -> dt.datetime | None:
    """Until when a notice of `severity` born `now` asks for an answer; None when it asks for none."""
    within = severities()[severity].respond
    return None if within is None else now + within


def rule_row(row: Row) -> AlertRule:
    """The rule of one row; its faults name the cell."""
    measured = row.optional("measure") is not None
    for column in ("comparator", "threshold", "clear_threshold"):
        row.only_when(column, measured, f"measure is {row.optional('measure') or 'empty'}")
    comparator = row.choice("comparator", COMPARATORS) if measured else None
    threshold = row.number("threshold") if measured else None
    clear = row.number("clear_threshold") if measured else None
    if threshold is not None and clear is not None and (clear > threshold if comparator == ">=" else clear < threshold):
        raise row.fault("clear_threshold", f"a number on the calm side of the threshold {threshold:g}")
    tells = tuple(row.cells["tells"].split())
    if not set(tells) <= set(AUDIENCES):
        raise row.fault("tells", f"some of {', '.join(AUDIENCES)}, separated by blanks")
    return AlertRule(
        row.matched("kind", KIND, "lower-case letters, digits and '_'").group(),
        row.text("title_zh"),
        row.truth("enabled"),
        row.optional("measure"),
        comparator,
        threshold,
        clear,
        row.cells["unit"],
        row.integer("hold_s", 0, 30 * 86400),
        row.integer("clear_hold_s", 0, 30 * 86400),
        row.integer("severity", INFO, RED),
        tells,
        row.truth("tells_clear"),
        row.integer("respond_min", 1, 100_000) if row.optional("respond_min") else None,
        row.cells["clause"],
    )


def rule_cells(rule: AlertRule) -> dict[str, str]:
    """A rule as the cells that `rule_row` reads."""
    return {name: _cell(getattr(rule, name)) for name in RULE_COLUMNS}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def changed_rule(rule: AlertRule, changes: Mapping[str, str]) -> AlertRule:
    """The rule with some fields as their texts say; `ConfigurationError` names a field that is wrong."""
    made = rule_row(Row(Path("rule") / rule.kind, 1, {**rule_cells(rule), **changes}))
    return replace(made, kind=rule.kind)


@cache
def shipped_rules() -> Mapping[str, AlertRule]:
    """Rules as shipped, by kind."""
    return MappingProxyType({rule.kind: rule for rule in load_table(FOLDER / "rules.csv", RULE_COLUMNS, rule_row)})
