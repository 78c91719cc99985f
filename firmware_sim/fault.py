"""What goes wrong with simulated devices, when, and what it does to the values they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from firmware_sim.noise import Floats, Times, normal, uniform

Option = float | str | bool | tuple[str, ...]
Values = dict[str, Floats]

STUCK: Final = "stuck"
DRIFT: Final = "drift"
SPIKE: Final = "spike"
GAP: Final = "gap"
CLOCK_JUMP: Final = "clock_jump"
DUPLICATES: Final = "duplicate_storm"
BACKFILL: Final = "backfill"
SENSOR_SWAP: Final = "sensor_swap"
TAMPERED_OBD: Final = "tampered_obd"
TREATMENT_OFF: Final = "treatment_off"
BROKEN: Final = "broken_frames"
POWER_CUT: Final = "power_cut"
SLOW_TCP: Final = "slow_tcp"
CLIPPED: Final = "clipped"
COPIED: Final = "copied"
DILUTION: Final = "dilution"
MARKED: Final = "marked"
MIL_ON: Final = "mil_on"
SPRAYED: Final = "sprayed"
CORRECTED: Final = "corrected"

#: Kind -> option -> default; None: must be given. Texts of times are read as seconds before they come here.
OPTIONS: Final[Mapping[str, Mapping[str, Option | None]]] = MappingProxyType(
    {
        STUCK: {"columns": (), "mark": ""},
        DRIFT: {"columns": None, "per_hour": None, "mark": ""},
        SPIKE: {"columns": None, "factor": 10.0, "share": 0.05, "mark": ""},
        GAP: {},
        CLOCK_JUMP: {"by": None},
        DUPLICATES: {"copies": 5.0},
        BACKFILL: {"back": None},
        SENSOR_SWAP: {"columns": None, "gain": 1.0, "offset": 0.0, "mark": ""},
        TAMPERED_OBD: {"nox": True, "reagent": True, "dpf": True},
        TREATMENT_OFF: {},
        BROKEN: {"how": "mixed", "share": 0.2, "repeat": True},
        POWER_CUT: {},
        SLOW_TCP: {"how": "mixed", "bytes_per_s": 60.0, "pause": "20s"},
        CLIPPED: {"columns": None, "at": None, "mark": ""},
        COPIED: {"columns": (), "back": None, "mark": ""},
        DILUTION: {"part": 0.4},
        MARKED: {"mark": "M"},
        MIL_ON: {},
        SPRAYED: {"part": 0.5},
        CORRECTED: {"factor": None},
    }
)
LINES: Final = ("dribble", "stall", "half_open", "mixed")
BREAKS: Final = ("crc", "truncated", "garbage", "mixed")
VALUE_KINDS: Final = (STUCK, DRIFT, SPIKE, SENSOR_SWAP, TAMPERED_OBD, CLIPPED, COPIED, DILUTION, MIL_ON, SPRAYED)
#: Faults that only one kind of device can have; `device.KINDS`.
ONLY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {TAMPERED_OBD: ("vehicle",), MIL_ON: ("vehicle",), DILUTION: ("cems",), SPRAYED: ("air", "micro", "dust")}
)
#: Oxygen of air, percent.
_AIR_O2: Final = 20.9
_FLUE: Final = ("pm", "so2", "nox", "co", "nh3")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of some devices from Unix second `start_s` until before `end_s`; `enterprise` only of treatment_off."""

    kind: str
    devices: frozenset[str]
    start_s: int
    end_s: int
    options: Mapping[str, Option]
    enterprise: str = ""

    def lasts(self, moment_s: float) -> bool:
        """Whether it is going on at a Unix time."""
        return self.start_s <= moment_s < self.end_s

    def number(self, name: str) -> float:
        """An option that is a number."""
        return float(self.options[name])  # type: ignore[arg-type]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it concerns; none means all."""
        found = self.options.get("columns", ())
        return found if isinstance(found, tuple) else ()


def altered(
    values: Values, times_s: Times, faults: Sequence[Fault], shown_at: Callable[[Times], Values], key: tuple[int, str]
) -> Values:
    """What a device shows whose instruments have `faults`.

    Parameters
    ----------
    values : dict of str to ndarray of float64
        What sound instruments show at `times_s`.
    times_s : ndarray of int64
        Unix times, shape (n,).
    faults : sequence of Fault
        Those of this device, in the order in which they act.
    shown_at : callable
        What sound instruments show at other times.
    key : (int, str)
        Seed and device: where the chance of spikes is taken from.

    Returns
    -------
    dict of str to ndarray of float64
        New arrays; outside every fault's time the values are those given.
    """
    shown = {name: column.copy() for name, column in values.items()}
    for fault in faults:
        during = (times_s >= fault.start_s) & (times_s < fault.end_s)
        if fault.kind not in VALUE_KINDS or not during.any():
            continue
        names = [name for name in shown if not fault.columns or name in fault.columns]
        if fault.kind == TAMPERED_OBD:
            _tamper(shown, times_s, fault, shown_at, key)
            continue
        if fault.kind in _MIXED:
            for name, changed in _MIXED[fault.kind](shown, fault).items():
                shown[name] = np.where(during, changed, shown[name])
            continue
        if fault.kind == SENSOR_SWAP and len(fault.columns) == 2:
            first, second = fault.columns
            shown[first], shown[second] = (
                np.where(during, shown[second], shown[first]),
                np.where(during, shown[first], shown[second]),
            )
            continue
        for name in names:
            shown[name] = np.where(during, _wrong(name, shown[name], times_s, fault, shown_at, key), shown[name])
    return shown


