"""Statistics, composite index, ranks and changes of months, quarters, rolling and several years, as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.compliance import all_met, year_compliance
from analytics.composite import INDEX_DECIMALS, CompositeIndex, change, composite_index, ranking
from analytics.daily import DAY_COLUMNS, EVALUATED_COLUMN, area_mean, daily_values
from analytics.dust import DUST_POLLUTANTS, dust_hours
from analytics.evaluation import compliance_rate, day_counts, period_statistic
from analytics.index import daily_index
from analytics.period_evaluation import EvaluatedPeriod, EvaluationKind, completeness, evaluated_periods, inside
from analytics.rounding import half_even_scalar
from app.evaluation_rule import Rules
from app.prsa import PrsaStation
from domain.dust import DustInterval
from domain.level import LEVELS
from domain.period import DAY_S, OFFSET_S
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.standard import report_items

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]
Hours = Mapping[str, Mapping[str, Floats]]
Json = dict[str, object]

AREA = "area"


def span_grid(station: PrsaStation, first_year: int, last_year: int) -> dict[str, Floats]:
    """Hours of several local years by pollutant, each of shape (days, 24); NaN where the file has no value."""
    years = [station.year_grid(year) for year in range(first_year, last_year + 1)]
    return {key: np.concatenate([grid[key] for grid in years]) for key in SIX_KEYS}


def span_days(first_year: int, last_year: int) -> Days:
    """The days of several years, shape (days,)."""
    return np.arange(np.datetime64(f"{first_year}-01-01"), np.datetime64(f"{last_year + 1}-01-01"))


def hours_of_days(days: Days) -> npt.NDArray[np.int64]:
    """Unix time of each hour of each local day, shape (days, 24)."""
    numbers = days.astype("datetime64[D]").astype(np.int64)
    return np.asarray(numbers[:, None] * DAY_S - OFFSET_S + np.arange(24) * 3600)


def dusty_hours(names: Iterable[str], days: Days, intervals: Sequence[DustInterval]) -> dict[str, Booleans]:
    """Per station which hours of the days lie in one of its dust intervals, shape (days, 24)."""
    hours_s = hours_of_days(days)
    result = {}
    for name in names:
        own = [interval for interval in intervals if interval.concerns(name)]
        # Whole seconds: an end within a second still touches it.
        starts = [math.floor(interval.start.timestamp()) for interval in own]
        result[name] = dust_hours(hours_s, starts, [math.ceil(interval.end.timestamp()) for interval in own])
    return result


def dust_report(intervals: Sequence[DustInterval], dusty: Mapping[str, Booleans]) -> Json:
    """Which intervals were used, who confirmed them, and the hours each station has in them."""
    return {
        "intervals": [
            {
                "site": interval.site,
                "start": interval.start.isoformat(),
                "end": interval.end.isoformat(),
                "source": interval.source,
                "note": interval.note,
            }
            for interval in intervals
        ],
        "hours": {name: int(mask.sum()) for name, mask in dusty.items()},
    }


@dataclass(frozen=True, slots=True)
class Places:
    """Daily values of every station and of the area: place -> daily column -> shape (days,), with the days."""

    days: Days
    values: Mapping[str, Mapping[str, Floats]]

    @classmethod
    def of(cls, hours: Hours, days: Days, rules: Rules) -> Places:
        """Daily values from hours of shape (days, 24) by station and pollutant."""
        tables = {
            name: {
                column: statistic.valid_values
                for column, statistic in daily_values(
                    grid, rules=rules.validity, o3_limit=rules.limits["o3", "8h"]
                ).items()
            }
            for name, grid in hours.items()
        }
        area = {column: area_mean(np.array([table[column] for table in tables.values()])) for column in DAY_COLUMNS}
        return cls(days, {**tables, AREA: area})

    def within(self, period: EvaluatedPeriod) -> dict[str, dict[str, Floats]]:
        """The daily values of a period."""
        kept = inside(self.days, period)
        return {name: {column: row[kept] for column, row in table.items()} for name, table in self.values.items()}


def period_report(
    hours: Hours, without: Hours | None, years: tuple[int, int], *, kind: EvaluationKind, rules: Rules
) -> list[Json]:
    """Every period of a kind in the last of the years.

    Parameters
    ----------
    hours : mapping
        Station to pollutant to hours, shape (days of the years, 24); NaN = missing.
    without : mapping or None
        The same without dust hours; adds ``without_dust`` to every place.
    years : tuple of int
        First and last year of `hours`; a period that begins earlier has what there is.
    kind : EvaluationKind
        Which periods.
    rules : Rules
        What judges.

    Returns
    -------
    list of dict
        One entry per period: label, first and last day, stations and area.
    """
    days = span_days(*years)
    measured = Places.of(hours, days, rules)
    clean = None if without is None else Places.of(without, days, rules)
    return [_entry(measured, clean, period, rules) for period in evaluated_periods(kind, years[1])]


def _entry(measured: Places, clean: Places | None, period: EvaluatedPeriod, rules: Rules) -> Json:
    found = _places(measured, period, rules)
    former = _places(measured, period.last_year(), rules)
    places = {
        name: _with_change(place, former[name], _index_change(found, former, name)) for name, place in found.items()
    }
    if clean is not None:
        cleaned, cleaned_former = _places(clean, period, rules), _places(clean, period.last_year(), rules)
        for name, place in places.items():
            twin = _with_change(cleaned[name], cleaned_former[name], _index_change(cleaned, cleaned_former, name))
            place["without_dust"] = {
                "composite": twin["composite"],
                "compliance": twin["compliance"],
                "pollutants": {key: twin["pollutants"][key] for key in DUST_POLLUTANTS},  # type: ignore[index]
            }
    area = places.pop(AREA)
    before = period.last_year()
    return {
        "label": period.label,
        "start": period.start.isoformat(),
        "last_day": period.last_day.isoformat(),
        "compared_with": before.label,
        "stations": places,
        "area": area,
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """One place's figures of one period."""

    report: Json
    pollutants: dict[str, Json]
    composite: CompositeIndex
    rank: int | None
    good_day_ratio: float | None


