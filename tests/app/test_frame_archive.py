"""Raw frames into Parquet files and back: exact, verified before anything is dropped, whatever is killed in between."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import frame_file
from app.frame_archive import archive_files, drop_oldest_archived, write_chunk, writing
from app.frame_file import load_manifest, manifest_path, read_frames, verified, write_frames
from app.job.schedule import job_named
from app.main import main
from app.service.machine_check import machine_findings
from app.settings import Settings
from domain.error import ConfigurationError, ServiceError
from firmware_sim import frame_hj212
from store.connection import Connection, connect
from store.frame_archive import Chunk, Frame, Sum, drop_archived, read_chunks, read_sum
from store.ledger import read_balance

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
FIRST = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - 60 * DAY
CHUNK = Chunk(FIRST, FIRST + DAY)
_TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
_FRAMES = st.builds(
    Frame,
    st.integers(0, 86_400_000_000 - 1).map(lambda us: int(FIRST.timestamp()) * 1_000_000 + us),
    st.none() | _TEXTS,
    _TEXTS,
    st.sampled_from(["stored", "duplicate", "revised"]),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=60),
)
#: -infinity, 4714 BC and the last day that a hypertable takes, in Unix microseconds.
_EXTREME = st.sampled_from([-(2**63) + 946_684_800_000_000, -210_866_803_200_000_000, 9_223_371_331_199_999_999])


@pytest.fixture
def clerk(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "archive"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def cli(database: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["archive", *map(str, arguments)])

    return run


def put(database: Any, frames: list[Frame]) -> None:
    """Frames as a collector would store them, with a batch of the ledger for all of them."""
    with connect(database.url("lantian_writer")) as conn:
        row = conn.execute(
            "insert into ledger (collector, opened_at, received, stored, duplicate, revised, rejected, rows_stored,"
            " rows_duplicate, rows_revised) values ('c', now(), %(n)s, %(n)s, 0, 0, 0, 0, 0, 0) returning id",
            {"n": len(frames)},
        ).fetchone()
        assert row is not None
        with conn.cursor().copy(
            "copy raw_frame (received_at, device_id, topic, outcome, batch_id, payload) from stdin (format binary)"
        ) as copy:
            copy.set_types(["timestamptz", "text", "text", "text", "int8", "bytea"])
            for frame in frames:
                moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=frame.received_us)
                copy.write_row((moment, *frame[1:]))


def some(count: int, *, day: int = 0, batch: int = 1, text: str = "x") -> list[Frame]:
    start = int((FIRST + day * DAY).timestamp()) * 1_000_000
    return [
        Frame(start + at, "d", "lt/v1/z/json/d/data", "stored", batch, f"{text}{at}".encode()) for at in range(count)
    ]


def held(conn: Connection, table: str) -> Counter[tuple[Any, ...]]:
    rows = conn.execute(
        "select (extract(epoch from received_at) * 1000000)::bigint, device_id, topic, outcome, batch_id, payload"
        f" from {table}"
    )
    return Counter(map(tuple, rows.fetchall()))


@given(st.lists(_FRAMES | st.builds(lambda frame, us: frame._replace(received_us=us), _FRAMES, _EXTREME), max_size=30))
@settings(max_examples=40, deadline=None)
def test_a_file_gives_back_every_frame(tmp_path_factory: pytest.TempPathFactory, frames: list[Frame]) -> None:
    path = tmp_path_factory.mktemp("file") / "raw_frame_x.parquet"
    manifest = write_frames(path, CHUNK, frames, schema=7, now=NOW)
    assert list(read_frames(path)) == frames
    assert verified(path) == load_manifest(path) == manifest
    assert (manifest.frames, manifest.schema, manifest.chunk) == (len(frames), 7, CHUNK)
    assert path.stat().st_mode & 0o777 == manifest_path(path).stat().st_mode & 0o777 == 0o600


@given(
    st.lists(_FRAMES.map(lambda frame: frame._replace(batch_id=abs(frame.batch_id) // 2 + 1)), min_size=1, max_size=25)
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_drops_and_gets_back_just_what_it_had(
    database: Any, clerk: Connection, tmp_path_factory: pytest.TempPathFactory, frames: list[Frame]
) -> None:
    place = tmp_path_factory.mktemp("archive")
    put(database, frames)
    with writing(place):
        assert drop_oldest_archived(clerk, NOW - 40 * DAY, place, now=NOW) == len(frames)
        assert drop_oldest_archived(clerk, NOW - 40 * DAY, place, now=NOW) is None
    assert read_balance(clerk).balanced
    (path,) = archive_files(place)
    for expected in (f"{len(frames)} of {len(frames)}", f"0 of {len(frames)}"):
        with pytest.MonkeyPatch.context() as patch:
            for role in ("owner", "writer", "app", "reader"):
                patch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
            assert (
                expected in CliRunner().invoke(main, ["archive", "restore", str(path)], catch_exceptions=False).output
            )
    assert held(clerk, "restored_frame") == Counter(map(tuple, frames))
    assert read_balance(clerk).balanced
    clerk.execute("delete from restored_frame")


def test_the_code_of_a_frame_covers_every_column(database: Any, clerk: Connection) -> None:
    base = Frame(1_700_000_000_000_001, "d", "t", "stored", 5, b"p")
    others = [base._replace(received_us=base.received_us + 1), base._replace(device_id=None)]
    others += [base._replace(device_id=""), base._replace(device_id="dt", topic=""), base._replace(topic="u")]
    others += [base._replace(outcome="revised"), base._replace(batch_id=6), base._replace(payload=b"q")]
    codes = [frame_file.frame_code(frame) for frame in (base, *others)]
    assert len(set(codes)) == len(codes)
    for frame, code in zip((base, *others), codes, strict=True):
        moment = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=frame.received_us)
        assert clerk.execute("select frame_code(%s, %s, %s, %s, %s, %s)", (moment, *frame[1:])).fetchone() == (code,)


def test_the_job_archives_what_it_drops(
    database: Any, clerk: Connection, folder: Path, cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (0, 1, 55):
        put(database, some(3 + day, day=day))
    monkeypatch.setenv("LANTIAN_RETENTION_RAW_FRAME_DAYS", "40")
    monkeypatch.setenv("LANTIAN_ARCHIVE_DIR", str(folder))
    counts = job_named("retention").load()(clerk, NOW)
    assert (counts["raw_frame_chunks"], counts["raw_frame_rows"]) == (2, 7)
    assert [load_manifest(path).frames for path in archive_files(folder)] == [3, 4]
    assert held(clerk, "raw_frame") == Counter(map(tuple, some(58, day=55)))
    assert read_balance(clerk).balanced
    assert cli("verify", "--dropped").exit_code == 0
    archive_files(folder)[0].unlink()
    manifest_path(folder / archive_files(folder)[0].name).unlink()
    told = cli("verify", "--dropped")
    assert told.exit_code == 1
    assert "0 of 2 files are sound" in told.output


def test_nothing_is_dropped_without_its_folder(
    database: Any, clerk: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, some(3))
    monkeypatch.setenv("LANTIAN_RETENTION_RAW_FRAME_DAYS", "40")
    monkeypatch.setenv("LANTIAN_ARCHIVE_DIR", str(folder / "unmounted"))
    with pytest.raises(ConfigurationError, match="mount the disk"):
        job_named("retention").load()(clerk, NOW)
    assert read_balance(clerk).frames == 3


def test_nothing_is_dropped_when_the_disk_gives_back_something_else(
    database: Any, clerk: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, some(3))
    real = frame_file.read_portions
    monkeypatch.setattr(frame_file, "read_portions", lambda path: ([*each[:-1]] for each in real(path)))
    with writing(folder), pytest.raises(ServiceError, match="holds"):
        drop_oldest_archived(clerk, NOW - 40 * DAY, folder, now=NOW)
    assert (read_balance(clerk).frames, archive_files(folder)) == (3, [])


@pytest.mark.parametrize("changed", [Sum(2, 0), Sum(3, 1)])
def test_the_database_compares_before_it_drops(database: Any, clerk: Connection, changed: Sum) -> None:
    put(database, some(3))
    true = read_sum(clerk, CHUNK)
    lie = Sum(changed.frames, true.codes + changed.codes)
    assert drop_archived(clerk, CHUNK, lie, file="f", sha256="0" * 64) is None
    assert read_balance(clerk).frames == 3
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="30 days ago"):
        drop_archived(clerk, Chunk(NOW - 3 * DAY, NOW - 2 * DAY), true, file="f", sha256="0" * 64)
    assert drop_archived(clerk, CHUNK, true, file="f", sha256="0" * 64) == 3


def test_a_damaged_file_is_never_the_reason_to_drop(database: Any, clerk: Connection, folder: Path) -> None:
    put(database, some(40))
    with writing(folder):
        first = write_chunk(clerk, CHUNK, folder, now=NOW)
        assert write_chunk(clerk, CHUNK, folder, now=NOW).new is False
        content = bytearray(first.path.read_bytes())
        content[30] ^= 1
        first.path.write_bytes(content)
        assert drop_oldest_archived(clerk, NOW - 40 * DAY, folder, now=NOW) == 40
    second = archive_files(folder)[1]
    assert second.name.endswith("_2.parquet")
    row = clerk.execute("select archive, archive_sha256 from retention_drop").fetchone()
    assert row == (second.name, load_manifest(second).sha256)
    with pytest.raises(ServiceError, match="SHA-256"):
        verified(first.path)


def test_frames_that_come_late_get_a_file_of_their_own_and_nothing_twice(
    database: Any, clerk: Connection, folder: Path, cli: Callable[..., Result]
) -> None:
    """Between writing and dropping: the second file holds all. After dropping: only the late ones."""
    parts = [some(3), some(2, batch=2, text="late"), some(1, batch=3, text="later")]
    put(database, parts[0])
    assert "3 frames" in cli("write", "--days", 40, "--out", folder).output
    assert "is there already" in cli("write", "--days", 40, "--out", folder).output
    put(database, parts[1])
    for expected in (5, 1):
        with writing(folder):
            assert drop_oldest_archived(clerk, NOW - 40 * DAY, folder, now=NOW) == expected
        put(database, parts[2] if expected == 5 else [])
    # What the database holds itself is not restored beside it.
    put(database, some(1, batch=3, text="later"))
    assert cli("restore", *archive_files(folder)).output.splitlines()[-1].endswith("0 of 1 frames restored")
    assert held(clerk, "restored_frame") == Counter(map(tuple, parts[0] + parts[1]))
    assert "5 restored frames removed" in cli("clear").output


def test_no_step_at_which_it_is_killed_loses_a_frame(database: Any, clerk: Connection, folder: Path) -> None:
    everything = some(3) + some(2, day=1, batch=2)
    put(database, everything)
    command = [sys.executable, Path(__file__).with_name("archive_kill.py"), database.url("lantian_app"), folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
        assert killer.stdin is not None and killer.stdout is not None
        deaths = 0
        for step in range(1, 200):
            killer.stdin.write(f"{step}\n")
            killer.stdin.flush()
            status = int(killer.stdout.readline())
            kept = held(clerk, "raw_frame")
            for (name,) in clerk.execute("select archive from retention_drop").fetchall():
                verified(folder / name)
                kept += Counter(map(tuple, read_frames(folder / name)))
            assert kept == Counter(map(tuple, everything))
            assert read_balance(clerk).balanced
            if status == 0:
                break
            assert status == -9
            deaths += 1
        killer.stdin.close()
    assert deaths > 10
    assert (read_chunks(clerk, NOW), sum(load_manifest(path).frames for path in archive_files(folder))) == ([], 5)
    assert sorted(path.suffix for path in folder.iterdir() if path.name != ".lock") == [
        ".json",
        ".json",
        ".parquet",
        ".parquet",
    ]


@pytest.mark.parametrize(("made", "verdict"), [(True, {"ok", "warn"}), (False, {"fail"})])
def test_the_doctor_looks_at_the_archive(folder: Path, made: bool, verdict: set[str]) -> None:
    place = folder if made else folder / "unmounted"
    found = list(machine_findings(Settings(home=folder, archive_dir=place), NOW))
    (one,) = [finding for finding in found if finding.subject == "archive"]
    assert one.verdict in verdict
    assert str(place) in one.found


def test_a_folder_that_others_can_read_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(ConfigurationError, match="found mode 750, expected 700"), writing(folder):
        pass
    assert folder.stat().st_mode & 0o777 == 0o750


def test_other_commands_do_not_load_parquet() -> None:
    code = (
        "import sys; import app.command.job, app.command.doctor, app.command.collect, app.job.retention;"
        " sys.exit('pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_do_not_write_at_once(folder: Path) -> None:
    with writing(folder), pytest.raises(ServiceError, match="another process"), writing(folder):
        pass


def test_frames_are_listed_read_and_decoded_again(database: Any, folder: Path, cli: Callable[..., Result]) -> None:
    binary = Frame(some(1)[0].received_us + 7, None, "t", "stored", 4, b"\xff\x00")
    put(database, [*some(1), binary])
    assert cli("write", "--before", f"{NOW - 40 * DAY:%Y-%m-%d}", "--out", folder).exit_code == 0
    path = archive_files(folder)[0]
    assert cli("list", folder).output.startswith(f"{path.name}: 2 frames")
    lines = [json.loads(line) for line in cli("read", path).output.splitlines()]
    assert [(line["payload"] if "payload" in line else line["payload_hex"]) for line in lines] == ["x0", "ff00"]
    assert lines[1]["received_at"] == f"{FIRST:%Y-%m-%dT%H:%M:%S}.000007Z"
    assert cli("read", path, "--device", "d", "--payload", "hex").output == "7830\n"
    shutil.copy(path, folder / "raw_frame_other.parquet")
    assert cli("verify", folder).exit_code == 1


def test_an_archived_frame_is_decoded_again(database: Any, folder: Path, cli: Callable[..., Result]) -> None:
    payload = frame_hj212.frame(b"QN=20260901000000000;ST=22;CN=2011;PW=1;MN=M1;Flag=4;CP=&&a34004-Rtd=12.5&&")
    put(database, [some(1)[0]._replace(payload=payload), *some(1, text="other")])
    cli("write", "--days", 40, "--out", folder)
    lines = cli("read", *archive_files(folder), "--payload", "text").output
    found = CliRunner().invoke(main, ["decode", "hj212", "-"], input=lines).output.splitlines()
    assert [json.loads(line)["ok"] for line in found] == [True, False]
    assert json.loads(found[0])["values"][0]["value"] == 12.5


@pytest.mark.parametrize("arguments", [[], ["--days", "3", "--before", "2026-01-01"]])
def test_writing_needs_one_bound(cli: Callable[..., Result], folder: Path, arguments: list[str]) -> None:
    told = cli("write", "--out", folder, *arguments)
    assert (told.exit_code, "expected --before DATE or --days N" in told.output) == (2, True)
