"""Frames of heavy-vehicle remote emission terminals: GB 17691-2018 annex Q, and the GB/T 32960 head some terminals use.

A frame is ``23 23``, command, VIN and two bytes that the layouts arrange differently, encryption, length, data, BCC.
Both heads are 24 bytes with the length at the same place; they differ in whether the VIN starts at byte 3 or, after an
answer mark, at byte 4. The real-time unit has two dialects: A (every record carries its serial) and B (one serial for
all, records possibly signed), told apart by which of them uses up the declared length exactly.
"""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Final, NamedTuple

from domain.error import RejectError
from domain.period import ZONE
from ingest.wire.gb17691_layout import (
    COMMANDS,
    ENCRYPTIONS,
    FAULT_SIZE,
    LAYOUTS,
    OBD,
    OBD_SIZE,
    STREAM_SIZE,
    SUPPLEMENT_SIZE,
)

START: Final = b"##"
HEAD_SIZE: Final = 24
MAX_FAULTS: Final = 253
#: Encryption marks under which the data unit is plain; field terminals also leave the byte 0.
READABLE: Final = frozenset({"none", "unstated"})
#: Signature after a record of dialect B: a length of 32 and R, then the same and S; text padded with zero bytes.
_SIGNATURE: Final = re.compile(rb"(?:\x20[\x00\x21-\x7e]{32}){2}")
_ANSWER_MARKS: Final = frozenset({0x01, 0x02, 0x03, 0xFE})

Value = float | int | str | list[str] | None


@dataclass(frozen=True, slots=True)
class Record:
    """One information record: its type byte, serial, decoded values (None = not available) and raw numbers."""

    type: int
    name: str
    serial: int | None
    values: dict[str, Value]
    raw: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame. `dialect` is "A", "B" or None; `rest` holds what follows the known records (user data)."""

    layout: str
    command: int
    command_name: str
    answer: int | None
    vin: str
    software_version: int | None
    encryption: str
    length: int
    bcc: int
    time: dt.datetime | None
    serial: int | None
    iccid: str | None
    dialect: str | None
    records: tuple[Record, ...]
    rest: bytes


def bcc(data: bytes) -> int:
    """Block check: exclusive or of all bytes (GB 17691-2018 annex Q)."""
    return reduce(xor, data, 0)


def frame_checks(frame: bytes) -> tuple[bool, bool] | None:
    """Whether the length field and the BCC are right; None for bytes too short or without the start of a frame."""
    if len(frame) < HEAD_SIZE + 1 or frame[:2] != START:
        return None
    return len(frame) == HEAD_SIZE + int.from_bytes(frame[22:24], "big") + 1, frame[-1] == bcc(frame[2:-1])


class Head(NamedTuple):
    """What the first 24 bytes of a frame say of it."""

    layout: str
    command: int
    command_name: str
    vin: str


def read_head(frame: bytes) -> Head | None:
    """Layout, command and VIN of a frame that may be broken otherwise; None when it has no whole head."""
    if len(frame) < HEAD_SIZE or frame[:2] != START:
        return None
    layout = "32960" if frame[3] in _ANSWER_MARKS else "17691"
    command = frame[2]
    name = COMMANDS[layout].get(command, "user" if command >= 0x81 else "reserved")
    return Head(layout, command, name, _text(frame[3:20] if layout == "17691" else frame[4:21]))


def decode(frame: bytes) -> Frame:
    """Decode one frame.

    Parameters
    ----------
    frame : bytes
        The whole frame from ``23 23`` to BCC.

    Returns
    -------
    Frame
        With every field of OBD, stream and supplementary records; what the frame marks as not available is None,
        its raw number stays.

    Raises
    ------
    RejectError
        `malformed` (start, head or record structure), `length_mismatch`, `crc_mismatch` (BCC), `bad_time`.
    """
    if len(frame) < HEAD_SIZE + 1:
        raise RejectError("malformed", f"frame has {len(frame)} bytes; expected at least {HEAD_SIZE + 1}")
    if frame[:2] != START:
        raise RejectError("malformed", f"frame starts with {frame[:2].hex()}; expected 2323")
    length = int.from_bytes(frame[22:24], "big")
    if len(frame) != HEAD_SIZE + length + 1:
        raise RejectError(
            "length_mismatch", f"length field says {length} bytes of data; the frame holds {len(frame) - HEAD_SIZE - 1}"
        )
    expected = bcc(frame[2:-1])
    if frame[-1] != expected:
        raise RejectError("crc_mismatch", f"BCC is {frame[-1]:02X}; computed {expected:02X}")
    return _decode_checked(frame, length)


def _decode_checked(frame: bytes, length: int) -> Frame:
    head = read_head(frame)
    assert head is not None
    layout, command, name, vin = head
    data = frame[HEAD_SIZE:-1]
    encryption = ENCRYPTIONS.get(frame[21], f"{frame[21]:02x}")
    time, serial, iccid = None, None, None
    dialect: str | None = None
    records: tuple[Record, ...] = ()
    rest = data
    readable = encryption in READABLE and len(data) >= 6
    if readable and name in ("login", "logout", "realtime", "resend"):
        time, rest = _time(data), data[6:]
        if name in ("login", "logout"):
            serial, iccid, rest = _session(rest, with_iccid=name == "login")
        elif layout == "17691":
            dialect, serial, records, rest = _records(rest)
        else:
            dialect, serial, records, rest = _foreign_records(rest)
    return Frame(
        layout=layout,
        command=command,
        command_name=name,
        answer=frame[3] if layout == "32960" else None,
        vin=vin,
        software_version=frame[20] if layout == "17691" else None,
        encryption=encryption,
        length=length,
        bcc=frame[-1],
        time=time,
        serial=serial,
        iccid=iccid,
        dialect=dialect,
        records=records,
        rest=rest,
    )


def _time(data: bytes) -> dt.datetime:
    year, month, day, hour, minute, second = data[:6]
    try:
        return dt.datetime(2000 + year, month, day, hour, minute, second, tzinfo=ZONE)
    except ValueError as error:
        raise RejectError("bad_time", f"time bytes {data[:6].hex()} are no YYMMDDhhmmss: {error}") from error


def _session(rest: bytes, *, with_iccid: bool) -> tuple[int | None, str | None, bytes]:
    if len(rest) < 2:
        return None, None, rest
    serial = int.from_bytes(rest[:2], "big")
    if with_iccid and len(rest) >= 22:
        return serial, _text(rest[2:22]), rest[22:]
    return serial, None, rest[2:]


def _text(data: bytes) -> str:
    """Printable text of a padded field: what is not ASCII is shown as an escape, padding is cut."""
    return data.rstrip(b"\x00 ").decode("ascii", "backslashreplace")


def _records(unit: bytes) -> tuple[str, int | None, tuple[Record, ...], bytes]:
    """Both dialects tried; the one that uses up the unit wins, else the one that leaves least."""
    serial = int.from_bytes(unit[:2], "big") if len(unit) >= 2 else None
    a_records, a_rest = _walk(unit, own_serial=True)
    if not a_rest:
        return "A", None, a_records, b""
    b_records, b_rest = _walk(unit[2:], own_serial=False)
    if b_records and (not b_rest or not a_records or len(b_rest) <= len(a_rest)):
        return "B", serial, b_records, b_rest
    if a_records:
        return "A", None, a_records, a_rest
    raise RejectError("malformed", f"data unit of {len(unit)} bytes begins with no known record in either dialect")


def _foreign_records(unit: bytes) -> tuple[str | None, int | None, tuple[Record, ...], bytes]:
    """Records under the GB/T 32960 head: ours only when they use up the unit, which that standard's own never do."""
    with suppress(RejectError):
        dialect, serial, records, rest = _records(unit)
        if records and not rest:
            return dialect, serial, records, b""
    return None, None, (), unit


