"""One file of archived raw frames: Parquet with every column, and a manifest beside it that says what it must hold.

A file appears under its name only when it is complete, has been read back, and equals what the database sent. Nothing
here replaces or deletes a complete file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.service.unprivileged import write_file
from domain.error import ConfigurationError, ServiceError
from store.copy_format import EPOCH_2000_US
from store.frame_archive import Chunk, Frame, Sum

#: Changes when the layout of file or manifest does.
FORMAT: Final = 1
SCHEMA: Final = pa.schema(
    [
        pa.field("received_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("device_id", pa.string()),
        pa.field("topic", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("batch_id", pa.int64(), nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
    ]
)
#: Frames and bytes of payloads after which a row group is written: what a process holds at once.
GROUP_FRAMES: Final = 20_000
GROUP_BYTES: Final = 16 << 20
LEVEL: Final = 6
SUFFIX: Final = ".parquet"
_TOLD: Final = b"lantian"
_PIECE: Final = 1 << 20
_TIME: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds; `codes` and times as text, because JSON has neither large numbers nor times.

    Attributes
    ----------
    format : int
        Layout.
    file, sha256, size_bytes : str, str, int
        The Parquet file's name, digest and size.
    schema : int
        Version of the database's schema when it was written.
    start, end : str
        The chunk.
    frames, codes : int, str
        How many frames, and the sum of their codes (`frame_code`).
    first_received_at, last_received_at : str or None
        Of the frames; None when there are none.
    first_batch, last_batch : int or None
        Ledger numbers.
    written_at : str
        When.
    """

    format: int
    file: str
    sha256: str
    size_bytes: int
    schema: int
    start: str
    end: str
    frames: int
    codes: str
    first_received_at: str | None
    last_received_at: str | None
    first_batch: int | None
    last_batch: int | None
    written_at: str

    @property
    def chunk(self) -> Chunk:
        """The chunk."""
        return Chunk(dt.datetime.fromisoformat(self.start), dt.datetime.fromisoformat(self.end))

    @property
    def held(self) -> Sum:
        """The sum over its frames."""
        return Sum(self.frames, int(self.codes))


class _Tally:
    """Adds frames up as they pass."""

    def __init__(self) -> None:
        self.frames = self.codes = 0
        self.received: tuple[int, int] | None = None
        self.batches: tuple[int, int] | None = None

    def add(self, frames: Sequence[Frame]) -> None:
        """Take in the next frames."""
        self.frames += len(frames)
        self.codes += sum(map(frame_code, frames))
        received, batches = [frame.received_us for frame in frames], [frame.batch_id for frame in frames]
        self.received = _widened(self.received, received)
        self.batches = _widened(self.batches, batches)

    def described(self) -> dict[str, Any]:
        """Fields of the manifest."""
        moments = [None if self.received is None else f"{np.datetime64(at, 'us')}Z" for at in self.received or (0, 0)]
        batches = self.batches or (None, None)
        return {
            **{"frames": self.frames, "codes": str(self.codes)},
            **{"first_received_at": moments[0], "last_received_at": moments[1]},
            **{"first_batch": batches[0], "last_batch": batches[1]},
        }


def _widened(known: tuple[int, int] | None, values: Sequence[int]) -> tuple[int, int] | None:
    if not values:
        return known
    low, high = known or (values[0], values[0])
    return min(low, *values), max(high, *values)


def frame_code(frame: Frame) -> int:
    """The 64 bits of a frame that the database's function of this name computes from its row."""
    digest = hashlib.sha256(struct.pack(">qq", frame.received_us - EPOCH_2000_US, frame.batch_id))
    for text in (frame.device_id, frame.topic, frame.outcome):
        coded = b"" if text is None else text.encode()
        digest.update(struct.pack(">i", -1 if text is None else len(coded)) + coded)
    digest.update(frame.payload)
    return int.from_bytes(digest.digest()[:8], "big", signed=True)


def file_name(chunk: Chunk, number: int = 1) -> str:
    """Name of the file of a chunk; a second one, with frames that came after the first, has another number."""
    again = f"_{number}" if number > 1 else ""
    return f"raw_frame_{chunk.start:{_TIME}}_{chunk.end:{_TIME}}{again}{SUFFIX}"


def manifest_path(path: Path) -> Path:
    """Where the manifest of a Parquet file is."""
    return path.with_suffix(".json")


