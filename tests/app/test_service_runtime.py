"""Finding and making programs: mirrors, versions, ports, users, passwords. Nothing is downloaded here."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import socket
from pathlib import Path

import pytest

from app.service.account import CredentialFile, check_device_name, hashed_password
from app.service.apt import AptError, AptRoot, debian_mirrors
from app.service.port import free_port, is_free
from app.service.progress import Silence
from app.service.runtime import find_runtime, private_folder, private_runtime
from app.service.unprivileged import ServiceUser, make_folder, service_user, unreachable_folder, write_file
from domain.error import ConfigurationError, PrerequisiteError

STRANGER = ServiceUser("stranger", 54321, 54321, dropped=True)
DEB822 = """\
# a remark
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_mirrors_come_from_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "deb [arch=amd64 signed-by=/k.gpg] http://one.example/debian bookworm main # near\n"
        "deb-src http://source.example/debian bookworm main\n"
        "#deb http://remark.example/debian bookworm main\n"
    )
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/other.list").write_text("deb https://vendor.example/apt nodistro main\n")
    assert debian_mirrors(tmp_path) == ["http://one.example/debian", "http://mirror.example/debian"]


def test_machine_without_sources_has_no_mirror(tmp_path: Path) -> None:
    assert debian_mirrors(tmp_path) == []


def test_missing_key_is_told_from_other_faults() -> None:
    assert AptError("W: GPG error: ... NO_PUBKEY 6ED0E7B82643E131").unknown_key
    assert not AptError("Could not resolve 'mirror.example'").unknown_key


def test_unreachable_archive_is_an_error(tmp_path: Path) -> None:
    root = AptRoot(tmp_path / "apt", f"file:{tmp_path}/nothing", "trixie", tmp_path / "keys.gpg")
    root.prepare()
    with pytest.raises(AptError, match="failed"):
        root.update()


def test_complete_private_runtime_is_used_as_it_is(tmp_path: Path) -> None:
    folder = private_folder(tmp_path)
    folder.mkdir()
    (folder / "complete").write_text("postgres 17.9\nmosquitto 2.0.99\n")
    runtime = private_runtime(tmp_path, Silence())
    assert (runtime.postgres.version, runtime.mosquitto.version) == ("17.9", "2.0.99")
    assert find_runtime(tmp_path, Silence(), prefer_private=True) == runtime


def test_machine_without_apt_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrerequisiteError, match=r"without apt-get.*TimescaleDB and Mosquitto 2"):
        private_runtime(tmp_path / "cache", Silence())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["runtime.lock"]


def test_taken_port_is_replaced() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        other = free_port(port)
    assert other != port
    assert is_free(other)


def test_folder_closed_to_others_is_found(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert unreachable_folder(closed / "inside", STRANGER) is not None
    own = ServiceUser("own", os.geteuid(), os.getegid(), dropped=False)
    assert unreachable_folder(closed / "inside", own) is None


def test_made_folders_are_open_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_folder(tmp_path / "a" / "b", mode=0o750)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o750


def test_secret_file_has_its_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    write_file(tmp_path / "secret", "one")
    write_file(tmp_path / "secret", "two")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_root_drops_to_an_unprivileged_user() -> None:
    user = service_user()
    assert user.dropped
    assert user.uid != 0
    with pytest.raises(PrerequisiteError, match="useradd"):
        service_user("nobody-of-that-name")


def test_password_hash_is_mosquittos() -> None:
    # The independent spelling of PBKDF2 (RFC 8018, one block): U1 xor U2 xor ... of HMAC-SHA512.
    salt = bytes(range(12))
    block = hashlib.pbkdf2_hmac("sha512", b"word", salt, 101, 64)
    assert (
        hashed_password("word", salt) == f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(block).decode()}"
    )
    assert hashed_password("word") != hashed_password("word")


def test_credentials_are_kept_rotated_and_revoked(tmp_path: Path) -> None:
    file = CredentialFile(tmp_path / "credentials.json")
    first = file.ensure()
    assert file.ensure() == first
    assert len(set(first.roles.values()) | set(first.accounts.values())) == len(first.roles) + len(first.accounts)
    one, two = (dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2))
    old = file.set_device("stack-01", None, one)
    new = file.set_device("stack-01", None, two)
    record = file.load().devices["stack-01"]
    assert old != new == record.password
    assert (record.created_at, record.rotated_at) == (one.isoformat(), two.isoformat())
    file.remove_device("stack-01")
    with pytest.raises(ConfigurationError, match="stack-01"):
        file.remove_device("stack-01")
    file.path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        file.load()


@pytest.mark.parametrize("name", ["collector", "a/b", "a+b", "", "#"])
def test_device_names_that_would_open_other_branches_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_device_name(name)
