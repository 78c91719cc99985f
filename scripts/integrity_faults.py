"""Play every fault that the integrity checks look for on simulated devices, and a clean fleet; print what was found.

    python scripts/integrity_faults.py [--days 10] [--fleet 6] [--seeds 10]

Each fault lasts the last of nine days of one works, vehicle or station; the clean fleet is judged every day from the
eighth on. Values are what the simulator's devices show, rounded as they send them; hours come from the settler's own
functions. No database and no broker.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.job.integrity_plant import MeterCase, TreatmentCase, line_hours, line_minutes, meter_results, treatment_results
from app.job.integrity_result import Result, findings
from app.job.integrity_stack import StackCase, copied_results, loads_of, stack_results
from app.job.integrity_vehicle import AIR_COLUMNS, MicroCase, micro_results, vehicle_results
from app.job.plant import plant_hours
from app.job.stack import stack_hours
from domain.county import load_county
from domain.family import FAMILIES, STACK, VEHICLE
from domain.flag import MARK_FLAGS, MISSING
from domain.period import DAY_S, midnight
from domain.production import OutletRow
from firmware_sim.device import KINDS, Device, World, marks, shown_values
from firmware_sim.fault import OPTIONS, Fault, Option
from firmware_sim.weather import Sky
from firmware_sim.works import OUTLETS, Bypass
from store.device_reading import DeviceReadings
from store.line import Line
from store.settlement import HourClaim

#: First day played, and how many days of history the checks want.
FIRST = dt.date(2026, 10, 1)
BEFORE = 7
KIND_OF = {"sinter": "sinter_head", "coke-oven": "coke_oven", "cement-kiln": "cement_kiln", "coal-boiler": "coal_power"}
#: Resolution of a vehicle's quantities (GB 17691-2018 annex Q) where it matters.
STEPS = {"reagent_level": 0.4, "tank_level": 0.4, "nox_upstream": 0.05, "nox_downstream": 0.05, "dpf_pressure": 0.1,
         "engine_speed": 0.125, "intake_air": 0.05, "odometer": 0.1, "fuel_rate": 0.05}  # fmt: skip


@dataclass(frozen=True)
class Play:
    """One fault: what is done to which device, and the kinds of finding that must come of it."""

    name: str
    subject: str
    kind: str
    options: dict[str, Option]
    expected: tuple[str, ...]
    hours: tuple[float, float] = (8.0, 16.0)


PLAYS: tuple[Play, ...] = (
    Play("monitor stuck", "cems", "stuck", {"columns": ("so2", "so2_converted")}, ("constant",)),
    Play("yesterday's values sent again", "cems", "copied", {"columns": ("pm", "so2", "nox"), "back": 86_400.0},
         ("copied",)),
    Play("values cut off below the limit", "cems", "clipped", {"columns": ("so2",), "at": 0.0}, ("clipped",)),
    Play("air let in before the probe", "cems", "dilution", {"part": 0.4}, ("dilution",)),
    Play("marked as calibrated for hours", "cems", "marked", {"mark": "C"}, ("long_mark",)),
    Play("marked as maintained for half a day", "cems", "marked", {"mark": "M"}, ("long_mark",), (6.0, 18.0)),
    Play("half the gain after maintenance", "cems", "shift", {}, ("shift_after_mark",), (8.0, 24.0)),
    Play("a tenth of everything shown", "cems", "low", {}, ("low_under_load",)),
    Play("marked out of operation while producing", "cems", "marked", {"mark": "F"}, ("low_under_load",)),
    Play("another oxygen in the conversion", "cems", "sensor_swap", {"columns": ("so2_converted",), "gain": 0.5},
         ("conversion_mismatch",)),
    Play("treatment switched off", "works", "treatment_off", {}, ("treatment_off",)),
    Play("treatment off, monitor stuck", "works", "treatment_off+stuck", {}, ("treatment_off", "constant")),
    Play("meter stuck", "meter", "stuck", {"columns": ("power",)}, ("meter_constant",)),
    Play("half the power shown", "meter", "sensor_swap", {"columns": ("power",), "gain": 0.5}, ("counter_mismatch",)),
    Play("catalyst out", "vehicle", "tampered_obd", {"nox": True, "reagent": False, "dpf": False},
         ("nox_not_reduced",)),
    Play("reagent level frozen", "vehicle", "tampered_obd", {"nox": False, "reagent": True, "dpf": False},
         ("reagent_frozen",)),
    Play("particle filter out", "vehicle", "tampered_obd", {"nox": False, "reagent": False, "dpf": True},
         ("dpf_gone",)),
    Play("reagent level jumping", "vehicle", "spike", {"columns": ("reagent_level",), "factor": 0.5, "share": 0.02},
         ("reagent_jump",)),
    Play("engine speed frozen", "vehicle", "stuck", {"columns": ("engine_speed",)}, ("frozen_stream",)),
    Play("speed told too low", "vehicle", "sensor_swap", {"columns": ("speed",), "gain": 0.3}, ("implausible_stream",)),
    Play("lamp on", "vehicle", "mil_on", {}, ("mil_on",)),
    Play("driving without sending", "vehicle", "gap", {}, ("silent_moving",)),
    Play("water around a micro station", "micro", "sprayed", {"part": 0.6}, ("selective_cleaning",)),
)  # fmt: skip


@dataclass(frozen=True)
class Instrument:
    """Noise of pollutants (relative) and resolution of what a monitor shows (mg/m³; oxygen a tenth of a percent)."""

    noise: float = 0.0
    resolution: float = 0.01

    def shown(self, values: np.ndarray, name: str) -> np.ndarray:
        """Readings of family stack with noise, rounded; converted values follow the measured ones."""
        rng, result = np.random.default_rng(zlib.crc32(name.encode())), values.copy()
        for key in ("pm", "so2", "nox"):
            at, converted = STACK.position(key), STACK.position(f"{key}_converted")
            told = values[:, at] * (1.0 + self.noise * rng.normal(size=len(values)))
            factor = values[:, converted] / values[:, at]
            result[:, at] = np.round(told / self.resolution) * self.resolution
            result[:, converted] = np.round(told * factor / self.resolution) * self.resolution
        result[:, STACK.position("o2")] = np.round(values[:, STACK.position("o2")], 1)
        return result


FINE = Instrument()
COARSE = Instrument(0.02, 1.0)


def day_of(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def second_of(number: float) -> int:
    return int(midnight(FIRST).timestamp() + number * DAY_S)


def fault_of(play: Play, device: str, day: int) -> tuple[Fault, ...]:
    """Faults of a device that make up a play on a day."""
    begin, end = (second_of(day) + int(hour * 3600) for hour in play.hours)

    def one(kind: str, start: int, stop: int, **options: Option) -> Fault:
        usual = {name: value for name, value in OPTIONS[kind].items() if value is not None}
        return Fault(kind, frozenset({device}), start, stop, {**usual, **options})

    if play.kind == "shift":
        low = [one("sensor_swap", begin + 3600, end, columns=(name,), gain=0.45) for name in ("so2", "so2_converted")]
        return (one("marked", begin, begin + 3600, mark="M"), *low)
    if play.kind == "low":
        names = [f"{one}{more}" for one in ("pm", "so2", "nox") for more in ("", "_converted")] + ["nh3"]
        return tuple(one("sensor_swap", begin, end, columns=(name,), gain=0.1) for name in names)
    return (one(play.kind, begin, end, **play.options),)


def readings_of(
    world: World, device: Device, low_s: int, high_s: int, *, instrument: Instrument = FINE
) -> DeviceReadings:
    """What a device sends between two Unix times, a reading a minute, rounded as sent; a monitor's own instrument."""
    family = FAMILIES[KINDS[device.kind].family]
    span_s = 0 if family is VEHICLE else 60
    times = np.arange(low_s, high_s, 60, dtype=np.int64)
    shown, letters = shown_values(world, device, times), marks(world, device, times.tolist(), span_s)
    decimals = {signal.column: signal.decimals for signal in KINDS[device.kind].signals}
    decimals |= {signal.converted: signal.decimals for signal in KINDS[device.kind].signals if signal.converted}
    values = np.full((len(times), family.width), np.nan)
    for name, column in shown.items():
        if name in family.keys:
            step = STEPS.get(name) if family is VEHICLE else None
            rounded = np.round(column / step) * step if step else np.round(column, decimals.get(name, 2))
            values[:, family.position(name)] = rounded
    if device.kind == "cems" and instrument != FINE:
        values = instrument.shown(values, device.id)
    if family is VEHICLE:
        values[times % 3600 != 0, VEHICLE.position("mil")] = np.nan
    codes = np.array([ord(letter) for letter in letters], dtype=np.uint8)
    flags = np.array([MARK_FLAGS[letter] for letter in letters], dtype=np.uint8)
    every = np.where(np.isnan(values), np.uint8(MISSING), flags[:, None])
    kept = np.array([device.fault("gap", second) is None for second in times.tolist()])
    whole = DeviceReadings(
        (device.id,), np.zeros(len(times), dtype=np.int64), times, np.full(len(times), span_s, dtype=np.int64), values,
        every, np.repeat(codes[:, None], family.width, axis=1), times + float(span_s),
    )  # fmt: skip
    return whole.rows(kept)


