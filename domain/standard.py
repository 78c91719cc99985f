"""The standards' tables as typed values: limits, breakpoints, validity minima, percentiles, publication rules.

One folder of `domain/standards` is one document; every row names its clause and how sure its transcription is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from domain.document import SOURCE, STANDARDS, edition_named, source, standard_folder
from domain.error import ConfigurationError
from domain.table import Row, load_rows, load_table

Report = Literal["hour", "day"]
AVERAGINGS: Final[tuple[str, ...]] = ("1h", "8h", "24h", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Limit:
    """A concentration limit of GB 3095 in the pollutant's unit; `area_class` 1 or 2."""

    edition: str
    pollutant: str
    averaging: str
    area_class: int
    value: float
    unit: str
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class ReferenceLimit:
    """A value of GB 3095 annex A, which is informative: nothing is judged by it."""

    pollutant: str
    averaging: str
    area: str
    unit: str
    value: float
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """One column of the IAQI table, ascending and of one length.

    `above` is the IAQI of a concentration above the last breakpoint; None means there is no index.
    """

    item: str
    pollutant: str
    averaging: str
    decimals: int
    concentrations: tuple[Fraction, ...]
    iaqi: tuple[int, ...]
    above: int | None
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class ReportItem:
    """An input column of a report and the breakpoint item that judges it."""

    column: str
    pollutant: str
    item: str
    optional: bool
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Validity:
    """Least data for a valid statistic (GB 3095 6.4 table 4; `windows_per_day` HJ 663 6.1.2)."""

    minutes_per_hour: int
    hours_per_8h: int
    hours_per_day: int
    sampled_hours_per_day: int
    windows_per_day: int
    days_per_month: int
    days_per_february: int
    days_per_year: int
    sparse_days_per_month: int
    sparse_days_per_quarter: int
    sparse_days_per_year: int

    def days_in(self, month: int) -> int:
        """Least daily means for a valid `month` (1-12)."""
        return self.days_per_february if month == 2 else self.days_per_month


@dataclass(frozen=True, slots=True)
class EvaluationItem:
    """A yearly statistic that HJ 663 compares with a limit: the mean, or the `percent`-th percentile of days."""

    pollutant: str
    statistic: str
    percent: int | None
    averaging: str
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Publication:
    """How HJ 633 publishes an index; None where the edition has no such rule."""

    aqi_minimum: int
    aqi_maximum: int
    primary_above: int
    exceedance_above: int | None
    missing_publish_above: int | None
    daily_deadline_hour: int | None
    hourly_lag_minutes: int | None


@cache
def limit_rows(edition: str) -> tuple[Limit, ...]:
    """Every limit of one limit edition, both area classes."""
    rows = load_limits(STANDARDS / edition_named("limits", edition).standard)
    return tuple(row for row in rows if row.edition == edition)


def load_limits(folder: Path) -> tuple[Limit, ...]:
    """Limits in `folder`/limits.csv: two per line, for class 1 and class 2 areas."""

    def make(row: Row) -> tuple[Limit, ...]:
        edition, pollutant, unit = row.text("edition"), row.text("pollutant"), row.text("unit")
        averaging = row.choice("averaging", AVERAGINGS)
        values = [row.number(column, 0.0) for column in ("class1", "class2")]
        return tuple(
            Limit(edition, pollutant, averaging, at, value, unit, *source(row)) for at, value in enumerate(values, 1)
        )

    columns = ("edition", "pollutant", "averaging", "unit", "class1", "class2", *SOURCE)
    return tuple(limit for pair in load_table(folder / "limits.csv", columns, make) for limit in pair)


@cache
def limits(edition: str, area_class: int = 2) -> Mapping[tuple[str, str], float]:
    """Limits of GB 3095 by pollutant and averaging time.

    Parameters
    ----------
    edition : str
        ``2012``, ``2026-transitional`` or ``2026-final``.
    area_class : int
        1 or 2 (GB 3095-2026 4.1).

    Returns
    -------
    mapping of (pollutant, averaging) to float
        Averaging is ``1h``, ``8h`` (daily maximum 8 h mean), ``24h``, ``quarter`` or ``year``; µg/m³, CO mg/m³.
    """
    if area_class not in (1, 2):
        raise ConfigurationError(f"area class {area_class!r} is unknown; expected 1 or 2")
    rows = (row for row in limit_rows(edition) if row.area_class == area_class)
    return MappingProxyType({(row.pollutant, row.averaging): row.value for row in rows})


@cache
def reference_limits(standard: str = "gb3095-2026") -> tuple[ReferenceLimit, ...]:
    """The informative limits of annex A of a GB 3095 document."""

    def make(row: Row) -> ReferenceLimit:
        names = row.text("pollutant"), row.choice("averaging", AVERAGINGS), row.text("area"), row.text("unit")
        return ReferenceLimit(*names, row.number("value", 0.0), *source(row))

    columns = ("pollutant", "averaging", "area", "unit", "value", *SOURCE)
    return load_table(standard_folder(standard) / "reference_limits.csv", columns, make)


