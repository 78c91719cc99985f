"""The county plan's indicators, its hours for dust and solvent work, and the enterprises it names."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from domain.pollutant import SIX_KEYS
from domain.table import Row

SOURCES: Final[tuple[str, ...]] = ("measured", "registry", "reported")
#: How a measured actual is obtained: mean or percentile of daily values, share of due hours received and valid.
STATISTICS: Final[tuple[str, ...]] = ("mean", "percentile", "transmission")
#: Counts that the registry of enterprises and building sites answers.
REGISTRY_COUNTS: Final[tuple[str, ...]] = (
    "key_industry_grade_b_share",
    "named_grade_b_count",
    "ultra_low_rated_count",
    "building_site_video_share",
    "permit_reduction_list_share",
)
TARGET_PERIODS: Final[tuple[str, ...]] = ("year", "quarter", "month", "date", "batch")
RECURRENCES: Final[tuple[str, ...]] = ("month", "quarter")
COMPARATORS: Final[tuple[str, ...]] = ("<=", "<", ">=", ">")
WINDOW_KINDS: Final[tuple[str, ...]] = ("do", "forbid", "avoid")
#: Performance grades of enterprises for heavy-pollution days (环办大气函〔2020〕340号).
GRADES: Final[tuple[str, ...]] = ("A", "B", "C", "D", "leading", "not-leading")
_MONTHS: Final = re.compile(r"(\d\d-\d\d)\.\.(\d\d-\d\d)")
_HOURS: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")

TARGET_COLUMNS: Final = (
    *("id", "clause", "indicator_zh", "indicator_en", "comparator", "value", "unit", "averaging", "due", "actual_from"),
    *("responsible_zh", "source", "statistic", "pollutant", "percent", "period", "registry", "due_date", "recurs"),
)
WINDOW_COLUMNS: Final = (
    *("id", "clause", "what_zh", "what_en", "months", "hours_local", "weather_condition", "kind"),
    *("no_rain", "humidity_max", "clear_sky"),
)
ENTERPRISE_COLUMNS: Final = (
    *("id", "name_zh", "industry", "clause", "note", "key_industry", "named_2024", "ultra_low"),
    *("grade", "permit", "on_reduction_list"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """One indicator of the plan: the plan's own words, then how a program obtains the actual.

    Attributes
    ----------
    due : str
        As the plan says: a date, ``monthly`` or ``quarterly``; `due_date` or `recurs` say the same for programs.
    source : str
        One of `SOURCES`.
    statistic : str or None
        One of `STATISTICS` when measured.
    pollutant : str or None
        Whose daily value is averaged or ranked; ozone's is the daily maximum 8 h mean.
    percent : int or None
        Which percentile.
    period : str
        One of `TARGET_PERIODS`.
    registry : str or None
        One of `REGISTRY_COUNTS` when the source is the registry.
    """

    id: str
    clause: str
    indicator_zh: str
    indicator_en: str
    comparator: str
    value: float
    unit: str
    averaging: str
    due: str
    actual_from: str
    responsible_zh: str
    source: str
    statistic: str | None
    pollutant: str | None
    percent: int | None
    period: str
    registry: str | None
    due_date: dt.date | None
    recurs: str | None

    @property
    def statistic_key(self) -> str | None:
        """Key of the statistic when measured: ``mean``, ``p95`` ..., ``transmission``."""
        return f"p{self.percent}" if self.statistic == "percentile" else self.statistic


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Hours of certain months in which the plan asks to do, avoid or forbid something.

    `first_day` and `last_day` are (month, day), both inside; `from_hour` is inside, `to_hour` outside. The conditions
    hold together: no rain, relative humidity at most `humidity_max` percent, clear sky.
    """

    id: str
    clause: str
    what_zh: str
    what_en: str
    months: str
    hours_local: str
    first_day: tuple[int, int]
    last_day: tuple[int, int]
    from_hour: dt.time
    to_hour: dt.time
    weather_condition: str
    kind: str
    no_rain: bool
    humidity_max: float | None
    clear_sky: bool


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise of the plan; None where the plan does not tell and the bureau has to."""

    id: str
    name_zh: str
    industry: str
    clause: str
    note: str | None
    key_industry: bool
    named_2024: bool
    ultra_low: bool
    grade: str | None
    permit: bool | None
    on_reduction_list: bool | None


def target_row(row: Row, seen: set[str]) -> Target:
    """The target of one row; what its source does not need must be empty, and `seen` keeps ids from coming twice."""
    name = row.new_id(seen)
    source = row.choice("source", SOURCES)
    statistic = row.choice("statistic", STATISTICS) if source == "measured" else None
    for column, needed, reason in (
        ("statistic", source == "measured", f"source is {source}"),
        ("registry", source == "registry", f"source is {source}"),
        ("pollutant", statistic in ("mean", "percentile"), f"statistic is {statistic}"),
        ("percent", statistic == "percentile", f"statistic is {statistic}"),
        ("recurs", not row.optional("due_date"), f"due_date is {row.optional('due_date')}"),
    ):
        row.only_when(column, needed, reason)
    return Target(
        id=name,
        clause=row.text("clause"),
        indicator_zh=row.text("indicator_zh"),
        indicator_en=row.text("indicator_en"),
        comparator=row.choice("comparator", COMPARATORS),
        value=row.number("value"),
        unit=row.text("unit"),
        averaging=row.text("averaging"),
        due=row.text("due"),
        actual_from=row.text("actual_from"),
        responsible_zh=row.text("responsible_zh"),
        source=source,
        statistic=statistic,
        pollutant=row.choice("pollutant", SIX_KEYS) if row.optional("pollutant") else None,
        percent=row.integer("percent", 1, 99) if row.optional("percent") else None,
        period=row.choice("period", TARGET_PERIODS),
        registry=row.choice("registry", REGISTRY_COUNTS) if row.optional("registry") else None,
        due_date=row.date("due_date") if row.optional("due_date") else None,
        recurs=row.choice("recurs", RECURRENCES) if row.optional("recurs") else None,
    )


def _month_days(row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    match = row.matched("months", _MONTHS, "MM-DD..MM-DD")
    try:
        first, last = (dt.date.fromisoformat(f"2024-{text}") for text in match.groups())
    except ValueError as error:
        raise row.fault("months", "two days of the year, MM-DD..MM-DD") from error
    return (first.month, first.day), (last.month, last.day)


def _hours(row: Row) -> tuple[dt.time, dt.time]:
    match = row.matched("hours_local", _HOURS, "HH:MM-HH:MM")
    try:
        first, last = (dt.time.fromisoformat(text) for text in match.groups())
    except ValueError as error:
        raise row.fault("hours_local", "two times of the day, HH:MM-HH:MM") from error
    if first >= last:
        raise row.fault("hours_local", "a first time before the last")
    return first, last


def window_row(row: Row, seen: set[str]) -> TimeWindow:
    """The time window of one row; `seen` keeps ids from coming twice."""
    name = row.new_id(seen)
    first_day, last_day = _month_days(row)
    from_hour, to_hour = _hours(row)
    return TimeWindow(
        id=name,
        clause=row.text("clause"),
        what_zh=row.text("what_zh"),
        what_en=row.text("what_en"),
        months=row.text("months"),
        hours_local=row.text("hours_local"),
        first_day=first_day,
        last_day=last_day,
        from_hour=from_hour,
        to_hour=to_hour,
        weather_condition=row.text("weather_condition"),
        kind=row.choice("kind", WINDOW_KINDS),
        no_rain=row.truth("no_rain"),
        humidity_max=row.number("humidity_max", 0, 100) if row.optional("humidity_max") else None,
        clear_sky=row.truth("clear_sky"),
    )


def enterprise_row(row: Row, seen: set[str]) -> Enterprise:
    """The enterprise of one row; `seen` keeps ids from coming twice."""
    name = row.new_id(seen)
    return Enterprise(
        id=name,
        name_zh=row.text("name_zh"),
        industry=row.text("industry"),
        clause=row.text("clause"),
        note=row.optional("note"),
        key_industry=row.truth("key_industry"),
        named_2024=row.truth("named_2024"),
        ultra_low=row.truth("ultra_low"),
        grade=row.choice("grade", GRADES) if row.optional("grade") else None,
        permit=row.truth("permit") if row.optional("permit") else None,
        on_reduction_list=row.truth("on_reduction_list") if row.optional("on_reduction_list") else None,
    )
