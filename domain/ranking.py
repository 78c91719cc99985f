"""Tables behind rankings and trends: weights of the composite index, critical values of Spearman's coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, source, standard_folder
from domain.error import ConfigurationError
from domain.pollutant import SIX_KEYS
from domain.standard import AVERAGINGS
from domain.table import Row, load_rows, load_table

#: Levels of significance of the table of critical values, one-sided.
SIGNIFICANCES: Final[Mapping[float, str]] = MappingProxyType({0.05: "p05", 0.01: "p01"})


@dataclass(frozen=True, slots=True)
class IndexItem:
    """What one pollutant contributes to the composite index: statistic over limit, times `weight`."""

    pollutant: str
    statistic: str
    percent: int | None
    averaging: str
    weight: float
    clause: str
    confidence: str


@cache
def index_items(standard: str = "hj663-2013") -> tuple[IndexItem, ...]:
    """Items of the composite index of an evaluation edition, one per pollutant.

    Parameters
    ----------
    standard : str
        ``hj663-2013`` (all weights 1) or ``hj663-2026`` (weights of one source, editable).

    Returns
    -------
    tuple of IndexItem
        In file order; the limit of each is `domain.standard.limits(...)[pollutant, averaging]`.
    """

    def make(row: Row) -> IndexItem:
        statistic = row.choice("statistic", ("mean", "percentile"))
        row.only_when("percent", statistic == "percentile", f"statistic is {statistic}")
        percent = row.integer("percent", 1, 99) if statistic == "percentile" else None
        averaging, weight = row.choice("averaging", AVERAGINGS), row.number("weight", 0.0, 1000.0)
        return IndexItem(row.choice("pollutant", SIX_KEYS), statistic, percent, averaging, weight, *source(row))

    columns = ("pollutant", "statistic", "percent", "averaging", "weight", *SOURCE)
    items = load_table(standard_folder(standard) / "weights.csv", columns, make)
    if sorted(item.pollutant for item in items) != sorted(SIX_KEYS):
        found = [item.pollutant for item in items]
        raise ConfigurationError(f"{standard}/weights.csv: found {found}, expected each of {', '.join(SIX_KEYS)} once")
    return items


@cache
def spearman_critical(significance: float = 0.05) -> Mapping[int, float]:
    """Critical values of Spearman's rank correlation by the number of periods, one-sided, ascending in n.

    Parameters
    ----------
    significance : float
        0.05 or 0.01.

    Returns
    -------
    mapping of int to float
        A number of periods that is absent takes the value of the next smaller one, which is stricter.
    """
    if significance not in SIGNIFICANCES:
        raise ConfigurationError(f"significance {significance!r} is unknown, expected 0.05 or 0.01")
    rows = load_rows(standard_folder("hj663-2013") / "spearman.csv", ("n", *SIGNIFICANCES.values(), *SOURCE))
    numbers = [row.integer("n", 3, 10_000) for row in rows]
    if numbers != sorted(set(numbers)):
        raise ConfigurationError(f"hj663-2013/spearman.csv: found n {numbers}, expected ascending numbers")
    return MappingProxyType(
        {n: row.number(SIGNIFICANCES[significance], 0.0, 1.0) for n, row in zip(numbers, rows, strict=True)}
    )
