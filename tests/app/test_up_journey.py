"""up, status, doctor, device, down as an operator types them, in a home of their own; what is said when things fail."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.service.home import Home
from app.service.probe import login_refusal, publish_refusal
from app.service.state import read_state
from domain.period import ZONE

Lantian = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(scratch: Path) -> Path:
    return scratch / "journey"


@pytest.fixture
def lantian(home: Path, runtime_cache: Path, tmp_path: Path) -> Iterator[Lantian]:
    """Runs the command in `home`; whatever happens, nothing keeps running."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LANTIAN_")}
    # A little history comes at once; live readings come with the next minute.
    yesterday = (dt.datetime.now(ZONE) - dt.timedelta(days=1)).date().isoformat()
    environment = {**plain, "LANTIAN_HOME": str(home), "LANTIAN_CACHE": str(runtime_cache), "COLUMNS": "200"}
    environment |= {
        "LANTIAN_SIMULATOR_HISTORY": yesterday,
        "LANTIAN_DATABASE_PORT": "55800",
        "LANTIAN_BROKER_PORT": "18830",
    }
    # As Python's -m finds the house from any folder, so must the supervisor.
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=tmp_path,
            env={**environment, **extra},
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )

    yield run
    keeper = Home(home).keeper()
    if keeper:
        run("down")


def eventually(true: Callable[[], bool], timeout_s: float = 30) -> bool:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


def pid_of(home: Path, name: str) -> int | None:
    return next((each.pid for each in read_state(Home(home)).processes if each.name == name), None)


def secret_words(home: Path) -> set[str]:
    """Every password of the credentials, and every line of the private keys, of a home folder."""
    known = Home(home).credential_file.load()
    devices = (device.password for device in known.devices.values())
    keys = (line for file in home.rglob("*.key") for line in file.read_text().splitlines() if "-----" not in line)
    return {*known.roles.values(), *known.accounts.values(), *devices, *keys}


def check_logs_tell_no_secret(home: Path, secrets: set[str], said: str) -> None:
    """No log of any process, and nothing that commands said, holds a word of `secrets`."""
    logs = {file.name: file.read_text(errors="replace") for file in sorted((home / "log").iterdir()) if file.is_file()}
    assert {"postgres.log", "mosquitto.log", "collect.log"} <= logs.keys()
    assert all(len(word) >= 20 for word in secrets)
    told = [name for name, text in {**logs, "what was said": said}.items() if any(word in text for word in secrets)]
    assert told == []


def check_second_start(lantian: Lantian, home: Path) -> None:
    """Readings are still there; a killed supervisor takes its processes along, and the next start succeeds."""
    second = lantian("up", "--no-simulator")
    assert second.returncode == 0, second.stderr
    with psycopg.connect(Home(home).database_url("lantian_app")) as connection:
        stored = connection.execute("select sum(rows_stored) from lantian.ledger").fetchone()
    assert stored is not None
    assert stored[0] > 0
    assert pid_of(home, "simulate") is None
    keeper = Home(home).keeper()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    assert eventually(lambda: Home(home).keeper() is None)
    assert lantian("up", "--no-simulator").returncode == 0


def test_a_day_of_an_operator(lantian: Lantian, home: Path) -> None:
    before = lantian("status")
    assert before.returncode == 1
    assert "lantian up" in before.stdout
    assert "not running" in lantian("doctor").stdout
    assert "nothing to stop" in lantian("down").stdout

    up = lantian("up")
    assert up.returncode == 0, up.stderr
    assert "lantian_reader@127.0.0.1" in up.stdout
    password = json.loads((home / "credentials.json").read_text())["roles"]["lantian_reader"]
    assert password not in up.stdout + up.stderr
    again = lantian("up")
    assert (again.returncode, "running already" in again.stdout) == (0, True)

    status = lantian("status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert all(
        word in status.stdout for word in ("postgres", "mosquitto", "collect", "settle", "simulate", "(balanced)")
    )
    assert "细颗粒物年均浓度" in status.stdout
    doctor = lantian("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "1200 of 1200" in doctor.stdout
    assert "fail" not in doctor.stdout.replace("0 failed", "")

    registered = lantian("device", "add", "visitor-1", "--site", "ningxiang", "--protocol", "json")
    assert registered.returncode == 0, registered.stderr
    added = lantian("device", "credential", "visitor-1", "create")
    words = dict(line.split(" ") for line in added.stdout.splitlines())
    address = Home(home).broker_for("visitor-1")
    secrets = secret_words(home)
    assert address.password in secrets
    assert words["password"] == address.password
    assert eventually(lambda: login_refusal(address, address.password) is None)
    assert publish_refusal(address, "lt/v1/zhongyang/json/other/data") is not None
    assert lantian("device", "credential", "visitor-1", "revoke").returncode == 0
    assert eventually(lambda: login_refusal(address, address.password) is not None)

    killed = pid_of(home, "collect")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: pid_of(home, "collect") not in (None, killed))

    down = lantian("down")
    assert down.returncode == 0, down.stderr
    assert Home(home).keeper() is None
    assert "database system is shut down" in (home / "log" / "postgres.log").read_text()
    assert lantian("status").returncode == 1

    said = "".join(each.stdout + each.stderr for each in (up, again, status, doctor, down))
    check_logs_tell_no_secret(home, secrets, said)

    check_second_start(lantian, home)


def test_doctor_names_what_is_broken(lantian: Lantian, home: Path, tmp_path: Path) -> None:
    home.mkdir(exist_ok=True)
    credentials = home / "credentials.json"
    credentials.write_text("{}")
    credentials.chmod(0o644)
    loose = lantian("doctor")
    assert loose.returncode == 1
    assert "chmod 600" in loose.stdout
    credentials.unlink()
    wrong = lantian("doctor", LANTIAN_BROKER_PROT="1")
    assert wrong.returncode == 1
    assert "did you mean LANTIAN_BROKER_PORT" in wrong.stdout
    named = tmp_path / "broker.toml"
    named.write_text('collector = "x"\ndoctor = "x"\n')
    named.chmod(0o600)
    dead = {
        f"LANTIAN_DATABASE_{role}_URL": "postgresql://x:y@127.0.0.1:9/x"
        for role in ("OWNER", "WRITER", "APP", "READER")
    }
    dead |= {
        "LANTIAN_BROKER_HOST": "127.0.0.1",
        "LANTIAN_BROKER_PORT": "9",
        "LANTIAN_BROKER_CREDENTIALS_FILE": str(named),
    }
    far = lantian("doctor", **dead)
    assert far.returncode == 1
    assert "127.0.0.1:9 cannot be reached" in far.stdout
    assert "fail  database" in far.stdout
    failed = lantian("migrate", **dead)
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith("lantian: ")
    assert "Traceback" not in failed.stderr
    assert "Traceback" in lantian("--debug", "migrate", **dead).stderr


def test_help_lists_every_command_and_each_has_its_own(lantian: Lantian) -> None:
    assert "doctor" in lantian("--help").stdout
    assert lantian("--version").stdout.startswith("lantian, version ")
    unknown = lantian("doctro")
    assert unknown.returncode == 2
    assert "doctro" in unknown.stderr
