"""The user that database and broker run as: oneself, or an unprivileged one when root runs Lantian."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.error import ConfigurationError, PrerequisiteError

#: Users that root drops to, the first that exists.
CANDIDATES: Final = ("lantian", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """The user of the service processes; `dropped` when it is not the user who runs this program."""

    name: str
    uid: int
    gid: int
    dropped: bool


def service_user(name: str | None = None) -> ServiceUser:
    """User that database and broker run as.

    Parameters
    ----------
    name : str, optional
        The user's name when root wants a certain one; default the first of `CANDIDATES` that exists.

    Returns
    -------
    ServiceUser
        The caller itself unless it is root. PostgreSQL refuses to run as root.
    """
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        if name not in (None, own.pw_name):
            raise ConfigurationError(f"service_user is {name!r}, but only root can run services as another user")
        return ServiceUser(own.pw_name, own.pw_uid, own.pw_gid, dropped=False)
    for candidate in (name,) if name else CANDIDATES:
        try:
            found = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return ServiceUser(found.pw_name, found.pw_uid, found.pw_gid, dropped=True)
    wanted = name or " or ".join(CANDIDATES)
    raise PrerequisiteError(
        f"PostgreSQL refuses to run as root and no unprivileged user {wanted} was found; "
        "create one: useradd --system --home-dir /var/lib/lantian lantian"
    )


def _ancestors(path: Path) -> Iterator[Path]:
    yield from reversed(path.resolve().parents)


def unreachable_folder(path: Path, user: ServiceUser) -> Path | None:
    """First folder above `path` that `user` may not pass through; None when all are open to it."""
    for folder in _ancestors(path):
        try:
            info = folder.stat()
        except FileNotFoundError:
            return None
        needed = stat.S_IXUSR if info.st_uid == user.uid else stat.S_IXGRP if info.st_gid == user.gid else stat.S_IXOTH
        if user.uid != 0 and not info.st_mode & needed:
            return folder
    return None


def make_folder(path: Path, user: ServiceUser | None = None, mode: int = 0o755) -> Path:
    """Make `path` with `mode` and missing parents open to all; `user` becomes its owner when privileges are dropped.

    Parameters
    ----------
    path : Path
        The folder; it may exist.
    user : ServiceUser, optional
        Its owner.
    mode : int
        Its permission bits, whatever the umask says.

    Returns
    -------
    Path
        `path`.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    path.chmod(mode)
    if user is not None and user.dropped:
        os.chown(path, user.uid, user.gid)
    return path


def write_file(path: Path, content: str, *, user: ServiceUser | None = None, mode: int = 0o600) -> None:
    """Replace a file at once: nobody ever reads half of it, or reads it before its mode is set.

    Parameters
    ----------
    path : Path
        The file.
    content : str
        Its text, written as UTF-8.
    user : ServiceUser, optional
        Its owner when privileges are dropped.
    mode : int
        Its permission bits.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if user is not None and user.dropped:
            os.chown(fresh, user.uid, user.gid)
        fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