@cache
def breakpoints(edition: str) -> Mapping[str, Breakpoints]:
    """The IAQI table of an AQI edition by item, such as ``pm25_24h``; HJ 633-2012 table 1, HJ 633-2026 table 3."""
    return load_breakpoints(STANDARDS / edition_named("aqi", edition).standard)


def load_breakpoints(folder: Path) -> Mapping[str, Breakpoints]:
    """Columns of `folder`/breakpoints.csv, described by `folder`/items.csv; each must ascend."""
    columns = ("item", "pollutant", "averaging", "unit", "decimals", "above", *SOURCE)
    items = load_rows(folder / "items.csv", columns)
    names = tuple(row.text("item") for row in items)
    lines = load_rows(folder / "breakpoints.csv", ("iaqi", *names, *SOURCE))
    result = {}
    for row in items:
        item = row.text("item")
        given = [line for line in lines if line.optional(item)]
        values = tuple(line.fraction(item) for line in given)
        for line, low, high in zip(given[1:], values, values[1:], strict=False):
            if high <= low:
                raise line.fault(item, f"more than {low}")
        result[item] = Breakpoints(
            item,
            row.text("pollutant"),
            row.choice("averaging", AVERAGINGS),
            row.integer("decimals", 0, 6),
            values,
            tuple(line.integer("iaqi", 0, 500) for line in given),
            row.integer("above", 0, 500) if row.optional("above") else None,
            *source(row),
        )
    return MappingProxyType(result)


@cache
def report_items(edition: str, report: Report) -> tuple[ReportItem, ...]:
    """Columns of the hourly or daily report of an AQI edition, in order, with the item that judges each."""
    if report not in ("hour", "day"):
        raise ConfigurationError(f"report {report!r} is unknown; expected hour or day")
    folder = STANDARDS / edition_named("aqi", edition).standard
    columns = ("report", "column", "pollutant", "item", "optional", *SOURCE)
    known = breakpoints(edition)

    def make(row: Row) -> tuple[str, ReportItem]:
        item, pollutant = row.choice("item", known), row.text("pollutant")
        entry = ReportItem(row.text("column"), pollutant, item, row.truth("optional"), *source(row))
        return row.choice("report", ("hour", "day")), entry

    pairs = load_table(folder / "report_items.csv", columns, make)
    return tuple(item for name, item in pairs if name == report)


def _rules(path: Path, value: str, extra: tuple[str, ...]) -> dict[str, int | None]:
    columns = ("rule", value, "meaning", *extra, *SOURCE)
    pairs = load_table(
        path,
        columns,
        lambda row: (row.text("rule"), row.integer(value) if row.optional(value) else None, source(row)),
    )
    return {name: number for name, number, _ in pairs}


def _known(path: Path, kind: type[Validity] | type[Publication], rules: Mapping[str, int | None]) -> None:
    expected = {field.name for field in fields(kind)}
    if set(rules) != expected:
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}: found rules {sorted(rules)}, expected {sorted(expected)}"
        )


@cache
def validity(limits_standard: str = "gb3095-2026", evaluation_standard: str = "hj663-2013") -> Validity:
    """Validity minima of a pair of documents; the numbers of GB 3095-2012 and GB 3095-2026 are the same."""
    paths = [standard_folder(name) / "validity.csv" for name in (limits_standard, evaluation_standard)]
    rules: dict[str, int | None] = {}
    for path in paths:
        rules |= _rules(path, "minimum", ("pollutants", "unit"))
    _known(paths[0], Validity, rules)
    return Validity(**{name: number for name, number in rules.items() if number is not None})


@cache
def publication(edition: str) -> Publication:
    """Publication rules of an AQI edition."""
    path = STANDARDS / edition_named("aqi", edition).standard / "publication.csv"
    rules = _rules(path, "value", ())
    _known(path, Publication, rules)
    return Publication(**rules)  # type: ignore[arg-type]


@cache
def evaluation_items(standard: str = "hj663-2013") -> tuple[EvaluationItem, ...]:
    """Yearly statistics that a place must meet (HJ 663-2013 table 1; 4.1 of both editions agree)."""

    def make(row: Row) -> EvaluationItem:
        statistic = row.choice("statistic", ("mean", "percentile"))
        percent = row.integer("percent", 1, 99) if statistic == "percentile" else None
        averaging = row.choice("averaging", AVERAGINGS)
        return EvaluationItem(row.text("pollutant"), statistic, percent, averaging, *source(row))

    columns = ("pollutant", "statistic", "percent", "averaging", *SOURCE)
    return load_table(standard_folder(standard) / "evaluation_items.csv", columns, make)


@cache
def percentiles(standard: str = "hj663-2013") -> Mapping[str, int]:
    """Percentile of daily values that is judged, by pollutant."""
    items = evaluation_items(standard)
    return MappingProxyType({item.pollutant: item.percent for item in items if item.percent is not None})
