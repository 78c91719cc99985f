"""What is shipped for a server: images pinned, settings real, secrets generated, the database prepared right."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.command.collect import SHARE
from app.command.collect import command as collect
from app.service.account import SUPERUSER
from app.settings import Settings, load_settings
from store.connection import connect
from store.migration import migrate

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SETTINGS = {f"LANTIAN_{each.name.upper()}" for each in fields(Settings)}


@pytest.mark.parametrize("name", list(COMPOSE["services"]))
def test_a_service_is_pinned_watched_and_brought_back(name: str) -> None:
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    volumes = [volume.split(":")[0] for volume in service["volumes"]]
    assert {volume for volume in volumes if not volume.startswith(".")} <= set(COMPOSE["volumes"])
    assert all((DEPLOY / volume).exists() for volume in volumes if volume.startswith("."))


def test_what_lantian_is_told_are_settings_that_exist() -> None:
    assert set(COMPOSE["services"]["lantian"]["environment"]) <= SETTINGS
    sample = tomllib.loads((DEPLOY / "lantian.toml").read_text(encoding="utf-8"))
    assert {f"LANTIAN_{name.upper()}" for name in sample} <= SETTINGS
    loaded = load_settings({"LANTIAN_CONFIG": str(DEPLOY / "lantian.toml")})
    assert loaded.simulator is False


def test_only_the_broker_with_tls_is_open_to_others() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == ["${LANTIAN_BROKER_PORT:-8883}:8883"]
    assert "ports" not in COMPOSE["services"]["database"]


def test_nobody_gains_rights_and_lantian_writes_nothing_but_its_volume() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "network_mode", "pid"} & set(service)
        assert name == "database" or service["cap_drop"] == ["ALL"]
    lantian = COMPOSE["services"]["lantian"]
    assert (lantian["read_only"], lantian["tmpfs"], lantian["volumes"]) == (True, ["/tmp"], ["home:/var/lib/lantian"])
    assert re.search(r"^USER lantian$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", ["lantian.service", "lantian-backup.service"])
def test_units_give_processes_no_more_than_they_need(unit: str) -> None:
    lines = (DEPLOY / "systemd" / unit).read_text(encoding="utf-8").splitlines()
    assert {
        "User=lantian",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "UMask=0077",
    } <= set(lines)
    # PostgreSQL's shared memory belongs to the user of both units.
    assert not any(line.startswith("RemoveIPC=") for line in lines)
    assert "StateDirectory=lantian" in lines


def test_every_room_is_in_the_image() -> None:
    rooms = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == set(rooms["root_packages"])


def test_passwords_are_generated_once_and_closed_to_others(tmp_path: Path) -> None:
    script = tmp_path / "prepare"
    script.write_bytes((DEPLOY / "prepare").read_bytes())
    script.chmod(0o755)
    subprocess.run([script], check=True, capture_output=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    words = dict(line.split("=", 1) for line in made.read_text().splitlines() if not line.startswith("#"))
    secrets = {name: word for name, word in words.items() if name.endswith("PASSWORD")}
    assert len(set(secrets.values())) == len(secrets) == 6
    assert all(re.fullmatch(r"[0-9a-f]{36}", word) for word in secrets.values())
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert set(words) <= asked
    assert {name for name in asked if name.endswith("PASSWORD")} == set(secrets)
    again = subprocess.run([script], check=False, capture_output=True, text=True)
    assert (again.returncode, "exists already" in again.stderr) == (1, True)
    assert dict(line.split("=", 1) for line in made.read_text().splitlines() if not line.startswith("#")) == words


def test_the_database_is_prepared_so_that_migrations_and_roles_work(services: Any, runtime_cache: Path) -> None:
    credentials = services.credential_file.load()
    program = next(runtime_cache.glob("runtime-*/usr/lib/postgresql/*/bin/psql"), Path("/usr/bin/psql"))
    environment = {
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(services.cluster.port),
        "PGPASSWORD": credentials.roles[SUPERUSER],
        "LANTIAN_DATABASE": "test_deploy",
        **{f"{role.upper()}_PASSWORD": word for role, word in credentials.roles.items() if role != SUPERUSER},
    }
    script = DEPLOY / "database" / "10-lantian.sh"
    done = subprocess.run(["sh", script], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    try:
        assert migrate(services.database_url("lantian_owner", "test_deploy"))
        with connect(services.database_url("lantian_reader", "test_deploy"), autocommit=True) as conn:
            assert conn.execute("select count(*) from screen.area").fetchone() == (0,)
    finally:
        services.cluster.drop_database(credentials, "test_deploy")


def test_a_unit_of_a_collector_runs_a_command_that_exists_with_its_number() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(DEPLOY / "systemd" / "lantian-collect@.service", encoding="utf-8")
    program, name, *options = unit["Service"]["ExecStart"].split()
    assert (program, name) == ("/opt/lantian/lantian", "collect")
    with collect.make_context("collect", [option.replace("%i", "3") for option in options]) as context:
        assert context.params["number"] == 3
        assert context.params["share"] == SHARE
