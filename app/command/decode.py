"""`lantian decode`: look into frames without a broker or a database."""

from __future__ import annotations

import dataclasses
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import click

from app.service.device_key import DeviceKeys
from domain.error import RejectError
from ingest.wire import gb17691
from ingest.wire.hj212 import HEADER_FIELDS, Frame, Value, decode_frame, frame_checks, number, read_header
from ingest.wire.hj212_reading import TEXT_FIELDS, parse_time


@click.group()
def command() -> None:
    """Decode field frames from a file."""


@command.command("hj212")
@click.argument("file", type=click.File("rb"))
@click.option("--strict", is_flag=True, help="Exit with status 1 when a frame is bad.")
@click.option(
    "--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File of mode 600 with SM4 keys."
)
def decode_hj212(file: IO[bytes], *, strict: bool, keys: Path | None) -> None:
    """Print one JSON object for each HJ 212 frame of FILE ("-" for standard input), one frame a line.

    Encrypted frames are decrypted with any key of the file of keys that fits.
    """
    known = DeviceKeys(keys).load() if keys is not None else {}
    _print(described_frames(file, [key for each in known.values() for key in each]), strict=strict)


@command.command("gb17691")
@click.argument("file", type=click.File("rb"))
@click.option("--strict", is_flag=True, help="Exit with status 1 when a frame is bad.")
def decode_gb17691(file: IO[bytes], *, strict: bool) -> None:
    """Print one JSON object for each GB 17691 frame of FILE ("-" for standard input), a line each in hexadecimal."""
    _print(described_vehicle_frames(file), strict=strict)


def _print(described: Iterable[dict[str, Any]], *, strict: bool) -> None:
    bad = False
    for frame in described:
        bad = bad or not frame["ok"] or frame.get("problem") is not None
        click.echo(json.dumps(frame, ensure_ascii=False))
    if strict and bad:
        raise SystemExit(1)


def described_vehicle_frames(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Describe the GB 17691 frame of each line as docs/wire.md says; blank lines are skipped.

    Parameters
    ----------
    lines : iterable of bytes
        One frame a line in hexadecimal; of several columns separated by tabs the first one that begins like a frame
        counts, otherwise the longest.

    Yields
    ------
    dict
        Ready for JSON, with ``line`` counted from 1.
    """
    for line, content in enumerate(lines, start=1):
        cells = [cell.strip() for cell in content.removeprefix(BOM_UTF8).split(b"\t")]
        if any(cells):
            frame = next((cell for cell in cells if cell.startswith(b"2323")), max(cells, key=len))
            yield {"line": line, **_described_vehicle(frame.decode("ascii", "backslashreplace"))}


def _described_vehicle(text: str) -> dict[str, Any]:
    data = b""
    try:
        data = _unhex(text)
        frame = gb17691.decode(data)
    except RejectError as error:
        length_ok, bcc_ok = gb17691.frame_checks(data) or (None, None)
        checks = {"length_ok": length_ok, "bcc_ok": bcc_ok}
        problem = {"code": error.reason, "message": error.detail}
        if length_ok and bcc_ok:
            return {"ok": True, **checks, **_vehicle_head(data), **_unread(data), "problem": problem}
        return {"ok": False, **problem, **checks, **_vehicle_head(data)}
    shown = dataclasses.asdict(frame)
    records = [
        {"type": f"{record.type:02X}", "name": record.name, "serial": record.serial}
        | {"values": record.values, "raw": record.raw}
        for record in frame.records
    ]
    replaced = {"command": f"{frame.command:02X}", "bcc": f"{frame.bcc:02X}", "records": records}
    moment = None if frame.time is None else frame.time.isoformat()
    checks = {"length_ok": True, "bcc_ok": True}
    rest = frame.rest.hex().upper()
    return {"ok": True, **checks, **shown, **replaced, "time": moment, "rest": rest, "problem": None}


def _unread(data: bytes) -> dict[str, Any]:
    """The data unit of a sound frame whose content cannot be read."""
    unit = data[gb17691.HEAD_SIZE : -1]
    return {"length": len(unit), "bcc": f"{data[-1]:02X}", "time": None, "records": [], "rest": unit.hex().upper()}


def _vehicle_head(data: bytes) -> dict[str, Any]:
    """What the head of a broken frame says of itself; nothing when there is no head."""
    head = gb17691.read_head(data)
    if head is None:
        return {}
    named = {"layout": head.layout, "command": f"{head.command:02X}", "command_name": head.command_name}
    return {**named, "vin": head.vin}


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise RejectError("malformed", f"{error}; expected a frame in hexadecimal digits") from error


def described_frames(lines: Iterable[bytes], keys: Sequence[bytes] = ()) -> Iterator[dict[str, Any]]:
    """Describe the frame of each line as docs/wire.md section 5.4 says; blank lines are skipped.

    Parameters
    ----------
    lines : iterable of bytes
        One frame a line; text after a tab is ignored.
    keys : sequence of bytes
        SM4 keys for encrypted frames.

    Yields
    ------
    dict
        Ready for JSON, with ``line`` counted from 1.
    """
    for line, content in enumerate(lines, start=1):
        payload = content.removeprefix(BOM_UTF8).split(b"\t", 1)[0].strip()
        if payload:
            yield {"line": line, **_described(payload, keys)}


def _described(payload: bytes, keys: Sequence[bytes]) -> dict[str, Any]:
    try:
        frame = decode_frame(payload, keys=keys)
    except RejectError as error:
        length_ok, crc_ok = frame_checks(payload) or (None, None)
        checks = {"length_ok": length_ok, "crc_ok": crc_ok}
        return {"ok": False, "code": error.reason, "message": error.detail, **checks, **read_header(payload)}
    moment = parse_time(frame.data_time) if frame.data_time else None
    return {
        "ok": True,
        "length_ok": True,
        "crc_ok": True,
        "length": frame.length,
        "crc": f"{frame.crc:04X}",
        "version": frame.version,
        **{name: frame.header[name] for name in HEADER_FIELDS if name in frame.header},
        **({} if frame.data_time is None else {"DataTime": frame.data_time}),
        "data_time": None if moment is None else moment.isoformat(),
        "values": [_value(value, frame) for value in frame.values],
        "parameters": _parameters(frame),
    }


def _value(value: Value, frame: Frame) -> dict[str, Any]:
    name, text, pol_id = value
    decimal = None if name.field in TEXT_FIELDS else number(text)
    return {
        "factor": name.factor,
        "field": name.field,
        "value": text if decimal is None else decimal,
        "mark": frame.marks.get(name.factor),
        **({} if pol_id is None else {"pol_id": pol_id}),
    }


def _parameters(frame: Frame) -> dict[str, str | list[str]]:
    """Parameters by name, header fields outside the standard included; a name that repeats has a list."""
    found: dict[str, list[str]] = {name: [text] for name, text in frame.header.items() if name not in HEADER_FIELDS}
    for name, text in frame.parameters:
        found.setdefault(name, []).append(text)
    orphans = frame.marks.keys() - {name.factor for name, _, _ in frame.values}
    for name in sorted(orphans):
        found.setdefault(f"{name}-Flag", []).append(frame.marks[name])
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}
