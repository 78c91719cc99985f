"""A year of PRSA files judged by loops alone: the slow calculation that the database must agree with."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path

NAMES = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3"}
PERCENTS = {"pm25": 95, "pm10": 95, "so2": 98, "no2": 98, "co": 95, "o3": 90}

BEIJING = dt.timezone(dt.timedelta(hours=8))
Hours = dict[tuple[dt.date, int], Fraction]
Days = dict[dt.date, Fraction]


def load_hours(path: Path, year: int) -> dict[str, Hours]:
    """Pollutant -> (day, hour) -> exact value in the canonical unit; missing hours are absent."""
    found: dict[str, Hours] = {key: {} for key in NAMES}
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if int(row["year"]) != year:
                continue
            moment = dt.date(year, int(row["month"]), int(row["day"])), int(row["hour"])
            for key, name in NAMES.items():
                if row[name] != "NA":
                    found[key][moment] = Fraction(row[name]) / (1000 if key == "co" else 1)
    return found


def daily(key: str, hours: Hours) -> Days:
    """Valid daily values: means of at least 20 hours; for O3 the largest 8-hour mean of the day."""
    by_day: dict[dt.date, dict[int, Fraction]] = defaultdict(dict)
    for (day, hour), value in hours.items():
        by_day[day][hour] = value
    days: Days = {}
    for day, values in by_day.items():
        if key != "o3":
            if len(values) >= 20:
                days[day] = sum(values.values(), Fraction()) / len(values)
            continue
        windows = []
        for last in range(7, 24):
            window = [values[hour] for hour in range(last - 7, last + 1) if hour in values]
            if len(window) >= 6:
                windows.append(sum(window, Fraction()) / len(window))
        if windows and (len(windows) >= 14 or rounded(max(windows), 0) > 160):
            days[day] = max(windows)
    return days


def area(stations: list[Days]) -> Days:
    """Mean of the stations that have a valid value, day by day."""
    together: dict[dt.date, list[Fraction]] = defaultdict(list)
    for days in stations:
        for day, value in days.items():
            together[day].append(value)
    return {day: sum(values, Fraction()) / len(values) for day, values in together.items()}


def mean(days: Days) -> Fraction:
    return sum(days.values(), Fraction()) / len(days)


def percentile(days: Days, percent: int) -> Fraction:
    """HJ 663-2013 annex A."""
    ordered = sorted(days.values())
    rank = Fraction((len(ordered) - 1) * percent, 100)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def valid_year(days: Days) -> bool:
    months = [sum(day.month == month for day in days) for month in range(1, 13)]
    return len(days) >= 324 and all(count >= (25 if at == 1 else 27) for at, count in enumerate(months))


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Half to even, exactly."""
    unit = Fraction(1, 10**decimals)
    whole, rest = divmod(value, unit)
    if rest * 2 > unit or (rest * 2 == unit and whole % 2):
        whole += 1
    return (Decimal(int(whole)) * Decimal(10) ** -decimals).quantize(Decimal(10) ** -decimals, ROUND_HALF_EVEN)