def _places(places: Places, period: EvaluatedPeriod, rules: Rules) -> dict[str, _Place]:
    tables = places.within(period)
    days = places.days[inside(places.days, period)]
    found = {name: _place(table, days, period, rules) for name, table in tables.items()}
    stations = [name for name in found if name != AREA]
    ranks = ranking([float(found[name].composite.weighted) for name in stations])
    ranked = {name: int(rank) or None for name, rank in zip(stations, ranks, strict=True)}
    return {
        name: _Place(place.report, place.pollutants, place.composite, ranked.get(name), place.good_day_ratio)
        for name, place in found.items()
    }


def _place(table: Mapping[str, Floats], days: Days, period: EvaluatedPeriod, rules: Rules) -> _Place:
    columns = [item.column for item in report_items(rules.aqi_edition, "day")]
    counts = day_counts(daily_index(rules.aqi_edition, {column: table[column] for column in columns}))
    evaluated = {key: table[EVALUATED_COLUMN[key]] for key in SIX_KEYS}
    statistics = {key: period_statistic(values, rules.percentiles.get(key)) for key, values in evaluated.items()}
    means = {key: float(statistic.means) for key, statistic in statistics.items()}
    ranks = {key: float(statistic.percentiles) for key, statistic in statistics.items()}
    composite = composite_index(rules.index_items, means, ranks, limits=rules.limits)
    pollutants = {
        key: {
            **_coverage(evaluated[key], days, period, rules=rules),
            **_statistics(key, evaluated[key], (means[key], ranks[key]), rules=rules),
        }
        for key in SIX_KEYS
    }
    report: Json = {
        "days": period.days,
        "valid_days": counts.valid_days,
        "days_by_category": {level.category_zh: count for level, count in zip(LEVELS, counts.by_level, strict=True)},
        "good_day_ratio": counts.good_day_ratio,
        "primary_days": counts.primary,
    }
    if period.kind in ("year", "rolling12"):
        verdicts = year_compliance(rules.items, means, ranks, limits=rules.limits)
        met = {key: verdict.met for key, verdict in verdicts.items()}
        report["compliance"] = {"overall": all_met(met.values()), **met}
    else:
        report["compliance"] = None
    return _Place(report, pollutants, composite, None, counts.good_day_ratio)


