"""Raw frames on their way into an archive and back: chunks, their frames, dropping what is archived, restoring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from store.connection import Connection
from store.copy_format import EPOCH_2000_US, HEADER, TRAILER, numbers, rows_with_payload, texts, times


class Frame(NamedTuple):
    """A row of raw_frame, every column; `received_us`: Unix microseconds."""

    received_us: int
    device_id: str | None
    topic: str
    outcome: str
    batch_id: int
    payload: bytes


@dataclass(frozen=True, slots=True, order=True)
class Chunk:
    """A chunk of raw_frame: the frames received from `start` until before `end`."""

    start: dt.datetime
    end: dt.datetime


class Sum(NamedTuple):
    """What frames have in common with a copy of theirs in any order: how many, and the sum of their codes."""

    frames: int
    codes: int


_COLUMNS: Final = ", ".join(("received_at", *Frame._fields[1:]))
_WITHIN: Final = "received_at >= %s and received_at < %s"


def read_chunks(conn: Connection, before: dt.datetime) -> list[Chunk]:
    """Chunks of raw_frame that ended at or before `before`, the oldest first."""
    rows = conn.execute(
        "select range_start, range_end from timescaledb_information.chunks where hypertable_schema = 'lantian'"
        " and hypertable_name = 'raw_frame' and range_end <= %s order by 1",
        (before,),
    ).fetchall()
    return [Chunk(*row) for row in rows]


def read_sum(conn: Connection, chunk: Chunk) -> Sum:
    """The sum over the frames that the database holds of a chunk now."""
    row = conn.execute(
        f"select count(*), coalesce(sum(frame_code({_COLUMNS})), 0) from raw_frame where {_WITHIN}",  # noqa: S608
        (chunk.start, chunk.end),
    ).fetchone()
    assert row is not None
    return Sum(int(row[0]), int(row[1]))


def read_frames(conn: Connection, chunk: Chunk) -> Iterator[Frame]:
    """Every frame of a chunk, as one moment saw them; a few at a time are in memory.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; does nothing else until the last frame has been taken.
    chunk : Chunk
        Which frames.

    Yields
    ------
    Frame
        In no particular order.
    """
    statement = f"copy (select {_COLUMNS} from raw_frame where {_WITHIN}) to stdout (format binary)"  # noqa: S608
    with conn.cursor().copy(statement, (chunk.start, chunk.end)) as copy:
        # The time as the number it is sent as: exact, and also where a datetime ends.
        copy.set_types(["int8", "text", "text", "text", "int8", "bytea"])
        for sent_us, *others in copy.rows():
            yield Frame(sent_us + EPOCH_2000_US, *others)


def drop_archived(conn: Connection, chunk: Chunk, held: Sum, *, file: str, sha256: str) -> int | None:
    """Drop a chunk while it holds exactly what an archive has of it, and record where that is; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    chunk : Chunk
        Ended at least 30 days ago by the database's clock, which refuses anything else.
    held : Sum
        Over the frames read back from the archive.
    file, sha256 : str
        The archive's file and its digest.

    Returns
    -------
    int or None
        Frames dropped; None, and nothing dropped, when the chunk is gone or holds anything else.
    """
    row = conn.execute(
        "select drop_archived_chunk(%s, %s, %s, %s, %s, %s)",
        (chunk.start, chunk.end, held.frames, held.codes, file, sha256),
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def read_archived(conn: Connection) -> dict[str, str]:
    """Files that hold what was dropped, with the digest that each had when it was."""
    rows = conn.execute("select archive, archive_sha256 from retention_drop where archive is not null order by id")
    return dict(rows.fetchall())


_STAGE: Final = "create temp table stage_frame (like restored_frame) on commit drop"
#: As many of each frame as the file has beyond those that are here already: doing it twice adds nothing.
_RESTORE: Final = f"""
insert into restored_frame ({_COLUMNS})
select {_COLUMNS} from stage_frame
except all (
    select {_COLUMNS} from raw_frame where {_WITHIN} union all
    select {_COLUMNS} from restored_frame where {_WITHIN}
)
"""  # noqa: S608 - constants


def restore_frames(conn: Connection, chunk: Chunk, portions: Iterable[Sequence[Frame]]) -> int:
    """Bring frames back into restored_frame, but for those that the database holds; inside the caller's transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    chunk : Chunk
        In which all of them lie.
    portions : iterable of sequence of Frame
        Taken one after the other.

    Returns
    -------
    int
        Frames brought back now.
    """
    conn.execute("lock table restored_frame in share row exclusive mode")
    conn.execute(_STAGE)
    with conn.cursor().copy(f"copy stage_frame ({_COLUMNS}) from stdin (format binary)") as copy:
        copy.write(HEADER)
        for portion in portions:
            if portion:
                copy.write(_copied(portion))
        copy.write(TRAILER)
    bounds = (chunk.start, chunk.end)
    return conn.execute(_RESTORE, (*bounds, *bounds)).rowcount


def _copied(frames: Sequence[Frame]) -> bytes:
    received, devices, topics, outcomes, batches, payloads = zip(*frames, strict=True)
    fields = [times(np.array(received, dtype=np.int64)), *map(texts, (devices, topics, outcomes))]
    return rows_with_payload([*fields, numbers(np.array(batches, dtype=np.int64), ">i8")], payloads)


def clear_restored(conn: Connection) -> int:
    """Remove every restored frame again; how many there were."""
    return conn.execute("delete from restored_frame").rowcount
