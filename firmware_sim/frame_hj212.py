"""The encoder of HJ 212-2017 devices. It shares nothing with the collector, whose bugs it must not hide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.error import ConfigurationError, LantianError
from domain.period import ZONE
from firmware_sim.sm4 import BLOCK, encrypted_block

REAL_TIME: Final = "2011"
DAY: Final = "2031"
MINUTE: Final = "2051"
HOUR: Final = "2061"
DATA_ANSWER: Final = "9014"
AMBIENT: Final = "22"
STACK: Final = "31"
CONSTRUCTION: Final = "39"
PROCESS: Final = "45"
#: Electricity meters of the field; 44 in HJ 212-2025.
ELECTRICITY: Final = "80"
#: Bits of Flag: version 1 is HJ 212-2017; bit 0 asks for an answer.
VERSION_2017: Final = 4
VERSION_2025: Final = 8
ANSWER_WANTED: Final = 1
#: The standard's example. Who a device is, its MQTT credentials tell.
EXAMPLE_PASSWORD: Final = "123456"  # noqa: S105
#: A data segment holds at most this many bytes (HJ 212-2017 6.3.1).
LONGEST_SEGMENT: Final = 1024


class AnswerError(LantianError):
    """Bytes on the reply or error topic are not an answer a device understands."""

    code = "answer"


def crc(segment: bytes) -> int:
    """CRC16 of HJ 212-2017 annex A: only the high byte of the register meets the next byte (not Modbus)."""
    register = 0xFFFF
    for byte in segment:
        register = _CRC_TABLE[(register >> 8) ^ byte]
    return register


def _crc_step(register: int) -> int:
    for _ in range(8):
        odd = register & 1
        register >>= 1
        if odd:
            register ^= 0xA001
    return register


_CRC_TABLE: Final = tuple(_crc_step(value) for value in range(256))


def frame(segment: bytes) -> bytes:
    """Frame around a data segment: ``##``, four decimal digits of length, segment, CRC in hexadecimal, CR LF."""
    if len(segment) > LONGEST_SEGMENT:
        raise ConfigurationError(f"data segment of {len(segment)} bytes; expected at most {LONGEST_SEGMENT}")
    return b"##%04d%s%04X\r\n" % (len(segment), segment, crc(segment))


def encrypted_frame(segment: bytes, key: bytes) -> bytes:
    """Frame of HJ 212-2025 whose content is encrypted.

    Parameters
    ----------
    segment : bytes
        Data segment in clear; its length and checksum are those of the frame.
    key : bytes
        SM4 key of 16 bytes.

    Returns
    -------
    bytes
        Whole groups of 16 bytes of the content printed as ``{0xE4,0x3E,...}``, what is left over in clear.
    """
    clear = frame(segment)
    start, end = clear.index(b"CP=&&") + 5, clear.rindex(b"&&")
    content = clear[start:end]
    whole = len(content) - len(content) % BLOCK
    cipher = b"".join(encrypted_block(content[at : at + BLOCK], key) for at in range(0, whole, BLOCK))
    printed = b"{%s}" % b",".join(b"0x%02X" % byte for byte in cipher) if cipher else b""
    return clear[:start] + printed + content[whole:] + clear[end:]


def request_number(moment_ms: int) -> str:
    """QN of a moment in Unix milliseconds: local ``YYYYMMDDhhmmsszzz``."""
    return f"{data_time(moment_ms // 1000)}{moment_ms % 1000:03d}"


def request_moment(request: str) -> int:
    """Unix milliseconds of a QN, the inverse of `request_number`.

    Parameters
    ----------
    request : str
        A QN of 17 digits.

    Raises
    ------
    AnswerError
        When it is not 17 digits of a moment.
    """
    try:
        # Digit by digit: strptime takes ten times as long, and history asks this for every hour.
        month, day, hour, minute, second = (int(request[at : at + 2]) for at in range(4, 14, 2))
        moment = dt.datetime(int(request[:4]), month, day, hour, minute, second, tzinfo=ZONE)
        return int(moment.timestamp()) * 1000 + int(request[14:17])
    except ValueError as error:
        raise AnswerError(f"found QN {request!r}, expected 17 digits of a moment") from error


