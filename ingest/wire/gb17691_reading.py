"""Frames of heavy-vehicle terminals become rows: stream records to columns, everything else to factors.

A frame carries one time for all its records. Terminals sample once a second (GB 17691-2018 annex Q), so record k of a
type is taken at that time plus k seconds.
"""

from __future__ import annotations

import math
from typing import Final, cast

from domain.error import RejectError
from domain.family import VEHICLE
from domain.flag import NO_MARK
from ingest.wire.gb17691 import HEAD_SIZE, READABLE, START, Frame, Record, decode
from ingest.wire.gb17691_layout import STREAM
from ingest.wire.reading import MISSING, Decoded, FactorReading, Reading, Source, microseconds

_SECOND_US: Final = 1_000_000
_DATA_COMMANDS: Final = frozenset({"realtime", "resend"})
#: What a terminal's own commands say about its link.
_LINKS: Final = {"login": "online", "logout": "offline"}
_LAMP: Final = (0, 1)
#: Factor under which a frame's own facts are kept.
TERMINAL: Final = "terminal"
#: Values of a stream record: their columns, and those without one.
_PLACES: Final = tuple((entry.key, VEHICLE.keys.index(entry.key)) for entry in STREAM if entry.key in VEHICLE.keys)
_OTHERS: Final = tuple(entry.key for entry in STREAM if entry.key not in VEHICLE.keys)


def decode_gb17691(payload: bytes, source: Source) -> Decoded:
    """Decode one frame of stream ``data`` of a heavy vehicle.

    Parameters
    ----------
    payload : bytes
        The frame from ``23 23`` to its BCC, in binary.
    source : Source
        The device; its `mn` is the vehicle's identification number.

    Returns
    -------
    Decoded
        One reading a stream record, what the frame marks as not available NaN; OBD and supplementary records, ICCID and
        software version as factors. Commands without data have no rows.

    Raises
    ------
    RejectError
        What `gb17691.decode` raises, ``identity_mismatch``, ``encrypted``, or ``malformed`` when the data unit holds no
        record that can be read.
    """
    frame = decode(payload)
    if source.family is not VEHICLE:
        raise RejectError(
            "identity_mismatch", f"{source.device_id} is registered with family {source.family.key}; expected vehicle"
        )
    if frame.vin != source.mn:
        raise RejectError("identity_mismatch", f"VIN {frame.vin!r}; {source.device_id} is registered as {source.mn!r}")
    if frame.length and frame.encryption not in READABLE:
        raise RejectError(
            "encrypted", f"data unit of {frame.length} bytes is encrypted ({frame.encryption}); expected it in clear"
        )
    decoded = Decoded([], [], wants_reply=True, seq=_serial(frame), link=_LINKS.get(frame.command_name))
    if frame.command_name in _DATA_COMMANDS and not frame.records:
        raise RejectError(
            "malformed", f"data unit of {frame.length} bytes holds no record 01, 02 or 80 of GB 17691 ({frame.layout})"
        )
    if frame.time is not None:
        _Rows(decoded, source, microseconds(frame.time)).take(frame)
    return decoded


def serial_number(payload: bytes) -> int | None:
    """The serial of a frame that may be broken otherwise, for the answer that names it; None when it has none."""
    if len(payload) <= HEAD_SIZE or payload[:2] != START:
        return None
    try:
        return _serial(decode(payload))
    except RejectError:
        return None


def _serial(frame: Frame) -> int | None:
    if frame.serial is not None or not frame.records:
        return frame.serial
    return frame.records[0].serial


class _Rows:
    """The rows of one frame while they are being filled."""

    def __init__(self, decoded: Decoded, source: Source, time_us: int) -> None:
        self.decoded = decoded
        self.source = source
        self.time_us = time_us

    def take(self, frame: Frame) -> None:
        """Append the rows of every record."""
        streams = [record for record in frame.records if record.name == "stream"]
        others = [record for record in frame.records if record.name != "stream"]
        lamp = _lamp(frame)
        counts: dict[str, int] = {}
        for record in others:
            at = counts.get(record.name, 0)
            counts[record.name] = at + 1
            for key, value in record.values.items():
                if not (key == "mil" and lamp is not None):
                    self._keep(record.name, key, value, at)
        for at, record in enumerate(streams):
            self._read(record, lamp, at)
        if lamp is not None and not streams:
            row = [MISSING] * self.source.family.width
            row[self.source.positions["mil"]] = lamp
            self._append(row, 0)
        self._keep(TERMINAL, "iccid", frame.iccid, 0)
        self._keep(TERMINAL, "software_version", frame.software_version, 0)

    def _read(self, record: Record, lamp: float | None, at: int) -> None:
        values = cast("dict[str, float | None]", record.values)
        row = [MISSING] * self.source.family.width
        for key, position in _PLACES:
            value = values[key]
            if value is not None:
                row[position] = value
        if lamp is not None:
            row[self.source.positions["mil"]] = lamp
        self._append(row, at)
        for key in _OTHERS:
            if record.raw[key]:  # the position's hemispheres and validity are in its sign and absence; zero is usual
                self._keep(record.name, key, record.raw[key], at)

    def _append(self, row: list[float], at: int) -> None:
        time_us = self.time_us + at * _SECOND_US
        self.decoded.readings.append(Reading(time_us, 0, row, self.source.blank_marks, False))

    def _keep(self, factor: str, field: str, value: object, at: int) -> None:
        """One value without a column: numbers as numbers, the rest as text; what is not available is not kept."""
        text = None
        number = MISSING
        if isinstance(value, int | float):
            number = float(value)
        elif isinstance(value, list):
            text = " ".join(str(entry) for entry in value)
        elif value is not None:
            text = str(value)
        if text or not math.isnan(number):
            time_us = self.time_us + at * _SECOND_US
            self.decoded.factors.append(FactorReading(time_us, 0, factor, field, number, text or None, NO_MARK))


def _lamp(frame: Frame) -> float | None:
    """State of the malfunction lamp by the frame's last OBD record; None when it says neither on nor off."""
    states = [record.values["mil"] for record in frame.records if record.name == "obd"]
    state = states[-1] if states else None
    return float(state) if isinstance(state, int) and state in _LAMP else None
