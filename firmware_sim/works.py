"""One works: how much it produces decides its power, its flue gas and what the treatment has to take out of it.

Everything follows from `load`, and `load` is a sum of sines with stops cut out, so that its integral is exact: the
energy counter is the integral of the power shown, for any moment, without having lived until then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from domain.period import DAY_S, HOUR_S
from firmware_sim.noise import Floats, Times, constant, drift, normal, uniform

#: Energy counters began then: 2024-01-01 00:00 +08:00.
COUNTED_FROM_S: Final = 1_704_038_400
#: A production line stands still for some hours every other week.
CYCLE_S: Final = 14 * DAY_S
STOP_S: Final = 8 * HOUR_S
MEAN_LOAD: Final = 0.88
#: Period and amplitude of the swings of the load.
SWINGS: Final = ((DAY_S, 0.05), (5.3 * HOUR_S, 0.04), (1.7 * HOUR_S, 0.03))
#: Gas needs so long to show that the treatment was switched.
FADE_S: Final = 600.0
BAROMETER_KPA: Final = 88.8


@dataclass(frozen=True, slots=True)
class Outlet:
    """A kind of production line: its gas before treatment, what treatment takes out of it, and its electricity.

    `flow` in m³/s of dry gas at the standard state, `area` in m² of the duct, concentrations `raw` and shares taken out
    of particles, SO2 and NOx, `slip` of ammonia in mg/m³, `power` and `treatment` in kW.
    """

    name_zh: str
    reference_oxygen: float
    oxygen: float
    flow: float
    area: float
    temperature: float
    humidity: float
    raw: tuple[float, float, float]
    taken: tuple[float, float, float]
    slip: float
    power: float
    treatment: float


#: Plausible plants, not measured ones. Reference oxygen of the emission standards for steel, coking, cement and power.
OUTLETS: Final = MappingProxyType(
    {
        "sinter": Outlet(
            "烧结机头", 16, 15.4, 260, 30, 92, 9, (800, 600, 280), (0.993, 0.965, 0.87), 1.6, 14_000, 2_600
        ),
        "coke-oven": Outlet("焦炉烟囱", 8, 8.6, 90, 16, 165, 11, (60, 250, 700), (0.90, 0.93, 0.86), 2.2, 3_000, 600),
        "cement-kiln": Outlet(
            "水泥窑尾", 10, 9.4, 110, 14, 98, 8, (5000, 110, 520), (0.9989, 0.80, 0.925), 3.1, 8_000, 1_500
        ),
        "coal-boiler": Outlet(
            "燃煤锅炉", 6, 5.7, 190, 22, 51, 12, (18000, 2400, 340), (0.99985, 0.991, 0.895), 1.3, 9_000, 3_000
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Bypass:
    """A time during which the treatment of one works stands still while it produces; Unix seconds."""

    enterprise: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Curtailment:
    """A time during which a works produces only `load` of what it would; Unix seconds, `outlet` is the kind's key."""

    enterprise: str
    outlet: str
    start_s: int
    end_s: int
    load: float


