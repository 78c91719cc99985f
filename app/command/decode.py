"""`lantian decode`: look into frames without a broker or a database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

import click

from domain.error import RejectError
from ingest.wire.hj212 import HEADER_FIELDS, Frame, Value, decode_frame, frame_checks, number
from ingest.wire.hj212_reading import TEXT_FIELDS, parse_time


@click.group()
def command() -> None:
    """Decode field frames from a file."""


@command.command("hj212")
@click.argument("file", type=click.File("rb"))
@click.option("--strict", is_flag=True, help="Exit with status 1 when a frame is bad.")
def decode_hj212(file: IO[bytes], *, strict: bool) -> None:
    """Print one JSON object for each HJ 212 frame of FILE ("-" for standard input), one frame a line."""
    bad = False
    for described in described_frames(file):
        bad = bad or not described["ok"]
        click.echo(json.dumps(described, ensure_ascii=False))
    if strict and bad:
        raise SystemExit(1)


def described_frames(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Describe the frame of each line as docs/wire.md section 5.3 says; blank lines are skipped.

    Parameters
    ----------
    lines : iterable of bytes
        One frame a line; text after a tab is ignored.

    Yields
    ------
    dict
        Ready for JSON, with ``line`` counted from 1.
    """
    for line, content in enumerate(lines, start=1):
        payload = content.split(b"\t", 1)[0].strip()
        if payload:
            yield {"line": line, **_described(payload)}


def _described(payload: bytes) -> dict[str, Any]:
    try:
        frame = decode_frame(payload)
    except RejectError as error:
        length_ok, crc_ok = frame_checks(payload) or (None, None)
        return {"ok": False, "code": error.reason, "message": error.detail, "length_ok": length_ok, "crc_ok": crc_ok}
    moment = parse_time(frame.data_time) if frame.data_time else None
    return {
        "ok": True,
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
