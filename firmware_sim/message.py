"""From what a device shows to the bytes it sends: JSON, HJ 212 or GB 17691, by the device's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

import numpy as np

from domain.family import FAMILIES
from domain.period import HOUR_S, OFFSET_S
from firmware_sim import frame_gb17691, frame_hj212
from firmware_sim.device import KINDS, RECORDS, Device, Signal, World, marks, sample_of, shown_values
from firmware_sim.fault import Values
from firmware_sim.frame_json import Reading, data_message
from firmware_sim.noise import Floats

#: Quantities that only grow: their mean over a span says nothing, so only instants carry them.
COUNTERS: Final = frozenset({"energy"})
#: Decimals of a mean at least: whether a line runs is 0 or 1 at an instant and a share over an hour.
MEAN_DECIMALS: Final = 2
Numbers = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Block:
    """Readings of one device and span: starts, means, extremes and amounts per quantity, one mark each.

    A vehicle's `mean` holds `RECORDS` numbers per reading, all others one.
    """

    device: Device
    span_s: int
    starts_s: tuple[int, ...]
    mean: Numbers
    low: Numbers
    high: Numbers
    amount: Numbers
    marks: list[str]


def measured_block(world: World, device: Device, starts_s: Sequence[int], span_s: int) -> Block:
    """What `device` shows for spans of `span_s` that begin at Unix seconds `starts_s`."""
    starts = np.asarray(starts_s, dtype=np.int64)
    sample_s = sample_of(device, span_s)
    each = RECORDS if device.kind == "vehicle" else max(span_s // sample_s, 1)
    step = 1 if device.kind == "vehicle" else sample_s
    times = (starts[:, None] + np.arange(each, dtype=np.int64) * step).ravel()
    values = shown_values(world, device, times, sample_s)
    letters = marks(world, device, starts_s, span_s)
    told = tuple(int(start) for start in starts_s)
    if each == 1 or device.kind == "vehicle":
        flat = {name: column.tolist() for name, column in values.items()}
        return Block(device, span_s, told, flat, {}, {}, {}, letters)
    mean = {name: column.reshape(-1, each).mean(axis=1) for name, column in values.items()}
    if "wind_direction" in values:
        mean["wind_direction"] = _mean_direction(values["wind_direction"].reshape(-1, each))
    shaped = {name: column.reshape(-1, each) for name, column in values.items()}
    return Block(
        device,
        span_s,
        told,
        {name: column.tolist() for name, column in mean.items()},
        {name: column.min(axis=1).tolist() for name, column in shaped.items()},
        {name: column.max(axis=1).tolist() for name, column in shaped.items()},
        _amounts(device, shaped, span_s),
        letters,
    )


def corrected(block: Block, factor: float) -> Block:
    """The same readings, every number of them `factor` times as high."""
    mean, low, high, amount = (
        {name: [factor * one for one in values] for name, values in numbers.items()}
        for numbers in (block.mean, block.low, block.high, block.amount)
    )
    return replace(block, mean=mean, low=low, high=high, amount=amount)


def _mean_direction(angles: Floats) -> Floats:
    turned = np.radians(angles)
    east, north = np.sin(turned).mean(axis=1), np.cos(turned).mean(axis=1)
    return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0)


def _amounts(device: Device, shaped: Values, span_s: int) -> Numbers:
    """Gas in m³ and pollutants in kg over each span: measured concentration times dry flow (annex D)."""
    if device.kind != "cems":
        return {}
    amounts = {"flow": (shaped["flow"].mean(axis=1) * span_s).tolist()}
    for name in ("pm", "so2", "nox"):
        amounts[name] = ((shaped[name] * shaped["flow"]).mean(axis=1) * span_s * 1e-6).tolist()
    return amounts


def json_message(block: Block, at: Sequence[int], number: int, shift_s: int = 0) -> bytes:
    """JSON message with the readings at the positions `at` of a block, their clock `shift_s` ahead."""
    columns = FAMILIES[KINDS[block.device.kind].family].keys
    readings = []
    for row in at:
        values: dict[str, float | None] = {}
        for signal in KINDS[block.device.kind].signals:
            if signal.column in COUNTERS and block.span_s:
                continue
            key = signal.column if signal.column in columns else signal.factor
            digits = max(signal.decimals, MEAN_DECIMALS) if block.span_s else signal.decimals
            values[key] = round(block.mean[signal.column][row], digits)
            if signal.converted:
                values[signal.converted] = round(block.mean[signal.converted][row], signal.decimals)
        letter = block.marks[row]
        sent = None if letter == "N" else dict.fromkeys(values, letter)
        readings.append(Reading(block.starts_s[row] + shift_s, block.span_s, values, sent))
    return data_message(number, readings)


def hj212_frame(block: Block, at: int, number: int, *, shift_s: int = 0, key: bytes | None = None) -> bytes:
    """HJ 212 frame with the reading at position `at`: 2011 for an instant, 2061 for an hour, else 2051.

    With a `key` it is one of the edition of 2025, encrypted.
    """
    device, kind = block.device, KINDS[block.device.kind]
    groups = [(signal.factor, _fields(signal, block, at), block.marks[at]) for signal in kind.signals]
    command = {0: frame_hj212.REAL_TIME, HOUR_S: frame_hj212.HOUR}.get(block.span_s, frame_hj212.MINUTE)
    version = frame_hj212.VERSION_2017 if key is None else frame_hj212.VERSION_2025
    flag = version | frame_hj212.ANSWER_WANTED
    header = frame_hj212.Header(frame_hj212.request_number(number), device.mn, system=kind.system, flag=flag)
    body = frame_hj212.group_body(block.starts_s[at] + shift_s, groups)
    segment = frame_hj212.segment(command, body, header)
    return frame_hj212.frame(segment) if key is None else frame_hj212.encrypted_frame(segment, key)


def _fields(signal: Signal, block: Block, at: int) -> Mapping[str, str]:
    def text(numbers: Numbers, column: str) -> str:
        return f"{numbers[column][at] * signal.scale + 0.0:.{signal.decimals}f}"

    basic = "Avg" if block.span_s else "Rtd"
    fields = {}
    wide = signal.total and bool(block.low)
    if wide and signal.column in block.amount:
        fields["Cou"] = f"{block.amount[signal.column][at]:.3f}"
    if wide:
        fields["Min"] = text(block.low, signal.column)
    fields[basic] = text(block.mean, signal.column)
    if wide:
        fields["Max"] = text(block.high, signal.column)
    if signal.converted:
        fields[f"Zs{basic}"] = text(block.mean, signal.converted)
    return fields


def gb17691_frame(block: Block, at: int, *, resent: bool = False, shift_s: int = 0) -> bytes:
    """Frame of a vehicle: records a second apart from the frame's time on, and each hour its diagnosis."""
    device = block.device
    start = block.starts_s[at]
    serial = (start + OFFSET_S) % 86400 // max(device.interval_s, 1) + 1
    records = []
    if start % HOUR_S < device.interval_s:
        lamp = int(block.mean["mil"][at * RECORDS])
        diagnosis = frame_gb17691.Diagnosis(
            device.vin, lamp=lamp, ready=0xA9D6, calibration=b"LANTIAN-SIM-1", cvn=b"\x4c\x54"
        )
        records.append(frame_gb17691.Record(frame_gb17691.OBD, serial, frame_gb17691.obd_body(diagnosis)))
    for row in range(at * RECORDS, (at + 1) * RECORDS):
        values = {name: column[row] for name, column in block.mean.items()}
        body = frame_gb17691.stream_body(values)
        records.append(frame_gb17691.Record(frame_gb17691.STREAM, serial, body))
    command = frame_gb17691.RESENT if resent else frame_gb17691.REAL_TIME
    return frame_gb17691.frame(command, device.vin, frame_gb17691.data_unit(start + shift_s, records))


def login_frame(device: Device, moment_s: int) -> bytes:
    """Login of a vehicle; serial and card number are made from its id."""
    card = int.from_bytes(blake2b(device.id.encode(), digest_size=6).digest(), "big") % 10**14
    unit = frame_gb17691.login_unit(moment_s, _SERIAL, f"898611{card:014d}")
    return frame_gb17691.frame(frame_gb17691.LOGIN, device.vin, unit)


def logout_frame(device: Device, moment_s: int) -> bytes:
    """Logout of a vehicle."""
    return frame_gb17691.frame(frame_gb17691.LOGOUT, device.vin, frame_gb17691.logout_unit(moment_s, _SERIAL))


_SERIAL: Final = 1
