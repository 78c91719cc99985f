"""Evaluation of the forecast on files: fitted on some years, judged on others, each station by itself or by its
neighbours."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analytics.station_forecast import History, LeadSkill, StationModel, forecast_station, judge, learn
from app.prsa import PrsaStation, load_prsa, relative_humidity
from domain.document import edition_named
from domain.edition import aqi_edition, limit_edition
from domain.error import ConfigurationError
from domain.family import AIR
from domain.period import DAY_S, HOUR_S, OFFSET_S, ZONE
from domain.standard import Validity, validity

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Years = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which years are fitted, which are judged, and which stations are judged only, by the model of the others."""

    fit_years: Years
    test_years: Years
    test_stations: tuple[str, ...] = ()


def parse_years(text: str) -> Years:
    """Years as ``2013-2015``, ``2016`` or ``2013,2015``; `ConfigurationError` when the text is none of these."""
    years: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{4})(?:-(\d{4}))?\s*", part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise ConfigurationError(f"years {text!r}: expected for instance 2013-2015 or 2013,2015")
        years |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
    return tuple(sorted(years))


def load_histories(files: Sequence[Path]) -> dict[str, History]:
    """PRSA station files as consecutive hours by station; each file must be another station with some hours."""
    histories: dict[str, History] = {}
    for path in files:
        station = load_prsa(path)
        if station.name in histories:
            raise ConfigurationError(f"{path.name}: found station {station.name} again, expected one file per station")
        if not len(station.times_s):
            raise ConfigurationError(f"{path.name}: found no hour, expected some")
        histories[station.name] = _history(station)
    return histories


def _history(station: PrsaStation) -> History:
    first_s = int(station.times_s[0])
    count = (int(station.times_s[-1]) - first_s) // HOUR_S + 1
    grid = np.full((count, AIR.width), np.nan)
    at = (station.times_s - first_s) // HOUR_S
    grid[at] = station.values
    temperature = station.values[:, AIR.position("temperature")]
    grid[at, AIR.position("humidity")] = relative_humidity(temperature, station.dew_points)
    return History(first_s, {key: np.ascontiguousarray(grid[:, at]) for at, key in enumerate(AIR.keys)})


def in_years(hours_s: Integers, years: Years) -> Booleans:
    """Which hours begin in one of the local `years`."""
    days = ((hours_s + OFFSET_S) // DAY_S).astype("datetime64[D]")
    return np.isin(days.astype("datetime64[Y]").astype(np.int64) + 1970, years)


def evaluate_forecast(
    histories: dict[str, History], plan: Plan, told: Callable[[str], None]
) -> dict[str, dict[str, object]]:
    """Fit and judge.

    Parameters
    ----------
    histories : dict of str to History
        Stations by name.
    plan : Plan
        Years and stations. Hours of years that are not fitted are blanked before the fit sees them.
    told : callable
        Told the name of each station before its work.

    Returns
    -------
    dict
        Per judged station plain values for JSON: ``fitted_on``, ``issues`` and ``skill``, a list.

    Raises
    ------
    ConfigurationError
        For years that overlap, stations that are not there, or too short a history.
    """
    _check(histories, plan)
    rules = _rules(histories, plan)
    own = [name for name in histories if name not in plan.test_stations]
    judged = [name for name in histories if name in plan.test_stations] if plan.test_stations else own
    models: dict[tuple[str, ...], StationModel] = {}
    report: dict[str, dict[str, object]] = {}
    for name in judged:
        told(name)
        fitted = tuple(own) if plan.test_stations else (name,)
        if fitted not in models:
            parts = [histories[each].only(in_years(histories[each].hours_s, plan.fit_years)) for each in fitted]
            models[fitted] = learn(parts, rules[0], rules[1])[0]
        history = histories[name]
        rows = np.flatnonzero(in_years(history.hours_s, plan.test_years))
        forecast = forecast_station(models[fitted], history, rows, rules[1])
        skills = judge(models[fitted], history, rows, forecast, rules=rules[1])
        report[name] = {
            "fitted_on": list(fitted),
            "issues": models[fitted].hourly.issues,
            "skill": list(map(_plain, skills)),
        }
    return report


def _check(histories: dict[str, History], plan: Plan) -> None:
    if both := sorted(set(plan.fit_years) & set(plan.test_years)):
        raise ConfigurationError(
            f"years {', '.join(map(str, both))}: found to be fitted and judged, expected one of them"
        )
    if absent := sorted(set(plan.test_stations) - set(histories)):
        raise ConfigurationError(f"found no station {', '.join(absent)}, expected some of {', '.join(histories)}")
    if len(set(plan.test_stations)) == len(histories):
        raise ConfigurationError("found all stations to be judged only, expected at least one to fit to")
    for name, history in histories.items():
        if not in_years(history.hours_s, plan.test_years).any() and (
            not plan.test_stations or name in plan.test_stations
        ):
            years = ", ".join(map(str, plan.test_years))
            raise ConfigurationError(f"station {name}: found no hour of {years}, expected some")


def _rules(histories: dict[str, History], plan: Plan) -> tuple[str, Validity]:
    """Edition of the AQI and minima of the last hour that is judged."""
    last_s = max(
        int(hours[-1])
        for history in histories.values()
        if len(hours := history.hours_s[in_years(history.hours_s, plan.test_years)])
    )
    day = dt.datetime.fromtimestamp(last_s, ZONE).date()
    return aqi_edition(day), validity(edition_named("limits", limit_edition(day)).standard)


def _plain(one: LeadSkill) -> dict[str, object]:
    return {
        "kind": one.kind,
        "item": one.item,
        "lead_h": one.lead,
        **asdict(one.skill),
        "below_persistence": one.skill.below_persistence,
        "below_climatology": one.skill.below_climatology,
    }


def report_lines(report: dict[str, dict[str, object]]) -> Iterator[str]:
    """The report as a table for people."""
    yield (
        "station          what            lead   count    RMSE  persistence  climatology  below persistence"
        "    bias  80 % interval holds"
    )
    for name, part in report.items():
        rows = part["skill"]
        assert isinstance(rows, list)
        for row in rows:
            what = f"{row['item']} {'24 h mean' if row['kind'] == 'rolling' else 'hour'}"
            what = {"o3_8h 24 h mean": "o3 max 8 h", "aqi 24 h mean": "daily aqi"}.get(what, what)
            yield (
                f"{name:<16} {what:<14} {row['lead_h']:3d} h {row['count']:7d} {row['rmse']:7.1f} "
                f"{row['rmse_persistence']:12.1f} {row['rmse_climatology']:12.1f} "
                f"{100 * row['below_persistence']:16.1f} % {row['bias']:7.1f} {100 * row['coverage']:18.1f} %"
            )