def claim_of(site: str, low_s: int, high_s: int) -> HourClaim:
    hours = np.arange(low_s, high_s, 3600, dtype=np.int64)
    return HourClaim((), (site,), np.zeros(len(hours), dtype=np.int64), hours)


def device_of(name: str, kind: str, enterprise: str, outlet: str, faults: Sequence[Fault] = ()) -> Device:
    return Device(
        name, "zhongyang", name, kind, "json", "", 60, 60, enterprise=enterprise, outlet=outlet, faults=tuple(faults)
    )


def works_results(
    seed: int, outlet: str, days: Sequence[int], play: Play | None = None, *, instrument: Instrument = FINE
) -> Iterator[list[Result]]:
    """Checks of one works (monitor, production meter, treatment meter) on days of its life."""
    last, name = max(days), f"{outlet}-{seed}"
    low, high = second_of(min(days) - BEFORE), second_of(last + 1)
    monitor, meter = device_of(f"{name}-cems", "cems", name, outlet), device_of(f"{name}-m", "meter", name, outlet)
    treatment, bypasses = device_of(f"{name}-t", "treatment-meter", name, outlet), []
    # A works without a bypass stands still now and then; one with a bypass never does.
    if play is not None:
        begin, end = (second_of(last) + int(hour * 3600) for hour in play.hours)
        off = play.kind.startswith("treatment_off")
        bypasses.append(Bypass(name, begin if off else 1, end if off else 2))
        if play.kind.endswith("+stuck"):
            stuck = replace(play, kind="stuck", options={"columns": ("so2", "so2_converted", "nox", "nox_converted")})
            monitor = replace(monitor, faults=fault_of(stuck, monitor.id, last))
        elif play.subject == "cems":
            monitor = replace(monitor, faults=fault_of(play, monitor.id, last))
        elif play.subject == "meter":
            meter = replace(meter, faults=fault_of(play, meter.id, last))
    world = World(Sky(seed), tuple(bypasses))
    if play is not None and play.kind == "clipped":
        meant = readings_of(world, replace(monitor, faults=()), begin, end)
        top = float(np.nanpercentile(meant.values[:, STACK.position("so2")], 60))
        clip = replace(play, options={**play.options, "at": round(top, 1)})
        monitor = replace(monitor, faults=fault_of(clip, monitor.id, last))
    stack = readings_of(world, monitor, low, high, instrument=instrument)
    powers = {each.id: readings_of(world, each, low, high) for each in (meter, treatment)}
    row = OutletRow(monitor.site, FIRST - dt.timedelta(days=400), None, KIND_OF[outlet])
    hours = stack_hours(
        claim_of(monitor.site, low, high), stack, [(monitor.id, monitor.site, 60)], {monitor.site: [row]}
    )
    plants = {each: plant_hours(claim_of(each, low, high), powers[each], [(each, each, 60)]) for each in powers}
    line = Line("line", name, "生产线", "production", meters={meter.id: 1.0})
    facility = Line("treatment", name, "治理", "treatment", treats="line", meters={treatment.id: 1.0})
    for day in days:
        begin, begins = second_of(day), second_of(day - BEFORE)
        window = (hours.hours_s >= begins) & (hours.hours_s < begin + DAY_S)
        case = StackCase(
            monitor.id, monitor.site, day_of(day),
            stack.rows((stack.times_s >= begins) & (stack.times_s < begin + DAY_S)), hours.rows(window),
            loads_of(hours.hours_s[window], line_hours([line], plants[meter.id])), row,
        )  # fmt: skip
        results = stack_results(case) + copied_results([case])
        for each, power in powers.items():
            own = power.rows((power.times_s >= begin - DAY_S) & (power.times_s < begin + DAY_S))
            results += meter_results(MeterCase(each, each, day_of(day), own, plants[each]))
        minutes = begin + 60 * np.arange(1440, dtype=np.int64)
        before = {
            each: {
                second: power for second, power in line_hours([of], plants[each]).items() if begins <= second < begin
            }
            for each, of in ((meter.id, line), (treatment.id, facility))
        }
        results += treatment_results(
            TreatmentCase(
                treatment.id,
                treatment.site,
                day_of(day),
                minutes,
                line_minutes(facility, powers[treatment.id], minutes),
                line_minutes(line, powers[meter.id], minutes),
                before[treatment.id],
                before[meter.id],
            )
        )
        yield results


