"""A simulated station: what stands where, what its instruments show, and its messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from domain.county import County
from domain.error import ConfigurationError
from domain.period import HOUR_S
from firmware_sim import frame_hj212
from firmware_sim.air import concentrations
from firmware_sim.fault import Fault, altered
from firmware_sim.frame_json import READINGS_PER_MESSAGE, Reading, data_message
from firmware_sim.link import topic
from firmware_sim.noise import Floats, Times, constant, normal
from firmware_sim.outbox import Parcel
from firmware_sim.weather import Sky

#: Kinds of sites whose air devices are stations of the county's own network.
STATION_KINDS: Final = frozenset({"ambient", "micro", "park"})
#: Longest time that one sample of an instrument stands for; longer spans are means of such samples.
SAMPLE_S: Final = 300
#: Decimals an instrument shows.
DECIMALS: Final = {"co": 3, "pressure": 1, "wind_direction": 0}
#: Instrument noise: (relative, absolute) of a reference station and of a micro station.
REFERENCE_NOISE: Final = {"pm25": (0.02, 0.7), "pm10": (0.02, 1.0), "so2": (0.02, 0.5), "no2": (0.02, 0.6),
                          "co": (0.02, 0.02), "o3": (0.02, 0.8)}  # fmt: skip
MICRO_NOISE: Final = {"pm25": (0.06, 1.2), "pm10": (0.08, 2.0), "so2": (0.10, 3.0), "no2": (0.10, 3.5),
                      "co": (0.08, 0.08), "o3": (0.10, 4.0)}  # fmt: skip
#: Standard deviation of a micro station's lasting faults: (gain, offset). Electrochemical cells drift apart.
MICRO_BIAS: Final = {"pm25": (0.10, 0.0), "pm10": (0.14, 0.0), "so2": (0.10, 3.0), "no2": (0.12, 4.0),
                     "co": (0.08, 0.10), "o3": (0.12, 5.0)}  # fmt: skip
#: HJ 212 factor -> (column, multiplied by, decimals). Field units: µg/m³, CO mg/m³, pressure kPa.
FACTORS: Final = {
    "a34004": ("pm25", 1.0, 1),
    "a34002": ("pm10", 1.0, 1),
    "a21026": ("so2", 1.0, 1),
    "a21004": ("no2", 1.0, 1),
    "a21005": ("co", 1.0, 3),
    "a05024": ("o3", 1.0, 1),
    "a01001": ("temperature", 1.0, 1),
    "a01002": ("humidity", 1.0, 1),
    "a01006": ("pressure", 0.1, 2),
    "a01007": ("wind_speed", 1.0, 1),
    "a01008": ("wind_direction", 1.0, 0),
}


@dataclass(frozen=True, slots=True)
class Station:
    """One simulated device and the site it stands at; `mn` is its HJ 212 identity, `faults` those of its values."""

    id: str
    county: str
    site: str
    kind: str
    protocol: str
    mn: str
    span_s: int
    interval_s: int
    faults: tuple[Fault, ...] = field(default=(), compare=False)

    @property
    def micro(self) -> bool:
        """Whether its instruments are those of a micro station."""
        return self.kind == "micro"

    @property
    def spans_s(self) -> tuple[int, ...]:
        """Spans it sends all the time: its usual one, and the hour for HJ 212 stations."""
        usual = self.span_s if 0 < self.span_s <= HOUR_S else SAMPLE_S
        return tuple(dict.fromkeys((usual, HOUR_S))) if self.protocol == "hj212" else (usual,)

    def topic(self, stream: str) -> str:
        """Topic of one of its streams."""
        return topic(self.county, self.protocol, self.id, stream)


def county_stations(county: County, wanted: Iterable[str] = ()) -> tuple[Station, ...]:
    """The air stations of a county's data set that speak JSON or HJ 212.

    Parameters
    ----------
    county : County
        The data set.
    wanted : iterable of str
        Device ids to take; none means all.

    Returns
    -------
    tuple of Station
        In the data set's order.

    Raises
    ------
    ConfigurationError
        When a wanted device is not among them.
    """
    kinds = {site.id: site.kind for site in county.sites}
    found = [
        Station(
            device.id,
            county.id,
            device.site,
            kinds[device.site],
            device.protocol,
            device.mn or "",
            device.span_s,
            device.interval_s,
        )
        for device in county.devices
        if device.family == "air" and device.protocol in {"json", "hj212"} and kinds[device.site] in STATION_KINDS
    ]
    names = set(wanted)
    unknown = names - {station.id for station in found}
    if unknown:
        known = ", ".join(station.id for station in found)
        raise ConfigurationError(f"devices {', '.join(sorted(unknown))} cannot be simulated; expected some of {known}")
    return tuple(station for station in found if not names or station.id in names)


def measured(sky: Sky, station: Station, starts_s: Times, span_s: int) -> dict[str, Floats]:
    """What a station shows for spans that start at `starts_s`: the mean of a sample every five minutes, rounded.

    Parameters
    ----------
    sky : Sky
        Seed and episodes.
    station : Station
        Where and which instruments.
    starts_s : ndarray of int64
        Unix seconds at which the spans start, shape (n,).
    span_s : int
        Length of every span in seconds.

    Returns
    -------
    dict of str to ndarray of float64
        Columns of the air family in canonical units, each of shape (n,). No value is missing or negative (temperature
        may be); PM2.5 never exceeds PM10.
    """
    sample_s = min(SAMPLE_S, span_s)
    per_span = span_s // sample_s
    times = (starts_s[:, None] + np.arange(per_span, dtype=np.int64) * sample_s).ravel()
    shown = samples(sky, station, times, sample_s)
    if station.faults:

        def sound(moments: Times) -> dict[str, Floats]:
            return samples(sky, station, moments, sample_s)

        shown = _rounded(altered(shown, times, station.faults, sound, (sky.seed, station.id)))
    if per_span == 1:
        return shown
    angles = np.radians(shown.pop("wind_direction")).reshape(-1, per_span)
    means = {name: values.reshape(-1, per_span).mean(axis=1) for name, values in shown.items()}
    means["wind_direction"] = np.degrees(np.arctan2(np.sin(angles).mean(axis=1), np.cos(angles).mean(axis=1))) % 360
    return _rounded(means)


def samples(sky: Sky, station: Station, times: Times, sample_s: int) -> dict[str, Floats]:
    """What the instruments of `station` show at Unix `times`, each sample standing for `sample_s`; rounded columns."""
    values = concentrations(sky, station.site, station.kind, times + sample_s // 2)
    noise = MICRO_NOISE if station.micro else REFERENCE_NOISE
    for name, (relative, absolute) in noise.items():
        chance = normal(sky.seed, f"noise {name}@{station.id}", times)
        shown = values[name] * (1.0 + relative * chance) + absolute * normal(
            sky.seed, f"zero {name}@{station.id}", times
        )
        if station.micro:
            gain, offset = MICRO_BIAS[name]
            shown = shown * np.exp(gain * constant(sky.seed, f"gain {name}@{station.id}"))
            shown = shown + offset * constant(sky.seed, f"offset {name}@{station.id}")
        values[name] = np.maximum(shown, 0.0)
    if station.micro:
        # Optical counters see the water on the particles.
        damp = 1.0 + 0.5 * np.clip((values["humidity"] - 70.0) / 30.0, 0.0, 1.0) ** 2
        values["pm25"], values["pm10"] = values["pm25"] * damp, values["pm10"] * damp
    values["pm10"] = np.maximum(values["pm10"], values["pm25"])
    return _rounded(values)


def _rounded(values: dict[str, Floats]) -> dict[str, Floats]:
    shown = {name: np.round(column, DECIMALS.get(name, 1)) + 0.0 for name, column in values.items()}
    shown["wind_direction"] %= 360.0
    return shown


def parcels(
    sky: Sky, station: Station, starts_s: Sequence[int], span_s: int, numbers: Iterable[int]
) -> list[tuple[Parcel, list[int]]]:
    """Messages that carry the spans starting at `starts_s`, each with the starts it carries.

    JSON devices put up to `READINGS_PER_MESSAGE` readings into one message, HJ 212 frames carry one span each.
    `numbers` supplies one new number per message.
    """
    if len(starts_s) == 0:
        return []
    shown = measured(sky, station, np.asarray(starts_s, dtype=np.int64), span_s)
    supply, where = iter(numbers), station.topic("data")
    if station.protocol == "json":
        columns = {name: values.tolist() for name, values in shown.items()}
        readings = [
            Reading(int(start), span_s, {name: values[at] for name, values in columns.items()})
            for at, start in enumerate(starts_s)
        ]
        groups = [readings[at : at + READINGS_PER_MESSAGE] for at in range(0, len(readings), READINGS_PER_MESSAGE)]
        return [
            (Parcel(number, station.id, where, data_message(number, group)), [one.start_s for one in group])
            for group, number in zip(groups, supply, strict=False)
        ]
    texts = {
        factor: [f"{value:.{decimals}f}" for value in (shown[column] * scale).tolist()]
        for factor, (column, scale, decimals) in FACTORS.items()
    }
    made = []
    for at, (start, number) in enumerate(zip(starts_s, supply, strict=False)):
        values = [(factor, column[at], "N") for factor, column in texts.items()]
        made.append(
            (Parcel(number, station.id, where, _frame(station, int(start), span_s, number, values)), [int(start)])
        )
    return made


def _frame(station: Station, start_s: int, span_s: int, number: int, values: list[tuple[str, str, str]]) -> bytes:
    command = frame_hj212.HOUR if span_s == HOUR_S else frame_hj212.MINUTE
    body = frame_hj212.data_body(start_s, "Avg", values)
    request = frame_hj212.request_number(number)
    header = frame_hj212.Header(request, station.mn)
    return frame_hj212.frame(frame_hj212.segment(command, body, header))