def _walk(unit: bytes, *, own_serial: bool) -> tuple[tuple[Record, ...], bytes]:
    """Records from the start of `unit` as far as their types and lengths are known, and what is left."""
    records: list[Record] = []
    at = 0
    head = 3 if own_serial else 1
    while at + head <= len(unit):
        kind = unit[at]
        serial = int.from_bytes(unit[at + 1 : at + 3], "big") if own_serial else None
        body = unit[at + head :]
        size = _body_size(kind, body)
        if size is None or size > len(body):
            break
        records.append(_record(kind, serial, body[:size]))
        at += head + size
        signature = None if own_serial else _SIGNATURE.match(unit, at)
        at = signature.end() if signature else at
    return tuple(records), unit[at:]


def _body_size(kind: int, body: bytes) -> int | None:
    if kind == 0x02:
        return STREAM_SIZE
    if kind == 0x80:
        return SUPPLEMENT_SIZE
    if kind == 0x01 and len(body) >= OBD_SIZE and body[OBD_SIZE - 1] <= MAX_FAULTS:
        return OBD_SIZE + FAULT_SIZE * body[OBD_SIZE - 1]
    return None


def _record(kind: int, serial: int | None, body: bytes) -> Record:
    if kind == 0x01:
        return Record(kind, "obd", serial, _obd(body))
    layout = LAYOUTS[kind]
    numbers = layout.packed.unpack(body)
    raw = dict(zip(layout.keys, numbers, strict=True))
    values: dict[str, Value] = {
        key: scale[number] for key, scale, number in zip(layout.keys, layout.scales, numbers, strict=True)
    }
    if layout.name == "stream":
        _sign_position(values, raw["position_status"])
    return Record(kind, layout.name, serial, values, raw)


def _obd(body: bytes) -> dict[str, Value]:
    values: dict[str, Value] = {}
    at = 0
    for key, size, form in OBD:
        part = body[at : at + size]
        values[key] = part[0] if form == "number" else part.hex().upper() if form == "hex" else _text(part)
        at += size
    values["faults"] = [body[n : n + FAULT_SIZE].hex().upper() for n in range(at, len(body), FAULT_SIZE)]
    return values


def _sign_position(values: dict[str, Value], status: int) -> None:
    """Bit 0 set: no fix, so no position; bit 1: southern latitude; bit 2: western longitude."""
    for key, bit in (("latitude", 0x02), ("longitude", 0x04)):
        value = values[key]
        if status & 0x01 or not isinstance(value, float):
            values[key] = None
        elif status & bit:
            values[key] = -value
