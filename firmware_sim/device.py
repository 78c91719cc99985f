"""Kinds of simulated devices: what each measures, over which spans, and under which names it sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

import numpy as np

from domain.period import HOUR_S, OFFSET_S
from firmware_sim import frame_hj212
from firmware_sim.air import concentrations
from firmware_sim.fault import Fault, Values, altered
from firmware_sim.link import topic
from firmware_sim.noise import Floats, Times, drift, normal
from firmware_sim.road import Road
from firmware_sim.station import SAMPLE_S, Station, samples
from firmware_sim.weather import Sky
from firmware_sim.works import OUTLETS, Bypass, Curtailment, Works, meter

#: Records of a vehicle's frame, a second apart.
RECORDS: Final = 10
MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured quantity: its column or own name, HJ 212 code, decimals, scale to the unit sent, converted column.

    `total`: hour data tell the amount too.
    """

    column: str
    factor: str
    decimals: int = 1
    scale: float = 1.0
    converted: str = ""
    total: bool = False


_WEATHER: Final = (
    Signal("temperature", "a01001"),
    Signal("humidity", "a01002"),
    Signal("pressure", "a01006", 2, 0.1),
    Signal("wind_speed", "a01007"),
    Signal("wind_direction", "a01008", 0),
)
_AIR: Final = (
    Signal("pm25", "a34004"),
    Signal("pm10", "a34002"),
    Signal("so2", "a21026"),
    Signal("no2", "a21004"),
    Signal("co", "a21005", 3),
    Signal("o3", "a05024"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device: family and site kind of the registry, protocols (the usual one first), ST and quantities."""

    family: str
    site_kind: str
    protocols: tuple[str, ...]
    title_zh: str
    system: str
    unit_preset: str
    interval_s: int
    signals: tuple[Signal, ...]
    works: bool = False


_METER: Final = (
    Signal("power", "P", 2),
    Signal("energy", "i33201", 1),
    *(Signal(f"voltage_{phase}", f"U{phase}") for phase in "abc"),
    *(Signal(f"current_{phase}", f"I{phase}", 2) for phase in "abc"),
    Signal("power_factor", "PF", 3),
)
KINDS: Final = MappingProxyType(
    {
        "air": Kind(
            "air", "ambient", ("hj212", "json"), "空气站", frame_hj212.AMBIENT, "ambient-field", 60, (*_AIR, *_WEATHER)
        ),
        "micro": Kind(
            "air", "micro", ("json", "hj212"), "微站", frame_hj212.AMBIENT, "ambient-field", 60, (*_AIR, *_WEATHER)
        ),
        "cems": Kind(
            "stack", "stack", ("hj212", "json"), "烟气在线监测", frame_hj212.STACK, "stack-field", 60,
            (
                Signal("pm", "a34013", 2, converted="pm_converted", total=True),
                Signal("so2", "a21026", 2, converted="so2_converted", total=True),
                Signal("nox", "a21002", 2, converted="nox_converted", total=True),
                Signal("co", "a21005", 1, converted="co_converted"),
                Signal("nh3", "a21001", 2),
                Signal("o2", "a19001", 2),
                Signal("flow", "a00000", 3, total=True),
                Signal("velocity", "a01011", 2),
                Signal("flue_temperature", "a01012"),
                Signal("flue_pressure", "a01013", 3),
                Signal("flue_humidity", "a01014", 2),
            ),
            works=True,
        ),
        "meter": Kind(
            "plant", "plant", ("json", "hj212"), "生产用电", frame_hj212.ELECTRICITY, "hj212-2017", 60,
            _METER, works=True
        ),
        "treatment-meter": Kind(
            "plant", "plant", ("json", "hj212"), "治理设施用电", frame_hj212.ELECTRICITY, "hj212-2017", 60,
            _METER, works=True
        ),
        "process": Kind(
            "plant", "plant", ("hj212", "json"), "工况", frame_hj212.PROCESS, "hj212-2017", 60,
            (
                Signal("load", "I33400"),
                Signal("running", "running", 0),
                Signal("fan_state", "g10101", 0),
                Signal("fan_current", "g10201", 2),
                Signal("slurry_ph", "g11101", 2),
                Signal("bypass_damper", "g11601", 0),
            ),
            works=True,
        ),
        "dust": Kind(
            "air", "construction", ("hj212", "json"), "扬尘", frame_hj212.CONSTRUCTION, "ambient-field", 60,
            (
                *(Signal("tsp", "a34001"), Signal("pm10", "a34002"), Signal("pm25", "a34004")),
                *(*_WEATHER, Signal("noise", "LA")),
            ),
        ),
        "odour": Kind(
            "air", "odour", ("hj212", "json"), "恶臭", frame_hj212.AMBIENT, "ambient-field", 60,
            (Signal("nh3", "a21001", 3), Signal("h2s", "a21028", 4), *_WEATHER),
        ),
        "mobile": Kind(
            "air", "mobile", ("hj212", "json"), "走航", frame_hj212.AMBIENT, "ambient-field", 10,
            (Signal("longitude", "l01001", 5), Signal("latitude", "l01002", 5), *_AIR),
        ),
        "vehicle": Kind("vehicle", "vehicle", ("gb17691",), "重型车", "", "canonical", 60, ()),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """One simulated device of a scenario; `mn` is its HJ 212 identity, a vehicle's VIN is made from its id.

    A `tcp` one connects to the gateway for data loggers instead of the broker. An `encrypted` one sends frames of
    HJ 212-2025 with its SM4 `key`, which is given to it when the play begins.
    """

    id: str
    county: str
    site: str
    kind: str
    protocol: str
    mn: str
    span_s: int
    interval_s: int
    name_zh: str = ""
    longitude: float = 0.0
    latitude: float = 0.0
    enterprise: str = ""
    outlet: str = ""
    site_kind: str = ""
    delay_s: int = 0
    encrypted: bool = False
    tcp: bool = False
    key: bytes | None = field(default=None, compare=False, repr=False)
    faults: tuple[Fault, ...] = field(default=(), compare=False)

    @cached_property
    def vin(self) -> str:
        """Vehicle identification of 17 characters; L is China, the rest is nobody's."""
        return "LST" + blake2b(self.id.encode(), digest_size=7).hexdigest().upper()

    @cached_property
    def station(self) -> Station:
        """The same as a station of the county, for the kinds that are one."""
        kind = self.site_kind or KINDS[self.kind].site_kind
        return Station(
            self.id, self.county, self.site, kind, self.protocol, self.mn, self.span_s, self.interval_s
        )  # fmt: skip

    @property
    def spans_s(self) -> tuple[int, ...]:
        """Spans it sends: stacks and stations of HJ 212 their hours too."""
        if self.kind == "cems" and self.protocol == "hj212":
            return (0, self.span_s or 600, HOUR_S)
        if self.kind in ("air", "micro"):
            return self.station.spans_s
        return (self.span_s,)

    def step_s(self, span_s: int) -> int:
        """Seconds between two of its readings of `span_s`."""
        return span_s if span_s > self.interval_s else self.interval_s

    def topic(self, stream: str) -> str:
        """Topic of one of its streams."""
        return topic(self.county, self.protocol, self.id, stream)

    def fault(self, kind: str, moment_s: float) -> Fault | None:
        """The fault of that kind that it has at a moment."""
        return next((one for one in self.faults if one.kind == kind and one.lasts(moment_s)), None)


@dataclass(frozen=True, slots=True)
class World:
    """Weather, the works whose treatment is bypassed, and those that produce less for a time."""

    sky: Sky
    bypasses: tuple[Bypass, ...] = ()
    curtailments: tuple[Curtailment, ...] = ()

    def works(self, device: Device) -> Works:
        """The works at which `device` stands."""
        own = tuple(one for one in self.bypasses if one.enterprise == device.enterprise)
        where = (device.enterprise, device.outlet)
        less = tuple(one for one in self.curtailments if (one.enterprise, one.outlet) == where)
        return Works(self.sky.seed, device.enterprise, OUTLETS[device.outlet], own, less)


def sound_values(world: World, device: Device, times_s: Times, sample_s: int = MINUTE_S) -> Values:
    """What the sound instruments of `device` show at Unix times, one array per quantity, nothing missing."""
    if device.kind in ("air", "micro"):
        return samples(world.sky, device.station, times_s, sample_s)
    if device.kind == "vehicle":
        return Road(world.sky.seed, device.id, device.longitude, device.latitude).stream(times_s)
    if not KINDS[device.kind].works:
        return _outdoor_values(world.sky, device, times_s)
    works = world.works(device)
    if device.kind == "cems":
        return works.gas(device.id, times_s)
    if device.kind == "process":
        return _process_values(works, device, times_s)
    treating = device.kind == "treatment-meter"
    power, energy = (works.treatment_power, works.treatment_energy) if treating else (works.power, works.energy)
    return meter(power(times_s), energy(times_s), world.sky.seed, device.id, times_s)


def shown_values(world: World, device: Device, times_s: Times, sample_s: int = MINUTE_S) -> Values:
    """`sound_values` with the faults of the device."""
    values = sound_values(world, device, times_s, sample_s)
    if not device.faults:
        return values

    def at(moments: Times) -> Values:
        return sound_values(world, device, moments, sample_s)

    return altered(values, times_s, device.faults, at, (world.sky.seed, device.id))


def sample_of(device: Device, span_s: int) -> int:
    """Seconds that one sample of `device` stands for in readings of `span_s`."""
    return min(SAMPLE_S if device.kind in ("air", "micro") else MINUTE_S, span_s) or MINUTE_S


def marks(world: World, device: Device, starts_s: Sequence[int], span_s: int) -> list[str]:
    """Mark of each reading: F while the works stands still, C while a monitor is calibrated, what a fault says, else N.

    A longer span is normal when three quarters of its minutes are (HJ 212-2017 annex D), otherwise D; F when the works
    stood all the time.
    """
    letters = []
    for start in starts_s:
        fault = next((one for one in device.faults if one.lasts(start) and one.options.get("mark")), None)
        letters.append(str(fault.options["mark"]) if fault else "N")
    if device.kind != "cems":
        return letters
    minutes = np.arange(max(span_s // MINUTE_S, 1), dtype=np.int64) * MINUTE_S
    times = (np.asarray(starts_s, dtype=np.int64)[:, None] + minutes).ravel()
    stands = world.works(device).running(times) == 0
    calibrates = (times + OFFSET_S) % 86400 // 600 == _calibration_slot(device)
    shape = (len(starts_s), len(minutes))
    stood = stands.reshape(shape).all(axis=1)
    usual = 1.0 - (stands | calibrates).reshape(shape).mean(axis=1)
    for at, letter in enumerate(letters):
        if letter == "N" and stood[at]:
            letters[at] = "F"
        elif letter == "N" and usual[at] < 0.75:
            letters[at] = "C" if span_s == 0 else "D"
    return letters


def _calibration_slot(device: Device) -> int:
    """Ten minutes of the day, between midnight and six, in which the monitor is calibrated."""
    return blake2b(device.id.encode(), digest_size=1).digest()[0] % 36


def _outdoor_values(sky: Sky, device: Device, times_s: Times) -> Values:
    """Dust at a building site, odour, or the air along the way of a measuring car."""
    kind = KINDS[device.kind].site_kind
    values = concentrations(sky, device.site, kind if device.kind == "dust" else "ambient", times_s)
    seed, name = sky.seed, device.id
    if device.kind == "dust":
        works = np.clip(np.sin(((times_s + OFFSET_S) % 86400 / HOUR_S - 6) / 12 * np.pi), 0.0, None)
        values["tsp"] = values["pm10"] * (1.7 + 0.9 * works) * np.exp(0.15 * drift(seed, f"tsp@{name}", times_s, 1800))
        values["noise"] = 46 + 17 * works + 2.0 * normal(seed, f"noise@{name}", times_s)
    elif device.kind == "odour":
        still: Floats = 1.6 / (0.6 + values["wind_speed"])
        values["nh3"] = 0.06 * still * np.exp(0.4 * drift(seed, f"nh3@{name}", times_s, HOUR_S))
        values["h2s"] = 0.004 * still * np.exp(0.5 * drift(seed, f"h2s@{name}", times_s, HOUR_S))
    else:
        road = Road(seed, name, device.longitude, device.latitude)
        values["longitude"], values["latitude"] = road.position(times_s)
        plume = 1.0 + 0.25 * np.abs(drift(seed, f"plume@{name}", times_s, 120))
        for column in ("pm25", "pm10", "no2", "co"):
            values[column] = values[column] * plume
    return values


def _process_values(works: Works, device: Device, times_s: Times) -> Values:
    """Operating conditions of production and of the desulphurisation behind it."""
    running, load = works.running(times_s), works.load(times_s)
    treating = (works.treatment_power(times_s) > 0.1 * works.outlet.treatment).astype(np.float64)
    return {
        "load": 100.0 * load,
        "running": running,
        "fan_state": treating,
        "fan_current": treating * (90.0 + 160.0 * load),
        "slurry_ph": 5.4 + 0.15 * drift(works.seed, f"ph@{device.id}", times_s, HOUR_S),
        "bypass_damper": 1.0 - np.maximum(treating, 1.0 - running),
    }
