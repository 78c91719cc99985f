"""Hourly means of a stack in a CSV file judged by the limits of a kind of outlet."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from app.job.stack import judged_hours, stack_days, stack_months
from app.pollutant_table import PollutantTable, normal_name
from domain.error import ConfigurationError
from domain.family import STACK
from domain.flag import MARK_FLAGS, NO_MARK, to_text
from domain.period import HOUR_S, ZONE
from domain.production import OutletRow
from store.stack_hour import POLLUTANTS, StackHours, StackMonthRow
from store.statistic import HourRows

Floats = npt.NDArray[np.float64]

#: Other names of the columns, normalised.
ALIASES: Final = MappingProxyType(
    {
        "pm": ("颗粒物", "烟尘", "dust", "a34013"),
        "so2": ("二氧化硫", "a21026"),
        "nox": ("氮氧化物", "a21002"),
        "co": ("一氧化碳", "a21005"),
        "nh3": ("氨", "a21001"),
        "o2": ("氧含量", "含氧量", "a19001"),
        "flow": ("标干流量", "流量", "a00000"),
    }
)
_TIME: Final = ("time", "hour", "时间", "监测时间")
_MARK: Final = ("mark", "标记", "数据标记")
_ZH: Final = MappingProxyType({0.0: "达标", 1.0: "超标"})


@dataclass(frozen=True, slots=True)
class FileHours:
    """A file's header and rows as they were, and its hours judged."""

    header: list[str]
    rows: list[list[str]]
    hours: StackHours
    months: list[StackMonthRow]


def _place(header: Sequence[str], names: Sequence[str]) -> int | None:
    found = [at for at, name in enumerate(map(normal_name, header)) if name in names]
    if len(found) > 1:
        raise ConfigurationError(f"line 1: found columns {', '.join(header[at] for at in found)}, expected one of them")
    return found[0] if found else None


def _second(text: str, line: int) -> int:
    try:
        moment = dt.datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as error:
        raise ConfigurationError(f"line {line}: found time {text!r}, expected such as 2026-11-25 08:00") from error
    second = int((moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).timestamp())
    if second % HOUR_S:
        raise ConfigurationError(f"line {line}: found time {text!r}, expected the start of an hour")
    return second


def judge_table(table: PollutantTable, kind: str, reference_oxygen: float | None = None) -> FileHours:
    """Judge a table of hourly means.

    Parameters
    ----------
    table : PollutantTable
        Columns by name: a time (local unless it says otherwise, start of the hour), pollutants in mg/m³ and oxygen in
        percent of dry gas at the standard state, flow in m³/s, a mark; others pass through.
    kind : str
        Key of `domain.emission.outlets`.
    reference_oxygen : float, optional
        Instead of that of the kind.

    Returns
    -------
    FileHours
        Hours marked other than N are not judged, those marked F count as out of operation.
    """
    at_time, at_mark = _place(table.header, _TIME), _place(table.header, _MARK)
    positions = {key: _place(table.header, (key, *others)) for key, others in ALIASES.items()}
    known = {key: at for key, at in positions.items() if at is not None}
    if at_time is None or not set(known) & set(POLLUTANTS):
        raise ConfigurationError(
            f"line 1: found columns {', '.join(table.header)}, expected a time and some of {', '.join(ALIASES)}"
        )
    rows, values, times, marks = list[list[str]](), [np.zeros((0, STACK.width))], list[int](), list[str]()
    for chunk in table.chunks(known):
        part = np.full((len(chunk.rows), STACK.width), np.nan)
        for key, column in chunk.concentrations.items():
            part[:, STACK.position(key)] = column
        rows += chunk.rows
        values.append(part)
        times += [_second(row[at_time], line) for row, line in zip(chunk.rows, chunk.lines, strict=True)]
        marks += [(row[at_mark].strip() or NO_MARK) if at_mark is not None else NO_MARK for row in chunk.rows]
    hours = _judged(np.concatenate(values), times, marks, OutletRow("file", dt.date.min, None, kind, reference_oxygen))
    return FileHours(table.header, rows, *hours)


def _judged(
    values: Floats, times: Sequence[int], marks: Sequence[str], outlet: OutletRow
) -> tuple[StackHours, list[StackMonthRow]]:
    if len(set(times)) != len(times):
        raise ConfigurationError("found an hour twice, expected each hour of one outlet once")
    vouched = np.array([mark in ("N", NO_MARK) for mark in marks], dtype=np.bool_)
    values[~vouched] = np.nan
    shape = values.shape
    flags = to_text(np.where(np.isnan(values), 9, MARK_FLAGS[NO_MARK]).astype(np.uint8))
    seconds = np.array(times, dtype=np.int64)
    means = HourRows(["file"] * len(times), seconds, values, np.full(shape, 60, dtype=np.int64), flags)
    known = {"file": [outlet]}
    hours = judged_hours(means, known, np.array([float(mark == "F") for mark in marks]))
    return hours, stack_months(stack_days(hours), known)


def judged_text(judged: FileHours) -> str:
    """The file's rows with, per pollutant measured, converted value, limit, verdict and mass, and the hour's state."""
    shown = [at for at in range(len(POLLUTANTS)) if not np.isnan(judged.hours.measured[:, at]).all()]
    added = [f"{POLLUTANTS[at]}_{what}" for at in shown for what in ("converted", "limit", "verdict", "kg")]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*judged.header, *added, "state"])
    hours = judged.hours
    for number, row in enumerate(judged.rows):
        cells = [
            text
            for at in shown
            for text in (
                _shown(hours.converted[number, at]),
                _shown(hours.limits[number, at]),
                _ZH.get(float(hours.over[number, at]), "不判定"),
                _shown(hours.kg[number, at]),
            )
        ]
        writer.writerow([*row, *cells, hours.states[number]])
    return out.getvalue()


def _shown(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"
