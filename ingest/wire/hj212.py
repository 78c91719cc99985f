"""HJ 212 frames (2005, 2017, 2025 in clear or encrypted): strict in length and checksum, lenient in content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from domain.error import RejectError
from ingest.wire.hj212_crc import hj212_crc, modbus_crc
from ingest.wire.hj212_sm4 import in_clear, is_encrypted

MAX_SEGMENT: Final = 9999
#: Larger numbers are garbage and stay text; conversion of units cannot overflow below it.
MAX_NUMBER: Final = 1e100
#: Version bits of Flag -> edition of the standard (HJ 212-2017 table 3; 2025: version 2).
VERSIONS: Final = {0: 2005, 1: 2017, 2: 2025}
HEADER_FIELDS: Final = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO")
_WANTS_ANSWER: Final = 0b01
_HEAD: Final = 6
_TAIL: Final = 4
_OPENING: Final = "CP=&&"
_CLOSING: Final = "&&"
_CANONICAL: Final = {name: name for name in HEADER_FIELDS}
_FOLDED: Final = {name.casefold(): name for name in HEADER_FIELDS}
_FIELDS: Final = {
    name.casefold(): name
    for name in (
        *("Rtd", "Min", "Avg", "Max", "Cou", "ZsRtd", "ZsMin", "ZsAvg", "ZsMax", "Flag", "EFlag"),
        *("SampleTime", "Info", "SN", "RS", "RT", "Data", "DayData", "NightData"),
    )
}
_CRC_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{4}")
_QN: Final = re.compile(rb"QN=([0-9]{1,20})[;&]")


class Name(NamedTuple):
    """What stands left of an equals sign: ``a34004-Rtd`` is factor a34004, field Rtd; no hyphen, no field.

    `key` is both in one text, spelled one way whatever the case of the field was.
    """

    factor: str
    field: str
    key: str


#: One value of a frame as sent: name, text, and the pollutant that its group speaks about, mostly None.
#: A plain tuple: one is made for every value of every frame.
Value: TypeAlias = tuple[Name, str, str | None]


@dataclass(slots=True)
class Frame:
    """One frame, taken apart.

    Attributes
    ----------
    length : int
        Bytes of the data segment.
    crc : int
        Checksum of the data segment.
    header : dict of str to str
        Header fields as sent, by their canonical names.
    data_time : str or None
        ``DataTime`` as sent.
    values : list of Value
        Values of factors, in order.
    marks : dict of str to str
        Factor -> ``Flag`` as sent.
    parameters : list of (str, str)
        What belongs to no factor, such as ``RestartTime``.
    """

    length: int
    crc: int
    header: dict[str, str]
    data_time: str | None = None
    values: list[Value] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    parameters: list[tuple[str, str]] = field(default_factory=list)

    @property
    def flag(self) -> int | None:
        """The header's ``Flag`` as a number; None when it is missing or no number of one byte."""
        text = self.header.get("Flag", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255 else None

    @property
    def version(self) -> int | None:
        """Edition of the standard by the version bits; None without a flag or for an unknown version."""
        return None if self.flag is None else VERSIONS.get(self.flag >> 2)

    @property
    def wants_answer(self) -> bool:
        """Whether bit A of the flag asks for an answer."""
        return bool((self.flag or 0) & _WANTS_ANSWER)


def decode_frame(payload: bytes, crc_policy: str = "exact", keys: Sequence[bytes] = ()) -> Frame:
    """Take one frame apart, from ``##`` to the checksum.

    Parameters
    ----------
    payload : bytes
        The frame; a final CR LF may be there or not.
    crc_policy : {'exact', 'swapped', 'modbus'}
        Checksum accepted besides the right one: its bytes exchanged, or that of Modbus.
    keys : sequence of bytes
        SM4 keys that an encrypted content may have been encrypted with (HJ 212-2025), the likeliest first.

    Returns
    -------
    Frame
        Text as sent; no value is interpreted.

    Raises
    ------
    RejectError
        ``malformed``, ``too_large``, ``length_mismatch`` or ``crc_mismatch`` (HJ 212-2017 6.3); ``encrypted`` without
        a key, ``wrong_key`` when none fits.
    """
    payload = payload.rstrip(b"\r\n")
    if is_encrypted(payload):
        return _decode_encrypted(payload, crc_policy, keys)
    return _decode_clear(payload, crc_policy)


def _decode_encrypted(payload: bytes, crc_policy: str, keys: Sequence[bytes]) -> Frame:
    """The first key under which length and checksum are right is the right one."""
    if not keys:
        raise RejectError("encrypted", "the content is encrypted (SM4); no key is registered for this device")
    checks = frame_checks(payload)
    for key in keys:
        clear = in_clear(payload, key)
        if checks == (True, True):
            clear = _reframed(clear)
        with suppress(RejectError):
            frame = _decode_clear(clear, crc_policy)
            if frame.data_time is not None or frame.values or frame.parameters:
                return frame
    raise RejectError(
        "wrong_key",
        f"none of {len(keys)} registered keys gives a content whose length and checksum are those of the frame; "
        "expected the key that the device encrypts with (or the frame was damaged)",
    )


def _reframed(clear: bytes) -> bytes:
    """A decrypted frame whose length field and checksum were those of the ciphertext, with its own."""
    segment = clear[_HEAD:-_TAIL]
    if not segment[segment.index(b"CP=&&") :].decode("gb18030", "replace").isprintable():
        return clear
    return b"##%04d%s%04X" % (len(segment), segment, hj212_crc(segment))


def _decode_clear(payload: bytes, crc_policy: str) -> Frame:
    segment, digits = _split(payload)
    declared = int(payload[2:_HEAD])
    if declared != len(segment):
        raise RejectError("length_mismatch", f"length field {declared}, data segment of {len(segment)} bytes")
    crc = hj212_crc(segment)
    found = int(digits, 16)
    if crc != found and not (crc_policy != "exact" and found == _CHECKSUMS[crc_policy](segment, crc)):
        raise RejectError("crc_mismatch", _crc_detail(segment, crc, found))
    try:
        text = segment.decode("utf-8")
    except UnicodeDecodeError:
        text = segment.decode("gb18030", "replace")
    at = text.find(_OPENING)
    frame = Frame(len(segment), crc, _header(text[:at]))
    _take_groups(frame, text[at + len(_OPENING) : -len(_CLOSING)])
    return frame


def frame_checks(payload: bytes) -> tuple[bool, bool] | None:
    """Whether the length field and the checksum are right; None for what has no such parts."""
    payload = payload.rstrip(b"\r\n")
    try:
        segment, digits = _split(payload)
    except RejectError:
        return None
    return int(payload[2:_HEAD]) == len(segment), hj212_crc(segment) == int(digits, 16)


def read_header(payload: bytes) -> dict[str, str]:
    """Header fields of a frame that may be broken otherwise, as far as they can be read."""
    if not payload.startswith(b"##"):
        return {}
    start = payload[2:].lstrip(b"0123456789").split(b"CP=", 1)[0]
    fields = _header(start.decode("utf-8", "replace"))
    return {name: fields[name] for name in HEADER_FIELDS if name in fields}


def _split(payload: bytes) -> tuple[bytes, bytes]:
    """The data segment and the checksum digits of a frame whose parts are all there."""
    if payload[:2] != b"##":
        raise RejectError("malformed", f"starts with {payload[:2]!r}; expected '##'")
    if not (payload[2:_HEAD].isdigit() and len(payload) >= _HEAD):
        raise RejectError("malformed", f"length field {payload[2:_HEAD]!r}; expected four digits")
    if len(payload) > _HEAD + MAX_SEGMENT + _TAIL:
        raise RejectError("too_large", f"frame of {len(payload)} bytes; expected a segment of at most {MAX_SEGMENT}")
    segment, digits = payload[_HEAD:-_TAIL], payload[-_TAIL:]
    opening = segment.find(b"CP=&&")
    if opening < 0:
        raise RejectError("malformed", "no 'CP=&&' in the data segment")
    if not segment.endswith(b"&&", opening + len(_OPENING)):
        raise RejectError("malformed", f"{segment[-2:]!r} before the checksum; expected the closing '&&'")
    if not _CRC_DIGITS.fullmatch(digits):
        raise RejectError("malformed", f"checksum {digits!r}; expected four hexadecimal digits")
    return segment, digits


def _swapped(_segment: bytes, crc: int) -> int:
    return (crc & 0xFF) << 8 | crc >> 8


def _modbus(segment: bytes, _crc: int) -> int:
    return modbus_crc(segment)


_CHECKSUMS: Final = {"swapped": _swapped, "modbus": _modbus}


def _crc_detail(segment: bytes, crc: int, found: int) -> str:
    detail = f"checksum {found:04X}, computed {crc:04X}"
    if found == _swapped(segment, crc):
        return f"{detail}: the two bytes are exchanged; expected the high byte first"
    if found == modbus_crc(segment):
        return f"{detail}: this is the Modbus checksum; expected that of HJ 212-2017 annex A"
    return detail


def _header(text: str) -> dict[str, str]:
    fields = {}
    for item in text.split(";"):
        name, equals, value = item.partition("=")
        if equals:
            fields[_CANONICAL.get(name) or _canonical(name)] = value.strip()
    return fields


def _canonical(name: str) -> str:
    name = name.strip()
    return _FOLDED.get(name.casefold(), name)


@lru_cache(maxsize=16384)
def _name(text: str) -> Name:
    factor, hyphen, suffix = text.strip().rpartition("-")
    if not hyphen or not factor:
        return Name(text.strip(), "", text.strip())
    suffix = _FIELDS.get(suffix.casefold(), suffix)
    return Name(factor, suffix, f"{factor}-{suffix}")


def _take_groups(frame: Frame, text: str) -> None:
    values, marks = frame.values, frame.marks
    for group in text.split(";"):
        pol_id = None
        for item in group.split(","):
            left, equals, right = item.partition("=")
            if not equals:
                if left.strip():
                    frame.parameters.append((left.strip(), ""))
                continue
            name = _name(left)
            factor, suffix, _ = name
            if suffix == "Flag":
                marks[factor] = right.strip()
            elif suffix:
                values.append((name, right, pol_id))
            elif factor.casefold() == "datatime" and frame.data_time is None:
                frame.data_time = right.strip()
            elif factor.casefold() == "polid" and item != group:
                pol_id = right.strip()
            else:
                frame.parameters.append((factor, right.strip()))


def number(text: str) -> float | None:
    """The decimal number that `text` writes; None for anything else (``inf``, ``1_000``, other scripts' digits)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -MAX_NUMBER <= value <= MAX_NUMBER and "_" not in text and text.isascii() else None


def request_number(payload: bytes) -> str | None:
    """The ``QN`` of a frame that may be broken otherwise; None when it cannot be read."""
    found = _QN.search(payload[:200])
    return found[1].decode("ascii") if found else None


def encode_frame(segment: str) -> bytes:
    """Frame a data segment: ``##``, length, segment, checksum, CR LF (HJ 212-2017 6.3.1)."""
    body = segment.encode("utf-8")
    if len(body) > MAX_SEGMENT:
        raise RejectError("too_large", f"data segment of {len(body)} bytes; expected at most {MAX_SEGMENT}")
    return b"##%04d%s%04X\r\n" % (len(body), body, hj212_crc(body))


def encode_answer(frame: Frame) -> bytes | None:
    """The answer a frame asks for.

    Parameters
    ----------
    frame : Frame
        The frame to answer.

    Returns
    -------
    bytes or None
        9014 for data (2xxx, 3xxx), 9013 for notifications (1xxx, 9015), with the version bits of the frame; None when
        bit A of the flag is not set or the frame is an answer itself (HJ 212-2017 6.5).
    """
    command = frame.header.get("CN", "")
    answer = "9014" if command[:1] in ("2", "3") else "9013" if command[:1] == "1" or command == "9015" else None
    if not frame.wants_answer or answer is None:
        return None
    header = frame.header
    flag = (frame.flag or 0) & 0b11111100
    password = header.get("PW", "")
    return encode_frame(
        f"QN={header.get('QN', '')};ST=91;CN={answer};PW={password};MN={header.get('MN', '')};Flag={flag};CP=&&&&"
    )
