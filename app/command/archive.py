"""`lantian archive`: raw frames in Parquet files, and back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from app.frame_archive import archive_files, write_chunk, writing
from app.frame_file import SUFFIX, Manifest, load_manifest, read_frames, read_portions, verified
from app.service.address import app_database_url
from app.settings import load_settings
from domain.error import ConfigurationError, LantianError, ServiceError
from domain.period import midnight
from store.connection import Connection, connect
from store.error import translated
from store.frame_archive import Frame, clear_restored, read_archived, read_chunks, restore_frames

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILES: Final = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


@click.group("archive")
def command() -> None:
    """Keep raw frames in Parquet files outside the database, and bring them back (docs/growth.md)."""


@command.command("write")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Frames received before this local day.")
@click.option("--days", type=click.IntRange(1), help="Frames received more than so many days ago.")
@click.option("--out", "folder", type=_FOLDER, help="The archive; made when it is missing [setting archive_dir].")
def write(before: dt.datetime | None, days: int | None, folder: Path | None) -> None:
    """Write whole days of raw frames into the archive; the database keeps them.

    One file a chunk (a UTC day), read back and compared before it gets its name. What a sound file already holds is
    not written again. The job `retention` archives and drops by itself when archive_dir is set.
    """
    if (before is None) == (days is None):
        raise ConfigurationError("expected --before DATE or --days N")
    now = dt.datetime.now(dt.UTC)
    until = now - dt.timedelta(days=days) if days is not None else midnight(before.date()) if before else now
    place = _chosen(folder)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with translated("archive raw frames"), _open() as conn, writing(place):
        chunks = read_chunks(conn, min(until, now))
        for chunk in chunks:
            done = write_chunk(conn, chunk, place, now=now)
            words = _described(done.manifest) if done.new else "is there already"
            click.echo(f"{done.path.name}: {words}")
    if not chunks:
        click.echo(f"The database holds no whole day of frames received before {until:%Y-%m-%d %H:%M} UTC.")


@command.command("list")
@click.argument("folder", required=False, type=_FOLDER)
def list_files(folder: Path | None) -> None:
    """List the files of the archive FOLDER [setting archive_dir] by their manifests."""
    paths = archive_files(_existing(folder))
    for path in paths:
        try:
            one = load_manifest(path)
        except ConfigurationError as error:
            click.echo(f"{path.name}: {error}")
            continue
        received = " to ".join((moment or "")[:19] for moment in (one.first_received_at, one.last_received_at))
        click.echo(f"{path.name}: {_described(one)}, received {received}, batches {one.first_batch}-{one.last_batch}")
    if not paths:
        click.echo("The archive is empty.")


@command.command("verify")
@click.argument("folder", required=False, type=_FOLDER)
@click.option("--dropped", is_flag=True, help="Also ask the database which files hold what it has dropped.")
def verify(folder: Path | None, dropped: bool) -> None:
    """Read every file of the archive FOLDER [setting archive_dir]: digest, columns, every frame.

    Exit status 1 when a file is damaged or missing.
    """
    place = _existing(folder)
    expected: dict[str, str] = {}
    if dropped:
        with translated("read what was dropped"), _open() as conn:
            expected = read_archived(conn)
    manifests = (each.with_suffix(SUFFIX) for each in place.glob("raw_frame_*.json"))
    paths = sorted({*archive_files(place), *manifests, *(place / name for name in expected)})
    bad = 0
    for path in paths:
        try:
            manifest = verified(path)
            if manifest.sha256 != expected.get(path.name, manifest.sha256):
                raise ServiceError(f"{path}: is sound, but another file than the one the database dropped frames for")
            click.echo(f"ok    {path.name}: {_described(manifest)}")
        except LantianError as error:
            bad += 1
            click.echo(f"fail  {error}")
    click.echo(f"{len(paths) - bad} of {len(paths)} files are sound")
    if bad:
        raise SystemExit(1)


@command.command("read")
@_FILES
@click.option("--device", help="Only frames of this device.")
@click.option("--payload", "form", type=click.Choice(["text", "hex"]), help="Print payloads alone, one a line.")
def read(files: tuple[Path, ...], device: str | None, form: str | None) -> None:
    """Print the frames of archived FILES, one JSON object a line.

    To decode them again: lantian archive read FILE --device ID --payload text | lantian decode hj212 -
    """
    for frame in (frame for path in files for frame in read_frames(path)):
        if device is None or frame.device_id == device:
            click.echo(_shown(frame, form))


@command.command("restore")
@_FILES
def restore(files: tuple[Path, ...]) -> None:
    """Bring the frames of archived FILES back into the table restored_frame.

    Each file is verified first and restored in one transaction. Frames that the database holds are left out, so that
    doing it twice adds nothing. The ledger counts them as dropped as before. Remove them again: lantian archive clear
    """
    with translated("restore raw frames"), _open() as conn:
        for path in files:
            manifest = verified(path)
            with conn.transaction():
                count = restore_frames(conn, manifest.chunk, read_portions(path))
            click.echo(f"{path.name}: {count:,} of {manifest.frames:,} frames restored")


@command.command("clear")
def clear() -> None:
    """Remove restored frames from the database again; files and ledger stay as they are."""
    with translated("clear restored frames"), _open() as conn:
        click.echo(f"{clear_restored(conn):,} restored frames removed")


def _described(manifest: Manifest) -> str:
    each = manifest.size_bytes / manifest.frames if manifest.frames else 0
    return f"{manifest.frames:,} frames, {manifest.size_bytes:,} bytes ({each:.0f} a frame)"


def _shown(frame: Frame, form: str | None) -> str | bytes:
    if form is not None:
        return frame.payload.rstrip(b"\r\n") if form == "text" else frame.payload.hex()
    told: dict[str, Any] = {"received_at": f"{np.datetime64(frame.received_us, 'us')}Z", **frame._asdict()}
    del told["received_us"]
    try:
        told["payload"] = frame.payload.decode("utf-8")
    except UnicodeDecodeError:
        told["payload_hex"] = told.pop("payload").hex()
    return json.dumps(told, ensure_ascii=False)


def _chosen(folder: Path | None) -> Path:
    chosen = folder or load_settings().archive_dir
    if chosen is None:
        raise ConfigurationError("expected a folder, or the setting archive_dir")
    return chosen


def _existing(folder: Path | None) -> Path:
    chosen = _chosen(folder)
    if not chosen.is_dir():
        raise ConfigurationError(f"archive {chosen}: found no such folder")
    return chosen


def _open() -> Connection:
    return connect(app_database_url(), autocommit=True, application_name="lantian archive")
