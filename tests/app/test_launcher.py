"""The launcher: which Python it takes, what it says is missing, and that a finished environment is used at once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "mktemp", "chmod", "rm", "ls", "tail", "cp")
OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.9.2" && exit 0
exit 1
"""
#: New enough, but without venv, ensurepip and network.
BARE = """#!/bin/sh
case "$*" in
--version) echo "Python 3.12.1" ;;
*version_info*) exit 0 ;;
*) echo "fake: $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the launcher and nothing on the path but a few tools."""
    folder = tmp_path / "a checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "lantian", folder)
    shutil.copy(ROOT / "scripts/environment.sh", folder / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def launched(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    command = [str(checkout / "lantian"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_missing_python_is_said(checkout: Path) -> None:
    result = launched(checkout, "up")
    assert result.returncode == 2
    assert "found no Python, expected Python 3.11 or newer" in result.stderr


def test_old_python_is_named_and_a_newer_one_beside_it_taken(checkout: Path) -> None:
    program(checkout.parent / "bin/python3", OLD)
    result = launched(checkout, "up")
    assert result.returncode == 2
    assert "found Python 3.9.2, expected Python 3.11 or newer" in result.stderr
    program(checkout.parent / "bin/python3.12", BARE)
    assert "making the environment .venv with Python 3.12.1" in launched(checkout, "up").stderr


def test_python_without_pip_names_the_package(checkout: Path) -> None:
    program(checkout.parent / "bin/python3", BARE)
    result = launched(checkout, "up")
    assert result.returncode == 2
    assert "apt-get install python3-venv" in result.stderr
    assert not (checkout / ".venv").exists()


def test_finished_environment_is_used_and_a_changed_project_notices(checkout: Path) -> None:
    program(checkout / ".venv/bin/python", '#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "python $*" >&2; exit 1\n')
    program(checkout / ".venv/bin/lantian", '#!/bin/sh\nfor word; do echo "<$word>"; done\n')
    content = (checkout / "pyproject.toml").read_bytes() + (checkout / "constraints.txt").read_bytes()
    mark = subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout.decode()
    (checkout / ".venv/installed").write_text(mark)
    result = launched(checkout, "status", "two words", "")
    assert (result.returncode, result.stdout, result.stderr) == (0, "<status>\n<two words>\n<>\n", "")
    with (checkout / "constraints.txt").open("a") as handle:
        handle.write("# another pin\n")
    program(checkout.parent / "bin/python3", BARE)
    assert "making the environment" in launched(checkout, "status").stderr


def test_ci_runs_the_test_command_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 1
    assert lines[0].endswith("exec ./scripts/test")