def _coverage(values: Floats, days: Days, period: EvaluatedPeriod, *, rules: Rules) -> Json:
    full = completeness(~np.isnan(values), days, period, rules=rules.validity)
    result: Json = {"valid_days": full.valid_days, "days": full.days, "completeness": full.percent, "valid": full.valid}
    if period.kind == "three-years":
        result["means_by_year"] = {
            str(year): _number(float(period_statistic(values[_year_of(days) == year]).means))
            for year in range(period.start.year, period.end.year)
        }
    return result


def _statistics(key: str, values: Floats, statistics: tuple[float, float], *, rules: Rules) -> Json:
    percent, decimals = rules.percentiles[key], POLLUTANTS[key].decimals
    result: Json = {}
    for name, value in zip(("mean", f"p{percent}"), statistics, strict=True):
        result[name] = _number(value)
        result[f"{name}_rounded"] = half_even_scalar(value, decimals)
    limit = rules.limits[key, "8h" if key == "o3" else "24h"]
    return {**result, "compliance_rate": _number(float(compliance_rate(values, limit, decimals)))}


def _year_of(days: Days) -> npt.NDArray[np.int64]:
    return np.asarray(days.astype("datetime64[Y]").astype(np.int64) + 1970)


def _with_change(place: _Place, former: _Place, index_change: Json) -> Json:
    """A place's report with the comparison with the same period of last year beside every figure."""
    pollutants = {}
    for key, figures in place.pollutants.items():
        before = former.pollutants[key]
        names = [name for name in ("mean", "p90", "p95", "p98") if name in figures]
        last_year: Json = {name: before[name] for name in names}
        last_year["completeness"] = before["completeness"]
        for name in names:
            percent = change(_float(figures[name]), _float(before[name])).percent
            last_year[f"{name}_change_percent"] = _number(float(percent))
        pollutants[key] = {**figures, "last_year": last_year}
    ratio, ratio_before = place.good_day_ratio, former.good_day_ratio
    difference = None if ratio is None or ratio_before is None else half_even_scalar(ratio - ratio_before, 1)
    report = {**place.report, "good_day_ratio_change": difference}
    return {**report, "composite": {**_index(place), **index_change}, "pollutants": pollutants}


def _index(place: _Place) -> Json:
    found = place.composite
    result: Json = {"weighted": _number(float(found.weighted)), "unweighted": _number(float(found.unweighted))}
    result["weighted_rounded"] = half_even_scalar(float(found.weighted), INDEX_DECIMALS)
    result["unweighted_rounded"] = half_even_scalar(float(found.unweighted), INDEX_DECIMALS)
    single = dict(zip(found.pollutants, (_number(float(value)) for value in found.single), strict=True))
    result["single"] = single
    result["main"] = [key for key, main in zip(found.pollutants, found.main, strict=True) if main]
    result["rank"] = place.rank
    return result


def _index_change(found: Mapping[str, _Place], former: Mapping[str, _Place], name: str) -> Json:
    """Change of the composite index of one place, and the rank of that change among the stations."""
    stations = [station for station in found if station != AREA]
    now = np.array([float(found[station].composite.weighted) for station in stations])
    then = np.array([float(former[station].composite.weighted) for station in stations])
    ranks = dict(zip(stations, ranking(change(now, then).percent, decimals=1), strict=True))
    own = change(float(found[name].composite.weighted), float(former[name].composite.weighted))
    return {"change_percent": _number(float(own.percent)), "change_rank": int(ranks.get(name, 0)) or None}


def _float(value: object) -> float:
    return value if isinstance(value, float) else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