def vehicle_days(seed: int, days: Sequence[int], play: Play | None = None) -> Iterator[list[Result]]:
    """Checks of one vehicle."""
    device = Device("truck", "zhongyang", "truck", "vehicle", "gb17691", "", 0, 60, longitude=111.2, latitude=37.35)
    device = replace(device, id=f"truck-{seed}", site=f"truck-{seed}")
    if play is not None:
        device = replace(device, faults=fault_of(play, device.id, max(days)))
    world = World(Sky(seed))
    for day in days:
        readings = readings_of(world, device, second_of(day) - 60, second_of(day + 1))
        yield vehicle_results(device.id, device.site, day_of(day), readings)


def micro_days(seed: int, days: Sequence[int], play: Play | None = None) -> Iterator[list[Result]]:
    """Checks of the county's micro stations among their neighbours; a play concerns the first of them."""
    county = load_county("zhongyang")
    sites = {site.id: site for site in county.sites}
    stations = [
        Device(one.id, county.id, one.site, sites[one.site].kind if sites[one.site].kind == "micro" else "air", "json",
               "", 60, 60, site_kind=sites[one.site].kind, longitude=sites[one.site].longitude,
               latitude=sites[one.site].latitude)
        for one in county.devices if one.family == "air"
    ]  # fmt: skip
    micros = [at for at, one in enumerate(stations) if one.kind == "micro"]
    low, high = second_of(min(days) - BEFORE), second_of(max(days) + 1)
    if play is not None:
        first = micros[0]
        stations[first] = replace(stations[first], faults=fault_of(play, stations[first].id, max(days)))
    world, times = World(Sky(seed)), np.arange(low, high, 300, dtype=np.int64)
    grid = np.stack(
        [
            np.stack([shown_values(world, one, times, 300)[key].reshape(-1, 12).mean(axis=1) for key in AIR_COLUMNS])
            for one in stations
        ]
    )
    hours = np.arange(low, high, 3600, dtype=np.int64)
    for day in days:
        window = (hours >= second_of(day - BEFORE)) & (hours < second_of(day + 1))
        results = []
        for at in micros if play is None else micros[:1]:
            others = [other for other in range(len(stations)) if other != at][:8]
            around = grid[others][:, :, window].transpose(1, 0, 2)
            case = MicroCase(
                stations[at].id, stations[at].site, day_of(day), hours[window], grid[at][:, window], around
            )
            results += micro_results(case)
        yield results