@dataclass(frozen=True, slots=True)
class Works:
    """The production line of `enterprise` with an outlet of kind `outlet`, under a seed, bypasses and curtailments.

    A works that bypasses its treatment never stands still: it is to be seen producing meanwhile. Curtailments of one
    works do not overlap.
    """

    seed: int
    enterprise: str
    outlet: Outlet
    bypasses: tuple[Bypass, ...] = ()
    curtailments: tuple[Curtailment, ...] = ()

    def running(self, times_s: Times) -> Floats:
        """1 while the line produces, 0 while it stands."""
        return ((times_s - self._stop_phase()) % CYCLE_S >= self._stop_s).astype(np.float64)

    def load(self, times_s: Times) -> Floats:
        """Production load as a share of the rated one, 0 or 0.6 to 1.1."""
        swing = sum(size * np.sin(rate * times_s + phase) for rate, size, phase in self._swings())
        return np.asarray(self.running(times_s) * (MEAN_LOAD + swing) * self.curtailed(times_s))

    def curtailed(self, times_s: Times) -> Floats:
        """What is left of production by curtailments, 0 to 1."""
        left = np.ones(times_s.shape)
        for one in self.curtailments:
            left[(times_s >= one.start_s) & (times_s < one.end_s)] = one.load
        return left

    def power(self, times_s: Times) -> Floats:
        """Electric power of the production line in kW."""
        return np.asarray(self.outlet.power * (0.06 + 0.94 * self.load(times_s)))

    def treatment_power(self, times_s: Times) -> Floats:
        """Electric power of the treatment in kW; hardly any while it is switched off."""
        work = self._switched_on(times_s) * self.running(times_s) * (0.23 + 0.75 * self.load(times_s))
        return np.asarray(self.outlet.treatment * (0.02 + work))

    def energy(self, times_s: Times) -> Floats:
        """Counter of the production line in kWh: the integral of `power`."""
        since = (times_s - COUNTED_FROM_S).astype(np.float64)
        return np.asarray(self.outlet.power / HOUR_S * (0.06 * since + 0.94 * self._load_integral(times_s)))

    def treatment_energy(self, times_s: Times) -> Floats:
        """Counter of the treatment in kWh: the integral of `treatment_power`."""
        since = (times_s - COUNTED_FROM_S).astype(np.float64)
        work = self._work_integral(times_s)
        for bypass in self.bypasses:
            ends = np.clip(times_s, bypass.start_s, bypass.end_s)
            work = work - (self._work_integral(ends) - self._work_integral(np.array([bypass.start_s])))
        return np.asarray(self.outlet.treatment / HOUR_S * (0.02 * since + work))

    def gas(self, name: str, times_s: Times) -> dict[str, Floats]:
        """Flue gas that the monitor `name` meets, by the columns of the stack family; nothing is missing."""
        line, seed = self.outlet, self.seed
        running, load = self.running(times_s), self.load(times_s)
        wobble = {one: drift(seed, f"{one}@{name}", times_s, HOUR_S // 2) for one in ("pm", "so2", "nox", "nh3", "o2")}
        treated = self._treated(times_s)
        oxygen = np.where(running > 0, line.oxygen + 2.5 * (1 - load) + 0.25 * wobble["o2"], 20.7)
        values: dict[str, Floats] = {}
        for one, raw, taken in zip(("pm", "so2", "nox"), line.raw, line.taken, strict=True):
            left = raw * (0.7 + 0.3 * load) * (1.0 - taken * treated) * np.exp(0.10 * wobble[one])
            values[one] = np.where(running > 0, left, 0.4)
        values["co"] = np.where(running > 0, 60.0 * np.exp(0.2 * drift(seed, f"co@{name}", times_s, HOUR_S)), 1.0)
        values["nh3"] = np.where(running > 0, line.slip * treated * np.exp(0.25 * wobble["nh3"]), 0.1)
        convert = np.where(oxygen < 20.0, (21.0 - line.reference_oxygen) / (21.0 - np.minimum(oxygen, 20.0)), 1.0)
        values |= {f"{one}_converted": values[one] * convert for one in ("pm", "so2", "nox", "co")}
        values["o2"] = oxygen
        values |= self._state(name, times_s, running, load)
        return values

    def _state(self, name: str, times_s: Times, running: Floats, load: Floats) -> dict[str, Floats]:
        """Flow, speed, temperature, pressure and humidity of the gas; speed times duct is the wet flow (annex D)."""
        line, seed = self.outlet, self.seed
        turbulence = 1.0 + 0.015 * normal(seed, f"flow@{name}", times_s)
        flow = line.flow * np.where(running > 0, 0.25 + 0.75 * load, 0.03) * turbulence
        temperature = np.where(running > 0, line.temperature + 2.0 * drift(seed, f"t@{name}", times_s, HOUR_S), 28.0)
        pressure = -0.15 - 0.1 * load
        humidity = np.where(running > 0, line.humidity + 0.4 * drift(seed, f"x@{name}", times_s, HOUR_S), 2.0)
        wet = flow * (273 + temperature) / 273 * 101.325 / (BAROMETER_KPA + pressure) / (1 - humidity / 100)
        return {
            "flow": flow,
            "velocity": wet / line.area,
            "flue_temperature": temperature,
            "flue_pressure": pressure,
            "flue_humidity": humidity,
        }

    def _treated(self, times_s: Times) -> Floats:
        """How much of the treatment works, 0-1; gas follows the switch within `FADE_S`."""
        share = np.ones(times_s.shape)
        for bypass in self.bypasses:
            gone = np.clip((times_s - bypass.start_s) / FADE_S, 0.0, 1.0)
            back = np.clip((times_s - bypass.end_s) / FADE_S, 0.0, 1.0)
            share = np.minimum(share, 1.0 - gone + back)
        return share

    def _switched_on(self, times_s: Times) -> Floats:
        on = np.ones(times_s.shape)
        for bypass in self.bypasses:
            on[(times_s >= bypass.start_s) & (times_s < bypass.end_s)] = 0.0
        return on

    @property
    def _stop_s(self) -> int:
        return 0 if self.bypasses else STOP_S

    def _stop_phase(self) -> int:
        """Second within the cycle at which the line stops; it is the enterprise's, whatever is measured there."""
        return int(uniform(self.seed, f"stop@{self.enterprise}", np.zeros(1, dtype=np.int64))[0] * CYCLE_S)

    def _swings(self) -> list[tuple[float, float, float]]:
        phases = [2 * np.pi * constant(self.seed, f"swing {at}@{self.enterprise}") for at in range(len(SWINGS))]
        return [(2 * np.pi / period, size, phase) for (period, size), phase in zip(SWINGS, phases, strict=True)]

    def _load_integral(self, times_s: Times) -> Floats:
        """Seconds at full load since `COUNTED_FROM_S`."""

        def primitive(at: Floats) -> Floats:
            swing = sum(-size / rate * np.cos(rate * at + phase) for rate, size, phase in self._swings())
            return np.asarray(MEAN_LOAD * at + swing)

        total = self._without_stops(times_s, primitive)
        for one in self.curtailments:
            ends = np.clip(times_s, one.start_s, one.end_s)
            begin = self._without_stops(np.array([one.start_s]), primitive)
            total = total - (1.0 - one.load) * (self._without_stops(ends, primitive) - begin)
        return np.asarray(total)

    def _work_integral(self, times_s: Times) -> Floats:
        running = self._without_stops(times_s, lambda at: at)
        return np.asarray(0.23 * running + 0.75 * self._load_integral(times_s))

    def _without_stops(self, times_s: Times, primitive: Callable[[Floats], Floats]) -> Floats:
        """Integral since `COUNTED_FROM_S` of what `primitive` is the integral of, stops left out."""
        until = times_s.astype(np.float64)
        total = primitive(until) - primitive(np.array([float(COUNTED_FROM_S)]))
        phase = self._stop_phase()
        first = (COUNTED_FROM_S - phase) // CYCLE_S
        last = int((times_s.max() - phase) // CYCLE_S)
        begins = (np.arange(first, last + 1) * CYCLE_S + phase).astype(np.float64)[:, None]
        starts = np.clip(begins, COUNTED_FROM_S, None)
        ends = np.maximum(np.minimum(begins + self._stop_s, until), starts)
        stood = np.where(until > starts, primitive(ends) - primitive(starts), 0.0)
        return np.asarray(total - stood.sum(axis=0))


def meter(power: Floats, energy: Floats, seed: int, name: str, times_s: Times) -> dict[str, Floats]:
    """What an electricity meter shows for a three-phase load, by the columns of the plant family.

    Parameters
    ----------
    power, energy : ndarray of float64
        kW and kWh at each time.
    seed : int
        Seed of the simulation.
    name : str
        Identifier of the meter.
    times_s : ndarray of int64
        Unix times.

    Returns
    -------
    dict of str to ndarray of float64
        Power is the sum of voltage times current times power factor over the three phases.
    """
    rated = 5774.0 if float(np.max(power, initial=0.0)) > 1000 else 231.0
    factor = 0.90 + 0.02 * drift(seed, f"factor@{name}", times_s, HOUR_S)
    values = {"power": power, "energy": energy}
    skew = {"a": 0.01, "b": -0.015, "c": 0.005}
    for phase, more in skew.items():
        values[f"voltage_{phase}"] = rated * (1.0 + 0.004 * drift(seed, f"u{phase}@{name}", times_s, 600))
        values[f"current_{phase}"] = power * 1000 * (1.0 + more) / 3 / values[f"voltage_{phase}"] / factor
    values["power_factor"] = factor
    return values
