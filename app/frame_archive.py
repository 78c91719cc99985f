"""The archive of raw frames: a folder of files, written chunk by chunk, and what may be dropped because of it."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.frame_file import SUFFIX, Manifest, adopt, file_name, load_manifest, manifest_path, verified, write_frames
from domain.error import ConfigurationError, LantianError, ServiceError
from store.connection import Connection
from store.frame_archive import Chunk, drop_archived, read_chunks, read_frames, read_sum
from store.migration import read_version

_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class Written:
    """A chunk's file; `new`: written now, otherwise it was there and holds the same frames."""

    path: Path
    manifest: Manifest
    new: bool


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Nobody else writes into the archive meanwhile; what a killed process left behind is put in order first.

    Parameters
    ----------
    folder : Path
        The archive.

    Raises
    ------
    ConfigurationError
        When it does not exist (perhaps its disk is not mounted) or is open to others.
    ServiceError
        When another process is writing, or the folder cannot be written to.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"archive {folder}: found no such folder; make it, or mount the disk it is on")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"archive {folder}: found mode {mode:03o}, expected 700: chmod 700 {folder}")
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ServiceError(f"archive {folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(f"archive {folder}: another process is writing to it; try again later") from error
        for left in folder.glob(".*.unfinished"):
            left.unlink()
        for path in archive_files(folder):
            if not manifest_path(path).exists():
                adopt(path)
        yield
    finally:
        os.close(descriptor)


def archive_files(folder: Path) -> list[Path]:
    """The Parquet files of an archive, the oldest frames first."""
    return sorted(folder.glob(f"raw_frame_*{SUFFIX}"))


def write_chunk(conn: Connection, chunk: Chunk, folder: Path, *, now: dt.datetime) -> Written:
    """Archive what the database holds of a chunk, unless a sound file holds just that; inside `writing`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit mode.
    chunk : Chunk
        Which.
    folder : Path
        The archive.
    now : datetime
        Kept in the manifest.

    Returns
    -------
    Written
        A file that has been read back.

    Raises
    ------
    ServiceError
        When it cannot be written or read back.
    """
    paths = _of_chunk(folder, chunk)
    held = read_sum(conn, chunk) if paths else None
    for path in paths:
        try:
            if load_manifest(path).held == held:
                return Written(path, verified(path), new=False)
        except LantianError:
            # Damaged: it stays for people to look at, `lantian archive verify` names it, and a new file is written.
            continue
    path = next(each for number in range(1, len(paths) + 2) if not (each := folder / file_name(chunk, number)).exists())
    manifest = write_frames(path, chunk, read_frames(conn, chunk), schema=read_version(conn), now=now)
    return Written(path, manifest, new=True)


def _of_chunk(folder: Path, chunk: Chunk) -> list[Path]:
    return sorted(folder.glob(f"{Path(file_name(chunk)).stem}*{SUFFIX}"))


def drop_oldest_archived(conn: Connection, before: dt.datetime, folder: Path, *, now: dt.datetime) -> int | None:
    """Archive the oldest chunk that ended at or before `before`, then drop it; inside `writing`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit mode.
    before : datetime
        At least 30 days ago.
    folder : Path
        The archive.
    now : datetime
        Kept in the manifest.

    Returns
    -------
    int or None
        Frames dropped; None when there is no such chunk.

    Raises
    ------
    ServiceError
        When the file is not sound, or frames came into the chunk meanwhile: nothing is dropped, the next run does it.
    """
    chunks = read_chunks(conn, before)
    if not chunks:
        return None
    written = write_chunk(conn, chunks[0], folder, now=now)
    with conn.transaction():
        dropped = drop_archived(
            conn, chunks[0], written.manifest.held, file=written.path.name, sha256=written.manifest.sha256
        )
    if dropped is None:
        raise ServiceError(f"{written.path}: the database no longer holds the same frames; nothing was dropped")
    return dropped
