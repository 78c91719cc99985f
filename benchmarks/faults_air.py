"""Faults of air devices found by the quality tests, and false alarms on a sound fleet and on real measurements.

The demonstration network measures a reading a minute; each fault of the simulator is given to one device after another.
Nothing goes over a wire: what the collector would store goes to the pure functions that the screening job calls. Run as
``python -m benchmarks.faults_air [DAYS] [FILE ...] [--seed N] [--months M,M...]``; DAYS (14) from the fifth of each
month (1,4,7,10) are judged, 0: none; the seed (1) is that of the air. Files that end in ``.gz`` are PRSA station files,
those that end in ``.csv`` hours of cities.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analytics.averaging import hourly_mean
from analytics.quality import CLOCK, CROSS, DRIFT, EXCHANGE, GAP, HUMIDITY, SPATIAL, SPIKE
from analytics.quality_exchange import exchange_flags
from analytics.quality_hour import LOOK_BACK_H, HourGrid, hour_quality, neighbours, plane_positions
from analytics.quality_reading import ReadingSeries, reading_quality
from analytics.screening import PERSISTENCE
from app.command.quality import station_quality
from app.prsa import PrsaStation, load_prsa
from domain.county import County, load_county
from domain.family import AIR
from domain.flag import SUSPECT, usable
from domain.quality_table import exchange_pairs, instrument_kinds, quality_tests
from firmware_sim import fault as faults
from firmware_sim.fault import OPTIONS, Fault, Option, altered
from firmware_sim.station import Station, county_stations, samples
from firmware_sim.weather import Sky

Integers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.int16]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
WARM_UP_H = LOOK_BACK_H
#: Marks one alarm: findings of a test on a device with no more than so many quiet hours between.
QUIET_H = 3
#: What says something true about the air or the line, not that an instrument is wrong.
CIRCUMSTANCES = HUMIDITY | GAP


@dataclass(frozen=True)
class Scenario:
    """A fault of one device at a time, and the tests of which one at least must find it."""

    title: str
    kind: str
    options: dict[str, Option]
    hours: int
    expected: int


APART = DRIFT | SPATIAL
SCENARIOS = (
    Scenario("PM2.5 stuck for 24 h", faults.STUCK, {"columns": ("pm25",)}, 24, PERSISTENCE),
    Scenario("all columns stuck for 24 h", faults.STUCK, {}, 24, PERSISTENCE),
    Scenario("PM2.5 drifts by 1 µg/m³ an hour", faults.DRIFT, {"columns": ("pm25",), "per_hour": 1.0}, 96, APART),
    Scenario("PM2.5 drifts by 0.5 µg/m³ an hour", faults.DRIFT, {"columns": ("pm25",), "per_hour": 0.5}, 144, APART),
    Scenario("O3 drifts by 1 µg/m³ an hour", faults.DRIFT, {"columns": ("o3",), "per_hour": 1.0}, 144, APART),
    Scenario("PM2.5 spikes, tenfold, 5 % of the minutes", faults.SPIKE, {"columns": ("pm25",)}, 24, SPIKE),
    Scenario("NO2 spikes, tenfold, 1 % of the minutes", faults.SPIKE, {"columns": ("no2",), "share": 0.01}, 24, SPIKE),
    Scenario("no readings for 2 h", faults.GAP, {}, 2, GAP),
    Scenario("clock 30 minutes behind for 24 h", faults.CLOCK_JUMP, {"by": -1800.0}, 24, CLOCK),
    Scenario("clock 8 minutes ahead for 24 h", faults.CLOCK_JUMP, {"by": 480.0}, 24, CLOCK),
    Scenario("PM2.5 and PM10 exchanged", faults.SENSOR_SWAP, {"columns": ("pm25", "pm10")}, 48, CROSS | APART),
    Scenario("NO2 and O3 exchanged", faults.SENSOR_SWAP, {"columns": ("no2", "o3")}, 72, EXCHANGE),
    Scenario("SO2 and O3 exchanged", faults.SENSOR_SWAP, {"columns": ("so2", "o3")}, 72, EXCHANGE),
    Scenario("SO2 and NO2 exchanged", faults.SENSOR_SWAP, {"columns": ("so2", "no2")}, 72, EXCHANGE),
    Scenario("PM2.5 reads twice as high", faults.SENSOR_SWAP, {"columns": ("pm25",), "gain": 2.0}, 72, APART),
    Scenario("PM2.5 reads half", faults.SENSOR_SWAP, {"columns": ("pm25",), "gain": 0.5}, 72, APART),
    Scenario("power cut of 3 h, sent afterwards", faults.POWER_CUT, {}, 3, 0),
)


class Fleet:
    """Minutes of the demonstration network from `start` for `hours` hours."""

    def __init__(self, county: County, start: dt.datetime, hours: int, *, seed: int = 1) -> None:
        self.stations = county_stations(county)
        places = {site.id: (site.longitude, site.latitude) for site in county.sites}
        degrees = np.array([places[station.site] for station in self.stations])
        self.positions_m = plane_positions(degrees[:, 0], degrees[:, 1])
        self.times_s = int(start.timestamp()) + MINUTE_S * np.arange(hours * 60, dtype=np.int64)
        self.hours_s = self.times_s[::60]
        self.sky = Sky(seed)
        self.sound = [samples(self.sky, station, self.times_s, MINUTE_S) for station in self.stations]
        self.masks, self.means, self.lows, self.highs = [], [], [], []
        for at, station in enumerate(self.stations):
            mask, *hours_of = self.judged(station, self.sound[at], self.times_s, self.times_s + MINUTE_S + 2.0)
            self.masks.append(mask)
            for kept, found in zip((self.means, self.lows, self.highs), hours_of, strict=True):
                kept.append(found)

    def judged(
        self, station: Station, shown: dict[str, np.ndarray], times_s: Integers, received_s: np.ndarray
    ) -> tuple[Masks, np.ndarray, np.ndarray, np.ndarray]:
        """Mask of each hour and column by the tests of readings; means, lowest and highest usable values."""
        values = np.full((len(times_s), AIR.width), np.nan)
        for name, column in shown.items():
            values[:, AIR.position(name)] = column
        none = np.full(values.shape, np.nan)
        spans = np.full(times_s.shape, MINUTE_S)
        series = ReadingSeries(
            np.zeros(times_s.shape, np.int64), times_s, spans, received_s, spans, values,
            np.full(values.shape, ord("N"), np.uint8), np.full(times_s.shape, instrument_kinds()[station.kind].optical),
            none, none,
        )  # fmt: skip
        quality = reading_quality(series)
        used = usable(quality.flags)
        mean = hourly_mean(series.device, times_s, spans, values=values, usable=used, minimum_minutes=45)
        slot = (times_s - self.hours_s[0]) // HOUR_S
        inside = (slot >= 0) & (slot < len(self.hours_s))
        shape = (len(self.hours_s), AIR.width)
        mask, low, high = np.zeros(shape, np.int16), np.full(shape, np.inf), np.full(shape, -np.inf)
        np.bitwise_or.at(mask, slot[inside], quality.failed[inside])
        np.minimum.at(low, slot[inside], np.where(used, values, np.inf)[inside])
        np.maximum.at(high, slot[inside], np.where(used, values, -np.inf)[inside])
        means = np.full(shape, np.nan)
        at = (mean.hours_s - self.hours_s[0]) // HOUR_S
        kept = (at >= 0) & (at < len(means))
        means[at[kept]] = mean.statistic.valid_values[kept]
        low[np.isinf(low)] = high[np.isinf(high)] = np.nan
        return mask, means, low, high

    def found(self, at: int | None = None, other: tuple[np.ndarray, ...] = ()) -> Masks:
        """Masks (hours, devices, columns) of the network; device `at` shows `other` instead."""
        mask, means, lows, highs = (np.stack(part, axis=1) for part in (self.masks, self.means, self.lows, self.highs))
        if at is not None:
            for part, instead in zip((mask, means, lows, highs), other, strict=True):
                part[:, at] = instead
        grid = HourGrid(self.hours_s, means, lows, highs, self.positions_m, np.ones(len(self.stations), bool))
        return mask | hour_quality(grid).failed

    def with_fault(self, at: int, scenario: Scenario, start_s: int) -> Masks:
        """Masks of the network in which one device has a fault from `start_s`."""
        station, shown = self.stations[at], self.sound[at]
        options = {name: default for name, default in OPTIONS[scenario.kind].items() if default is not None}
        fault = Fault(
            scenario.kind,
            frozenset((station.id,)),
            start_s,
            start_s + scenario.hours * HOUR_S,
            options | scenario.options,
        )  # type: ignore[arg-type]
        during = (self.times_s >= fault.start_s) & (self.times_s < fault.end_s)
        times, received = self.times_s, self.times_s + MINUTE_S + 2.0
        if scenario.kind == faults.GAP:
            shown, times, received = {n: c[~during] for n, c in shown.items()}, times[~during], received[~during]
        elif scenario.kind == faults.CLOCK_JUMP:
            labels = times + np.where(during, int(fault.number("by")), 0)
            _, kept = np.unique(labels, return_index=True)  # the first to come is stored, another value is a revision
            shown, times, received = {n: c[kept] for n, c in shown.items()}, labels[kept], received[kept]
        elif scenario.kind == faults.POWER_CUT:
            back = np.arange(during.sum()) * 0.2
            received = received.copy()
            received[during] = fault.end_s + back
        else:
            key = (self.sky.seed, station.id)
            shown = altered(shown, times, [fault], lambda moments: samples(self.sky, station, moments, MINUTE_S), key)
        return self.found(at, self.judged(station, shown, times, received))


def alarms(mask: Masks, bit: int) -> int:
    """Separate findings of a test: (hours, devices, columns) -> count over devices, columns together."""
    found = ((mask & bit) != 0).any(axis=2)
    count = 0
    for device in found.T:
        hours = np.flatnonzero(device)
        count += int(len(hours) > 0) + int((np.diff(hours) > QUIET_H).sum())
    return count


def named(mask: int) -> str:
    """Names of the tests in a mask."""
    return ", ".join(test.name for test in quality_tests() if mask & test.bit) or "nothing"


def report_alarms(title: str, masks: Sequence[Masks], device_days: float) -> None:
    """Alarms per 100 device-days, test by test, and together without circumstances."""
    print(f"\n{title}: {device_days:.0f} device-days; alarms per 100 device-days")
    for test in quality_tests():
        count = sum(alarms(mask, test.bit) for mask in masks)
        print(f"  {test.name:12} {100 * count / device_days:7.2f}  ({count})")
    every = sum(test.bit for test in quality_tests()) & ~CIRCUMSTANCES
    count = sum(alarms(mask, every) for mask in masks)
    print(f"  without humidity and gap, together {100 * count / device_days:.2f} ({count})")


def fleets(county: County, days: int, *, seed: int, months: Sequence[int]) -> Iterator[Fleet]:
    """One stretch per month, with what the tests look back at."""
    for month in months:
        start = dt.datetime(2026, month, 5, tzinfo=dt.UTC) - dt.timedelta(hours=WARM_UP_H)
        yield Fleet(county, start, WARM_UP_H + 24 * days, seed=seed)


def measure(days: int, *, seed: int, months: Sequence[int]) -> None:
    """The sound fleet, then every fault on every third device in every season."""
    county, sound = load_county("zhongyang"), []
    tried = {scenario.title: [0, 0, 0, 0, []] for scenario in SCENARIOS}
    device_days = 0.0
    for fleet in fleets(county, days, seed=seed, months=months):
        clean = fleet.found()
        sound.append(clean[WARM_UP_H:])
        device_days += days * len(fleet.stations)
        start_s = int(fleet.hours_s[WARM_UP_H]) + 2 * DAY_S
        for scenario in SCENARIOS:
            for at in range(0, len(fleet.stations), 3):
                row = tried[scenario.title]
                mask = fleet.with_fault(at, scenario, start_s)
                first, last = WARM_UP_H + 48, WARM_UP_H + 48 + scenario.hours + 1
                new = mask & ~clean
                own = new[first:last, at]
                hit = np.flatnonzero(((own & scenario.expected) != 0).any(axis=1))
                row[0] += 1
                row[1] += len(hit) > 0
                row[2] |= int(np.bitwise_or.reduce(own, axis=None)) & ~HUMIDITY
                others = np.delete(new, at, axis=1) & ~np.int16(CIRCUMSTANCES)
                row[3] += int((others != 0).any(axis=(0, 2)).sum())
                if len(hit):
                    row[4].append(int(hit[0]))
    report_alarms("Sound fleet", sound, device_days)
    print(f"\n{'fault':45} found   hours to it  tests that find it; other devices that alarm because of it")
    for scenario in SCENARIOS:
        count, found, tests, others, delays = tried[scenario.title]
        delay = f"{np.median(delays):.0f}" if delays else "-"
        share = f"{found:2}/{count:2}" if scenario.expected else "  -  "
        print(f"{scenario.title:45} {share}   {delay:>6}       {named(tests)}; {others}")


def measure_stations(title: str, stations: Sequence[PrsaStation]) -> None:
    """Alarms on hours that a monitoring authority has published after its own review, each station by itself."""
    masks = [station_quality(station).failed[:, None, :] for station in stations]
    report_alarms(title, masks, sum(len(station.times_s) for station in stations) / 24)
    values = np.concatenate([station.values for station in stations])
    mask = np.concatenate([each[:, 0] for each in masks])
    for at, key in enumerate(AIR.keys):
        present = ~np.isnan(values[:, at])
        if present.any():
            doubted = (mask[present, at] & ~np.int16(GAP)) != 0
            print(f"  {key:12} {100 * doubted.mean():.3f} % of {present.sum()} values doubted")


def measure_neighbours(stations: Sequence[PrsaStation]) -> None:
    """Alarms of the tests of hours when stations of one city count as neighbours of each other, however far apart."""
    values = np.stack([station.values for station in stations], axis=1)
    places = np.column_stack((np.arange(len(stations)), np.zeros(len(stations))))
    grid = HourGrid(stations[0].times_s, values, values, values, places, np.ones(len(stations), bool))
    report_alarms("Beijing stations as neighbours", [hour_quality(grid).failed], values[:, :, 0].size / 24)


def measure_exchange(stations: Sequence[PrsaStation]) -> None:
    """Pairs of gases exchanged for 72 hours every ten days at one station after another, the others its neighbours."""
    values = np.stack([station.values for station in stations], axis=1)
    near = neighbours(np.column_stack((np.arange(len(stations)), np.zeros(len(stations)))))
    print("\nGases exchanged for 72 h at one Beijing station: found of those with 36 hours of both")
    for pair in exchange_pairs():
        columns = [AIR.position(pair.first), AIR.position(pair.second)]
        tried = found = 0
        for at in range(len(stations)):
            for start in range(120, len(values) - 72, 240):
                window = values[start - 48 : start + 72].copy()
                window[48:, at, columns] = window[48:, at, columns[::-1]]
                flags = exchange_flags(near, window[:, :, columns[0]], window[:, :, columns[1]], score=pair.score)[
                    :, at
                ]
                if np.count_nonzero(~np.isnan(window[48:, at][:, columns]).any(axis=1)) >= 36:
                    tried, found = tried + 1, found + int((flags == SUSPECT).any())
        print(f"  {pair.first} and {pair.second}: {found} of {tried}")


def load_points(path: Path) -> list[PrsaStation]:
    """Stations of a city in a file of official real-time values: Date, Hour, WatchPoint, PM2.5, ..., CO in mg/m³."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    names = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3_1h"}
    stations = []
    for point in sorted({row["WatchPoint"] for row in rows}):
        hours = {f"{row['Date']} {row['Hour']}": row for row in rows if row["WatchPoint"] == point}
        values = np.full((len(hours), AIR.width), np.nan)
        for at, row in enumerate(hours.values()):
            for key, name in names.items():
                with contextlib.suppress(ValueError):
                    values[at, AIR.position(key)] = float(row[name])
        moments = [dt.datetime.strptime(f"{hour} +0800", "%Y%m%d %H %z") for hour in hours]
        order = np.argsort([moment.timestamp() for moment in moments])
        times = np.array([int(moment.timestamp()) for moment in moments], dtype=np.int64)
        stations.append(PrsaStation(f"{path.stem} {point}", times[order], values[order], np.full(len(order), np.nan)))
    return stations


def main() -> None:
    """Faults and false alarms in the simulated network, then what real measurements give."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    arguments.add_argument("days", type=int, nargs="?", default=14)
    arguments.add_argument("files", type=Path, nargs="*")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--months", default="1,4,7,10")
    given, began = arguments.parse_args(), time.perf_counter()
    if given.days:
        measure(given.days, seed=given.seed, months=[int(month) for month in given.months.split(",")])
    if beijing := [load_prsa(path) for path in given.files if path.suffix == ".gz"]:
        measure_stations("Beijing stations", beijing)
        measure_neighbours(beijing)
        measure_exchange(beijing)
    if points := [station for path in given.files if path.suffix == ".csv" for station in load_points(path)]:
        measure_stations("Stations of Shanxi cities", points)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
