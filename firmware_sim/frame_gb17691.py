"""The encoder of heavy-vehicle remote emission terminals (GB 17691-2018 annex Q). It shares nothing with the collector.

A frame is ``23 23``, command, VIN, software version, encryption, length, data unit and BCC; all numbers are big-endian.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from domain.error import ConfigurationError
from domain.period import ZONE

LOGIN: Final = 0x01
REAL_TIME: Final = 0x02
RESENT: Final = 0x03
LOGOUT: Final = 0x04
OBD: Final = 0x01
STREAM: Final = 0x02
PLAIN: Final = 0x01
LONGEST_UNIT: Final = 65531
#: Engine data stream, record 0x02: column, bytes, steps per unit, offset.
STREAM_FIELDS: Final = (
    ("speed", 2, 256.0, 0.0),
    ("barometric_pressure", 1, 2.0, 0.0),
    ("net_torque", 1, 1.0, 125.0),
    ("friction_torque", 1, 1.0, 125.0),
    ("engine_speed", 2, 8.0, 0.0),
    ("fuel_rate", 2, 20.0, 0.0),
    ("nox_upstream", 2, 20.0, 200.0),
    ("nox_downstream", 2, 20.0, 200.0),
    ("reagent_level", 1, 2.5, 0.0),
    ("intake_air", 2, 20.0, 0.0),
    ("scr_inlet_temperature", 2, 32.0, 273.0),
    ("scr_outlet_temperature", 2, 32.0, 273.0),
    ("dpf_pressure", 2, 10.0, 0.0),
    ("coolant_temperature", 1, 1.0, 40.0),
    ("tank_level", 1, 2.5, 0.0),
    ("position_status", 1, 1.0, 0.0),
    ("longitude", 4, 1e6, 0.0),
    ("latitude", 4, 1e6, 0.0),
    ("odometer", 4, 10.0, 0.0),
)
#: Largest raw values that are measurements; what lies above says "not available" or "error".
_LARGEST: Final = {1: 0xFA, 2: 0xFAFF, 4: 0xFAFFFFFF}
_NO_RAW: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Record:
    """One information record: its type byte and its body; `serial` goes into the record in dialect A."""

    kind: int
    serial: int
    body: bytes


def frame(command: int, vin: str, unit: bytes, *, software: int = 1, encryption: int = PLAIN) -> bytes:
    """Frame around a data unit.

    Parameters
    ----------
    command : int
        Command byte.
    vin : str
        17 characters.
    unit : bytes
        The data unit.
    software : int
        Version byte of the terminal.
    encryption : int
        Encryption byte.

    Raises
    ------
    ConfigurationError
        When the VIN has not 17 characters or the unit is too long.
    """
    if len(vin) != 17 or not vin.isascii():
        raise ConfigurationError(f"VIN {vin!r}; expected 17 letters and digits")
    if len(unit) > LONGEST_UNIT:
        raise ConfigurationError(f"data unit of {len(unit)} bytes; expected at most {LONGEST_UNIT}")
    body = bytes([command]) + vin.encode() + bytes([software, encryption]) + len(unit).to_bytes(2, "big") + unit
    check = 0
    for byte in body:
        check ^= byte
    return b"##" + body + bytes([check])


def moment_bytes(moment_s: int) -> bytes:
    """Six bytes year since 2000, month, day, hour, minute, second of a Unix time in Beijing time."""
    moment = dt.datetime.fromtimestamp(moment_s, ZONE)
    return bytes([moment.year - 2000, moment.month, moment.day, moment.hour, moment.minute, moment.second])


def login_unit(moment_s: int, serial: int, iccid: str) -> bytes:
    """Data unit of a login: time, serial of the day's logins, ICCID of 20 characters."""
    if len(iccid) != 20:
        raise ConfigurationError(f"ICCID {iccid!r}; expected 20 characters")
    return moment_bytes(moment_s) + serial.to_bytes(2, "big") + iccid.encode()


def logout_unit(moment_s: int, serial: int) -> bytes:
    """Data unit of a logout: time and the serial of its login."""
    return moment_bytes(moment_s) + serial.to_bytes(2, "big")


def data_unit(moment_s: int, records: Sequence[Record], dialect: Literal["A", "B"] = "A") -> bytes:
    """Data unit of real-time or resent data: A gives each record its serial, B one to all."""
    if dialect == "A":
        told = b"".join(bytes([one.kind]) + one.serial.to_bytes(2, "big") + one.body for one in records)
        return moment_bytes(moment_s) + told
    serial = records[0].serial.to_bytes(2, "big")
    return moment_bytes(moment_s) + serial + b"".join(bytes([one.kind]) + one.body for one in records)


def stream_body(values: Mapping[str, float | None], raw: Mapping[str, int] = _NO_RAW) -> bytes:
    """Body of 37 bytes of an engine data stream record.

    Parameters
    ----------
    values : mapping of column to number or None
        In the units of the vehicle family; what is absent or None is sent as not available, what leaves the range of
        its bytes as the nearest value.
    raw : mapping of column to int
        Raw numbers that stand in place of a value.

    Returns
    -------
    bytes
        West and south are told by the status byte, whose first bit says that there is no position.
    """
    longitude, latitude = values.get("longitude"), values.get("latitude")
    status = 1 if longitude is None or latitude is None else 2 * (latitude < 0) + 4 * (longitude < 0)
    told = {"position_status": status, **raw}
    body = b""
    for name, size, steps, offset in STREAM_FIELDS:
        value = values.get(name)
        if name in told:
            number = told[name]
        elif value is None:
            number = 256**size - 1
        else:
            plain = abs(value) if name in ("longitude", "latitude") else value
            number = min(max(round((plain + offset) * steps), 0), _LARGEST[size])
        body += number.to_bytes(size, "big")
    return body


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an OBD record tells: protocol (0 ISO 15765, 1 ISO 27145, 2 J1939), lamp, software, fault codes."""

    vin: str
    protocol: int = 2
    lamp: int = 0
    support: int = 0xABDE
    ready: int = 0
    calibration: bytes = b""
    cvn: bytes = b""
    iupr: bytes = b""
    faults: tuple[int, ...] = ()


def obd_body(diagnosis: Diagnosis) -> bytes:
    """Body of 96 bytes and four for every fault code of an OBD record; short fields are filled with zero bytes."""
    head = bytes([diagnosis.protocol, diagnosis.lamp])
    head += diagnosis.support.to_bytes(2, "big") + diagnosis.ready.to_bytes(2, "big") + diagnosis.vin.encode()
    fixed = ((diagnosis.calibration, 18), (diagnosis.cvn, 18), (diagnosis.iupr, 36))
    head += b"".join(content.ljust(size, b"\0") for content, size in fixed)
    return head + bytes([len(diagnosis.faults)]) + b"".join(code.to_bytes(4, "big") for code in diagnosis.faults)