def write_frames(path: Path, chunk: Chunk, frames: Iterable[Frame], *, schema: int, now: dt.datetime) -> Manifest:
    """Write a chunk's frames into the new file `path`, read them back, and write the manifest.

    Parameters
    ----------
    path : Path
        In an existing folder; must not exist.
    chunk : Chunk
        Which.
    frames : iterable of Frame
        Taken one row group at a time.
    schema : int
        Version of the database's schema.
    now : datetime
        Kept in the manifest.

    Returns
    -------
    Manifest
        As written, after the file.

    Raises
    ------
    ServiceError
        When the file cannot be written or does not read back as it was sent; nothing is left under its name.
    """
    fresh = path.with_name(f".{path.name}.unfinished")
    fresh.unlink(missing_ok=True)
    try:
        told = {"format": FORMAT, "schema": schema, "start": chunk.start.isoformat(), "end": chunk.end.isoformat()}
        sent = _write_parquet(fresh, frames, {**told, "written_at": now.isoformat(timespec="seconds")})
        # Opened anew: what the disk gives back.
        manifest = _described(fresh, path.name)
        if manifest.held != sent:
            raise ServiceError(f"{fresh}: read back {manifest.held}, expected {sent}, as the database sent")
        if path.exists():
            raise ServiceError(f"{path} exists; expected a new file")
        fresh.rename(path)
        _write_manifest(path, manifest)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


def adopt(path: Path) -> None:
    """Write the manifest of a complete file that has none: a process was killed between the two."""
    _write_manifest(path, _described(path, path.name))


def _described(path: Path, name: str) -> Manifest:
    """The manifest of a file that is to be called `name`, from what it says itself, once every frame agrees."""
    try:
        with pq.ParquetFile(path) as file:
            told = json.loads((file.metadata.metadata or {}).get(_TOLD, b"null"))
    except (OSError, pa.ArrowException) as error:
        raise ServiceError(f"{path}: cannot be read: {error}") from error
    if told is None:
        raise ServiceError(f"{path}: found no description in the file, expected one that Lantian has written")
    manifest = Manifest(file=name, sha256=_digest(path), size_bytes=path.stat().st_size, **told)
    _check_frames(path, manifest)
    return manifest


def _check_frames(path: Path, manifest: Manifest) -> None:
    found = _read_sum(path)
    if found != manifest.held:
        raise ServiceError(f"{path}: holds {found}, expected {manifest.held}")


def _write_manifest(path: Path, manifest: Manifest) -> None:
    _flush_folder(path.parent)
    write_file(manifest_path(path), json.dumps(asdict(manifest), indent=1) + "\n")
    _flush_folder(path.parent)


def _write_parquet(path: Path, frames: Iterable[Frame], told: dict[str, Any]) -> Sum:
    tally = _Tally()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        options = {"compression": "zstd", "compression_level": LEVEL, "store_schema": False}
        with pq.ParquetWriter(handle, SCHEMA, use_dictionary=["device_id", "topic", "outcome"], **options) as writer:
            for group in _groups(frames):
                tally.add(group)
                columns = zip(*group, strict=True)
                arrays = [pa.array(list(each), type=field.type) for each, field in zip(columns, SCHEMA, strict=True)]
                writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            writer.add_key_value_metadata({_TOLD: json.dumps({**told, **tally.described()}).encode()})
        handle.flush()
        os.fsync(handle.fileno())
    return Sum(tally.frames, tally.codes)


def _groups(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    size = 0
    for frame in frames:
        group.append(frame)
        size += len(frame.payload)
        if len(group) >= GROUP_FRAMES or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_portions(path: Path) -> Iterator[list[Frame]]:
    """The frames of a file, a row group at a time; `ServiceError` when it is no file of frames."""
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise ServiceError(f"{path}: found columns {file.schema_arrow.names}, expected {SCHEMA.names}")
            for at in range(file.num_row_groups):
                group = file.read_row_group(at)
                received = group.column(0).cast(pa.int64()).to_pylist()
                others = (group.column(place).to_pylist() for place in range(1, len(SCHEMA)))
                yield list(map(Frame, received, *others))
    except (OSError, pa.ArrowException) as error:
        raise ServiceError(f"{path}: cannot be read: {error}") from error


def read_frames(path: Path) -> Iterator[Frame]:
    """The frames of a file one by one, in the order in which they were stored."""
    return chain.from_iterable(read_portions(path))


def _read_sum(path: Path) -> Sum:
    tally = _Tally()
    for portion in read_portions(path):
        tally.add(portion)
    return Sum(tally.frames, tally.codes)


def load_manifest(path: Path) -> Manifest:
    """The manifest of the Parquet file `path`; `ConfigurationError` when there is none that this version reads."""
    place = manifest_path(path)
    try:
        manifest = Manifest(**json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{place}: found no readable manifest ({error}), expected that of {path}") from error
    if manifest.format != FORMAT:
        raise ConfigurationError(f"{place}: found format {manifest.format}, this version reads {FORMAT}")
    return manifest


def verified(path: Path) -> Manifest:
    """The manifest of a file whose digest and every frame are as it says; `ServiceError` when they are not."""
    manifest = load_manifest(path)
    if not path.is_file():
        raise ServiceError(f"{path} is missing; its manifest is there")
    digest = _digest(path)
    if digest != manifest.sha256:
        raise ServiceError(f"{path}: found SHA-256 {digest[:16]}..., expected {manifest.sha256[:16]}...")
    _check_frames(path, manifest)
    return manifest


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
