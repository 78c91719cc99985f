"""What checks of one device found, as verdicts and findings with words and evidence: pure."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Figure, Found, merged
from domain.family import FAMILIES
from domain.flag import MARKS_ZH
from domain.integrity_table import kinds
from domain.period import DAY_S, ZONE, midnight
from store.integrity import CheckRow, NewFinding

#: Values of the series that a finding's evidence shows at most.
SHOWN: Final = 24
_WHAT_ZH: Final = MappingProxyType(
    {
        "pollutants": "污染物浓度",
        "flow": "烟气流量",
        "engine": "行驶中发动机转速为零共{minutes:.0f}分钟",
        "odometer": "里程表倒退{back_km:.1f} km",
        "way": "里程表行驶{odometer_km:.0f} km而车速累计{speed_km:.0f} km",
    }
)


@dataclass(frozen=True, slots=True)
class Result:
    """A check of one device.

    Attributes
    ----------
    kind, device, site : str
        What, of whom.
    check : Check
        Verdict and spans.
    column : str
        Quantity, empty where it concerns no single one.
    expected : mapping of str to float
        Thresholds that decided.
    times_s, values : ndarray or None
        The series looked at, for evidence.
    """

    kind: str
    device: str
    site: str
    check: Check
    column: str = ""
    expected: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    times_s: npt.NDArray[np.int64] | None = None
    values: npt.NDArray[np.float64] | None = None


def within_day(check: Check, day: dt.date) -> Check:
    """The check with only what reaches into local `day`; what ended before belongs to the days before."""
    begin = int(midnight(day).timestamp())
    found = tuple(span for span in check.found if begin <= span.last_s and span.first_s < begin + DAY_S)
    if check.found and not found:
        return Check("compliant")
    return Check(check.verdict, found, check.lacking)


def verdicts(results: Sequence[Result], day: dt.date) -> list[CheckRow]:
    """One verdict per device and kind: suspected when a column is, undetermined when none could be looked at."""
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for result in results:
        groups.setdefault((result.device, result.kind, result.site), []).append(result.check)
    rows = []
    for (device, kind, site), checks in groups.items():
        one = merged(checks)
        rows.append(CheckRow(device, kind, day, site, one.verdict, one.lacking))
    return rows


def findings(results: Sequence[Result]) -> list[NewFinding]:
    """Everything found, with words and evidence."""
    return [_finding(result, found) for result in results for found in result.check.found]


def _finding(result: Result, found: Found) -> NewFinding:
    kind = kinds()[result.kind]
    return NewFinding(
        kind=result.kind,
        kind_zh=kind.name_zh,
        family=kind.family,
        device=result.device,
        site=result.site,
        column=result.column,
        began_at=_moment(found.first_s),
        ended_at=_moment(found.last_s),
        basis=kind.basis,
        text_zh=kind.text_zh.format_map(_words(result, found.figures)),
        evidence=_evidence(result, found),
    )


def _words(result: Result, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Figures and the Chinese words that the texts ask for."""
    columns = {column.key: column.name_zh for column in FAMILIES[kinds()[result.kind].family].columns}
    words: dict[str, Figure] = dict(figures)
    words["column_zh"] = columns.get(result.column, result.column)
    if "what" in figures:
        words["what_zh"] = _WHAT_ZH[str(figures["what"])].format_map(figures)
    if "mark" in figures:
        words["mark_zh"] = "、".join(f"{letter}（{MARKS_ZH.get(letter, '未知')}）" for letter in str(figures["mark"]))
    return words


def _evidence(result: Result, found: Found) -> dict[str, Any]:
    numbers = {
        name: value if isinstance(value, str) else float(f"{value:.6g}")
        for name, value in found.figures.items()
        if isinstance(value, str) or math.isfinite(value)
    }
    evidence: dict[str, Any] = {"figures": numbers, "expected": dict(result.expected)}
    if result.times_s is not None and result.values is not None:
        rows = np.flatnonzero(
            (result.times_s >= found.first_s) & (result.times_s <= found.last_s) & ~np.isnan(result.values)
        )
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(np.int64))] if len(rows) else rows
        evidence["values"] = [
            [_moment(int(result.times_s[at])).isoformat(), float(f"{result.values[at]:.6g}")] for at in chosen.tolist()
        ]
    return evidence


def _moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, ZONE)