def data_time(start_s: int) -> str:
    """DataTime of a period that starts at Unix second `start_s`: local ``YYYYMMDDhhmmss``."""
    return f"{dt.datetime.fromtimestamp(start_s, ZONE):%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before CP: QN, MN, ST, PW and Flag; bit 0 of `flag` asks for an answer.

    Old loggers leave out QN, PW or Flag: None.
    """

    request: str | None
    identity: str
    system: str = AMBIENT
    password: str | None = EXAMPLE_PASSWORD
    flag: int | None = VERSION_2017 | ANSWER_WANTED


def segment(command: str, body: str, header: Header) -> bytes:
    """Data segment of one request in UTF-8: CN `command`, and `body` between the two ``&&`` of CP."""
    fields = {
        "QN": header.request,
        "ST": header.system,
        "CN": command,
        "PW": header.password,
        "MN": header.identity,
        "Flag": header.flag,
    }
    told = "".join(f"{name}={value};" for name, value in fields.items() if value is not None)
    return f"{told}CP=&&{body}&&".encode()


def data_body(start_s: int, field: str, values: Iterable[tuple[str, str, str]]) -> str:
    """CP body of a data request: time of the data, then per factor its value and mark.

    Parameters
    ----------
    start_s : int
        Unix second at which the data's period starts.
    field : str
        ``Rtd`` for real-time data, ``Avg`` for the others.
    values : iterable of (factor, number as text, mark)
        Such as ``("a34004", "35.1", "N")``.

    Returns
    -------
    str
        ``DataTime=...;a34004-Avg=35.1,a34004-Flag=N;...``
    """
    factors = [f"{factor}-{field}={number},{factor}-Flag={mark}" for factor, number, mark in values]
    return ";".join([f"DataTime={data_time(start_s)}", *factors])


def group_body(start_s: int, groups: Iterable[tuple[str, Mapping[str, str], str | None]]) -> str:
    """CP body of a data request whose factors have several fields.

    Parameters
    ----------
    start_s : int
        Unix second at which the data's period starts.
    groups : iterable of (factor, field -> text, mark)
        Such as ``("a21026", {"Rtd": "12.4", "ZsRtd": "14.1"}, "N")``; without a mark no ``-Flag`` is sent.

    Returns
    -------
    str
        ``DataTime=...;a21026-Rtd=12.4,a21026-ZsRtd=14.1,a21026-Flag=N;...``
    """
    told = [f"DataTime={data_time(start_s)}"]
    for factor, fields, mark in groups:
        parts = [f"{factor}-{name}={text}" for name, text in fields.items()]
        told.append(",".join(parts if mark is None else [*parts, f"{factor}-Flag={mark}"]))
    return ";".join(told)


def answered_request(payload: bytes) -> str:
    """QN that a 9014 frame answers.

    Parameters
    ----------
    payload : bytes
        A whole frame.

    Raises
    ------
    AnswerError
        When the bytes are no frame, the length or CRC is wrong, or the command is not 9014.
    """
    text = payload.removesuffix(b"\r\n")
    body, sent_crc = text[6:-4], text[-4:]
    if not text.startswith(b"##") or text[2:6] != b"%04d" % len(body):
        raise AnswerError(f"found {payload[:40]!r}, expected a frame whose length field is {len(body):04d}")
    if sent_crc.upper() != b"%04X" % crc(body):
        raise AnswerError(f"found CRC {sent_crc!r}, expected {crc(body):04X}")
    fields = _fields(body.decode(errors="replace").split("CP=", 1)[0].split(";"))
    if fields.get("CN") != DATA_ANSWER or "QN" not in fields:
        raise AnswerError(
            f"found CN {fields.get('CN')!r}, QN {fields.get('QN')!r}; expected CN {DATA_ANSWER} with a QN"
        )
    return fields["QN"]


def _fields(parts: Sequence[str]) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in parts) if name}
