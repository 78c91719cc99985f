"""Record layouts of heavy-vehicle remote emission frames (GB 17691-2018 annex Q), as tables.

All numbers are big-endian. A value is ``raw * resolution + offset``; raw values from `na_from` upwards say "not
available" (the standard's 0xFF.. and the J1939 codes below it that vehicles really send).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

#: Values of one field that are remembered, of fields of one or two bytes.
_MOST: Final = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """One number of a record: key, bytes, resolution, offset, unit, first raw value meaning "not available"."""

    key: str
    size: int
    resolution: float
    offset: float
    unit: str
    na_from: int | None
    na_zero: bool = False


def _field(key: str, size: int, resolution: float, offset: float, unit: str) -> Field:
    na_from = {1: 0xFE, 2: 0xFB00, 4: 0xFB000000}[size]
    return Field(key, size, resolution, offset, unit, na_from)


class Scale(dict[int, float | None]):
    """Values of a field by its raw number, None = not available; worked out when a number is met first."""

    def __init__(self, entry: Field) -> None:
        super().__init__()
        self.entry = entry

    def __missing__(self, raw: int) -> float | None:
        """The value of a number that is not remembered."""
        entry = self.entry
        if (entry.na_from is not None and raw >= entry.na_from) or (entry.na_zero and raw == 0):
            value = None
        else:
            value = round(raw * entry.resolution + entry.offset, 6)
        if entry.size <= 2 and len(self) < _MOST:
            self[raw] = value
        return value


class Layout:
    """The numbers of one type of record: their keys, how they are packed, and how each is scaled."""

    def __init__(self, name: str, fields: Sequence[Field]) -> None:
        self.name = name
        self.keys = tuple(entry.key for entry in fields)
        self.scales = tuple(map(Scale, fields))
        self.packed = struct.Struct(">" + "".join({1: "B", 2: "H", 4: "I"}[entry.size] for entry in fields))


#: Engine data stream, record type 0x02, 37 bytes. A raw NOx of 0 would be -200 ppm: no sensor reports that.
STREAM: Final[tuple[Field, ...]] = (
    _field("speed", 2, 1 / 256, 0, "km/h"),
    _field("barometric_pressure", 1, 0.5, 0, "kPa"),
    _field("net_torque", 1, 1, -125, "%"),
    _field("friction_torque", 1, 1, -125, "%"),
    _field("engine_speed", 2, 0.125, 0, "r/min"),
    _field("fuel_rate", 2, 0.05, 0, "L/h"),
    Field("nox_upstream", 2, 0.05, -200, "ppm", 0xFB00, na_zero=True),
    Field("nox_downstream", 2, 0.05, -200, "ppm", 0xFB00, na_zero=True),
    _field("reagent_level", 1, 0.4, 0, "%"),
    _field("intake_air", 2, 0.05, 0, "kg/h"),
    _field("scr_inlet_temperature", 2, 0.03125, -273, "℃"),
    _field("scr_outlet_temperature", 2, 0.03125, -273, "℃"),
    _field("dpf_pressure", 2, 0.1, 0, "kPa"),
    _field("coolant_temperature", 1, 1, -40, "℃"),
    _field("tank_level", 1, 0.4, 0, "%"),
    Field("position_status", 1, 1, 0, "", None),
    _field("longitude", 4, 1e-6, 0, "°"),
    _field("latitude", 4, 1e-6, 0, "°"),
    _field("odometer", 4, 0.1, 0, "km"),
)

#: Supplementary record, type 0x80, 17 bytes.
SUPPLEMENT: Final[tuple[Field, ...]] = (
    _field("torque_mode", 1, 1, 0, ""),
    _field("accelerator", 1, 0.4, 0, "%"),
    _field("total_fuel", 4, 0.5, 0, "L"),
    _field("reagent_temperature", 1, 1, -40, "℃"),
    _field("reagent_rate", 4, 0.01, 0, "mL/h"),
    _field("total_reagent", 4, 1, 0, "g"),
    _field("dpf_temperature", 2, 0.03125, -273, "℃"),
)

#: Fixed part of the OBD record (type 0x01) before the fault codes: key, bytes, how it is printed.
OBD: Final[tuple[tuple[str, int, str], ...]] = (
    ("protocol", 1, "number"),
    ("mil", 1, "number"),
    ("support", 2, "hex"),
    ("ready", 2, "hex"),
    ("vin", 17, "text"),
    ("calibration_id", 18, "text"),
    ("cvn", 18, "hex"),
    ("iupr", 36, "hex"),
    ("fault_count", 1, "number"),
)
OBD_SIZE: Final = sum(size for _, size, _ in OBD)
FAULT_SIZE: Final = 4
STREAM_SIZE: Final = sum(field.size for field in STREAM)
SUPPLEMENT_SIZE: Final = sum(field.size for field in SUPPLEMENT)
#: Record type -> its layout.
LAYOUTS: Final = {0x02: Layout("stream", STREAM), 0x80: Layout("supplement", SUPPLEMENT)}

#: Command byte -> name, of GB 17691 and of the GB/T 32960-like head.
COMMANDS: Final[dict[str, dict[int, str]]] = {
    "17691": {1: "login", 2: "realtime", 3: "resend", 4: "logout", 5: "time"},
    "32960": {
        1: "login",
        2: "realtime",
        3: "resend",
        4: "logout",
        5: "platform_login",
        6: "platform_logout",
        7: "heartbeat",
        8: "time",
    },
}
ENCRYPTIONS: Final[dict[int, str]] = {
    0x00: "unstated",
    0x01: "none",
    0x02: "rsa",
    0x03: "sm2",
    0x04: "sm4",
    0x05: "aes128",
    0xFE: "error",
    0xFF: "invalid",
}