def _wrong(  # noqa: PLR0913, PLR0917 - the arguments of `altered`
    name: str,
    sound: Floats,
    times_s: Times,
    fault: Fault,
    shown_at: Callable[[Times], Values],
    key: tuple[int, str],
) -> Floats:
    """What an instrument shows all the time that has this fault all the time."""
    if fault.kind == STUCK:
        return np.full(sound.shape, shown_at(np.array([fault.start_s], dtype=np.int64))[name][0])
    if fault.kind == CLIPPED:
        return np.minimum(sound, fault.number("at"))
    if fault.kind == COPIED:
        return shown_at(times_s - int(fault.number("back")))[name]
    if fault.kind == DRIFT:
        return np.asarray(sound + fault.number("per_hour") * (times_s - fault.start_s) / 3600)
    if fault.kind == SPIKE:
        chance = uniform(key[0], f"spike {name} {fault.start_s}@{key[1]}", times_s)
        return np.where(chance < fault.number("share"), sound * fault.number("factor"), sound)
    return np.asarray(sound * fault.number("gain") + fault.number("offset"))


def _diluted(shown: Values, fault: Fault) -> Values:
    """Flue gas with a part of air before the probe: less of everything, more oxygen, and converted by that."""
    part = fault.number("part")
    oxygen = shown["o2"] + (_AIR_O2 - shown["o2"]) * part
    changed = {name: shown[name] * (1.0 - part) for name in _FLUE}
    for name in _FLUE[:-1]:
        more = (21.0 - shown["o2"]) / (21.0 - oxygen)
        changed[f"{name}_converted"] = shown[f"{name}_converted"] * (1.0 - part) * more
    return changed | {"o2": oxygen}


def _lamp(shown: Values, _fault: Fault) -> Values:
    return {"mil": np.ones(shown["mil"].shape)}


def _sprayed(shown: Values, fault: Fault) -> Values:
    """Air around a station washed with water: coarse particles most, gases not."""
    part = fault.number("part")
    shares = {"pm10": part, "pm25": 0.6 * part, "tsp": part}
    changed = {name: shown[name] * (1.0 - share) for name, share in shares.items() if name in shown}
    if "pm25" in changed:
        changed["pm25"] = np.minimum(changed["pm25"], changed["pm10"])
    return changed | {"humidity": np.minimum(shown["humidity"] + 15.0, 100.0)}


_MIXED: Final[Mapping[str, Callable[[Values, Fault], Values]]] = MappingProxyType(
    {DILUTION: _diluted, MIL_ON: _lamp, SPRAYED: _sprayed}
)


def _tamper(
    shown: Values, times_s: Times, fault: Fault, shown_at: Callable[[Times], Values], key: tuple[int, str]
) -> None:
    """Exhaust treatment taken out: NOx behind the catalyst as before it, reagent frozen, no filter."""
    during = (times_s >= fault.start_s) & (times_s < fault.end_s)
    chance = normal(key[0], f"tampered@{key[1]}", times_s)
    if fault.options["nox"]:
        shown["nox_downstream"] = np.where(
            during, shown["nox_upstream"] * (0.98 + 0.01 * chance), shown["nox_downstream"]
        )
    if fault.options["reagent"]:
        frozen = shown_at(np.array([fault.start_s], dtype=np.int64))["reagent_level"][0]
        shown["reagent_level"] = np.where(during, frozen, shown["reagent_level"])
    if fault.options["dpf"]:
        shown["dpf_pressure"] = np.where(during, 0.1 + 0.02 * np.abs(chance), shown["dpf_pressure"])


def broken(payload: bytes, how: str, chance: float) -> bytes:
    """A frame as it arrives from a bad line.

    Parameters
    ----------
    payload : bytes
        The good frame.
    how : str
        ``crc`` (a byte of the content is another), ``truncated``, ``garbage`` (nothing of the frame is left) or
        ``mixed`` (one of them by chance).
    chance : float
        From 0 to below 1: decides which and where, so that the same chance breaks the same frame alike.

    Returns
    -------
    bytes
        Never the good frame.
    """
    if how == "mixed":
        how = BREAKS[int(chance * 3)]
    place = int(chance * 1_000_003)
    if how == "garbage":
        return bytes((place * (at + 7) * 31) % 251 for at in range(min(len(payload), 64) or 1)) + b"\xff"
    if how == "truncated":
        return payload[: max(1, place % max(len(payload) - 2, 1))]
    at = len(payload) // 2 + place % max(len(payload) // 4, 1)
    return payload[:at] + bytes([payload[at] ^ 0x80]) + payload[at + 1 :]