def kinds_found(results: Sequence[Result]) -> Counter[str]:
    return Counter(new.kind for new in findings(results))


def play_results(play: Play, seed: int = 11) -> list[Result]:
    """Results of the day of a fault."""
    days = [BEFORE + 1]
    if play.subject == "vehicle":
        return next(vehicle_days(seed, days, play))
    if play.subject == "micro":
        return next(micro_days(seed, days, play))
    return next(works_results(seed, "sinter", days, play))


def clean_fleet(fleet: int, days: int) -> dict[str, tuple[int, Counter[str], list[str]]]:
    """Device days, findings by kind and their texts of a fleet without faults, by family."""
    judged = list(range(BEFORE, BEFORE + days))
    makers: dict[str, list[Callable[[], Iterator[list[Result]]]]] = {
        "stack and plant": [
            (lambda seed=seed, outlet=outlet: works_results(seed, outlet, judged)) for seed in range(fleet)
            for outlet in OUTLETS
        ],
        "the same, monitors showing 1 mg/m³ with 2 % noise": [
            (lambda seed=seed, outlet=outlet: works_results(seed, outlet, judged, instrument=COARSE))
            for seed in range(fleet) for outlet in OUTLETS
        ],
        "vehicle": [(lambda seed=seed: vehicle_days(seed, judged)) for seed in range(4 * fleet)],
        "micro": [(lambda seed=seed: micro_days(seed, judged)) for seed in range(max(1, fleet // 3))],
    }  # fmt: skip
    told = {}
    for family, each in makers.items():
        device_days, found, texts = 0, Counter[str](), list[str]()
        for make in each:
            for results in make():
                device_days += len({result.device for result in results})
                new = findings(results)
                found.update(one.kind for one in new)
                texts += [f"{one.device} {one.began_at:%m-%d %H:%M} {one.kind}: {one.text_zh}" for one in new]
        told[family] = (device_days, found, texts)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=10, help="days that the clean fleet is judged")
    parser.add_argument("--fleet", type=int, default=6, help="works of each kind; four vehicles for each")
    parser.add_argument("--seeds", type=int, default=10, help="times that each fault is played")
    arguments = parser.parse_args()
    print("| fault | expected | found | others found of the device |\n|---|---|---|---|")
    for play in PLAYS:
        told = [set(kinds_found(play_results(play, seed))) for seed in range(arguments.seeds)]
        count = sum(set(play.expected) <= found for found in told)
        others = ", ".join(sorted(set().union(*told) - set(play.expected))) or "–"
        print(f"| {play.name} | {', '.join(play.expected)} | {count} of {len(told)} | {others} |", flush=True)
    print()
    print("| clean fleet | device days | false alarms | per 100 device days |\n|---|---|---|---|")
    for family, (device_days, found, texts) in clean_fleet(arguments.fleet, arguments.days).items():
        alarms = sum(found.values())
        print(f"| {family} | {device_days} | {alarms} | {100 * alarms / device_days:.2f} |", flush=True)
        for text in texts[:10]:
            print(f"  {text}", file=sys.stderr)


if __name__ == "__main__":
    main()
