"""A heavy vehicle on the road: way, speed, engine and exhaust treatment, all from one function of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware_sim.noise import Floats, Times, constant, drift, normal, uniform

#: Odometers began then: 2024-01-01 00:00 +08:00.
COUNTED_FROM_S: Final = 1_704_038_400
MEAN_SPEED: Final = 44.0
#: Period in seconds and share of the mean speed of each swing; their sum is 1, so the vehicle stops but never backs.
SWINGS: Final = ((83.0, 0.18), (311.0, 0.32), (1_447.0, 0.5))
#: The way is a circle of this radius in kilometres around the place where the vehicle is registered.
RADIUS_KM: Final = 7.5
KM_PER_DEGREE: Final = 111.2
REFILL_KM: Final = 2_400.0
TANK_KM: Final = 1_100.0


@dataclass(frozen=True, slots=True)
class Road:
    """The way of vehicle `name` around a place."""

    seed: int
    name: str
    longitude: float
    latitude: float

    def speed(self, times_s: Times) -> Floats:
        """Speed in km/h, never negative: the derivative of `distance`."""
        since = (times_s - COUNTED_FROM_S).astype(np.float64)
        share = 1.0 + sum(size * np.sin(rate * since + phase) for rate, size, phase in self._swings())
        return np.asarray(np.maximum(MEAN_SPEED * share, 0.0))

    def distance(self, times_s: Times) -> Floats:
        """Odometer in km: an initial one, and what was driven since `COUNTED_FROM_S`."""
        since = (times_s - COUNTED_FROM_S).astype(np.float64)
        swings = self._swings()
        driven = since + sum(
            size / rate * (np.cos(phase) - np.cos(rate * since + phase)) for rate, size, phase in swings
        )
        initial = 30_000 + 220_000 * self._chance("odometer")
        return np.asarray(initial + MEAN_SPEED * driven / 3600)

    def position(self, times_s: Times) -> tuple[Floats, Floats]:
        """Longitude and latitude in degrees."""
        angle = self.distance(times_s) / RADIUS_KM
        north = RADIUS_KM / KM_PER_DEGREE * np.sin(angle)
        east = RADIUS_KM / KM_PER_DEGREE / np.cos(np.radians(self.latitude)) * np.cos(angle)
        return self.longitude + east, self.latitude + north

    def stream(self, times_s: Times) -> dict[str, Floats]:
        """Every column of the vehicle family at each Unix time; nothing is missing."""
        speed, distance = self.speed(times_s), self.distance(times_s)
        grade = 18.0 * drift(self.seed, f"grade@{self.name}", times_s, 90)
        torque = np.clip(12.0 + 0.55 * speed + grade, 0.0, 98.0)
        engine = np.where(speed < 3.0, 620.0, 900.0 + 11.0 * (speed % 28.0) + 4.0 * speed)
        # Torque share of 2200 N·m; 0.205 kg of fuel for a kWh, 0.84 kg a litre; 21 kg of air for a kg of fuel.
        power = torque / 100 * 2200 * engine / 9550
        fuel = 1.6 + power * 0.205 / 0.84
        air = fuel * 0.84 * 21 * (1.0 + 0.03 * normal(self.seed, f"air@{self.name}", times_s))
        inlet = 210.0 + 1.5 * torque + 6.0 * drift(self.seed, f"scr@{self.name}", times_s, 300)
        upstream = 260.0 + 7.5 * torque + 25.0 * normal(self.seed, f"nox@{self.name}", times_s)
        taken = 0.955 * np.clip((inlet - 170.0) / 60.0, 0.0, 1.0)
        longitude, latitude = self.position(times_s)
        reagent = self._left("reagent", distance, REFILL_KM)
        return {
            "speed": speed,
            "barometric_pressure": np.full(times_s.shape, 89.0),
            "net_torque": np.round(torque),
            "friction_torque": np.full(times_s.shape, 7.0),
            "engine_speed": engine,
            "fuel_rate": fuel,
            "nox_upstream": upstream,
            "nox_downstream": upstream * (1.0 - taken),
            "reagent_level": reagent,
            "intake_air": air,
            "scr_inlet_temperature": inlet,
            "scr_outlet_temperature": inlet - 12.0,
            "dpf_pressure": 0.6 + 0.0052 * air + 0.15 * uniform(self.seed, f"dpf@{self.name}", times_s),
            "coolant_temperature": np.round(84.0 + 2.0 * drift(self.seed, f"coolant@{self.name}", times_s, 900)),
            "tank_level": self._left("tank", distance, TANK_KM),
            "longitude": longitude,
            "latitude": latitude,
            "odometer": distance,
            "mil": np.zeros(times_s.shape),
        }

    def _left(self, what: str, distance: Floats, filled_every_km: float) -> Floats:
        """Level in percent of something that is filled up every so many kilometres, and never below a tenth."""
        return np.asarray(100.0 - 90.0 * ((distance / filled_every_km + self._chance(what)) % 1.0))

    def _chance(self, what: str) -> float:
        return float(uniform(self.seed, f"{what}@{self.name}", np.zeros(1, dtype=np.int64))[0])

    def _swings(self) -> list[tuple[float, float, float]]:
        return [
            (2 * np.pi / period, size, 2 * np.pi * constant(self.seed, f"swing {at}@{self.name}"))
            for at, (period, size) in enumerate(SWINGS)
        ]
