"""`lantian collect`, `lantian reject` and `lantian revision` as an operator runs them."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner, Result
from mqtt_device import Client
from paho.mqtt.enums import CallbackAPIVersion

from app.command.collect import SHARE, Listening, collector_name, prepared
from app.main import main
from app.service.supervisor import child_commands
from app.settings import Settings
from domain.error import ConfigurationError
from ingest.assembly import assemble
from ingest.registry import Registry
from store.batch import write_batch
from store.connection import connect
from store.registry import NewDevice, NewSite, upsert_device, upsert_site

RECEIVED = dt.datetime(2026, 3, 1, 0, 5, tzinfo=dt.UTC)


@pytest.fixture
def network(database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A database that the environment names, with one registered device."""
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    register(database, "d1")
    return database


def register(database: Any, device: str) -> None:
    with connect(database.url("lantian_app")) as conn:
        conn.execute("insert into area (id, name_zh) values ('zy', '测试县') on conflict do nothing")
        upsert_site(conn, NewSite("s1", "zy", "micro", "测试点"))
        upsert_device(conn, NewDevice(device, "s1", "json", "air"))


def receive(database: Any, *payloads: tuple[str, dict[str, Any]]) -> None:
    """Messages of devices as a collector writes them."""
    body = {"v": 1, "ts": "2026-03-01T08:00:00+08:00", "span": 60}
    parts = [(f"lt/v1/zy/json/{name}/data", json.dumps(body | more).encode(), RECEIVED) for name, more in payloads]
    registry = Registry()
    with connect(database.url("lantian_writer")) as conn:
        registry.refresh(conn, 0.0)
        write_batch(conn, assemble(parts, registry, collector="c", opened_at=RECEIVED).batch, registry.devices)


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "220"}).invoke(main, list(arguments))


def rows(database: Any, statement: str) -> list[tuple[Any, ...]]:
    with connect(database.url("lantian_app")) as conn:
        return conn.execute(statement).fetchall()  # type: ignore[arg-type]


def test_rejects_are_replayed_after_the_registration(network: Any) -> None:
    receive(network, ("d2", {"values": {"pm25": 1}}), ("d2", {"values": {}}), ("d1", {"values": {"pm25": 2}}))
    listed = run("reject", "list")
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.count("设备未登记") == 2
    assert run("reject", "replay").stdout == "2 设备未登记\n"
    register(network, "d2")
    assert run("reject", "replay", "--reason", "crc_mismatch").stdout == "Nothing waits.\n"
    assert run("reject", "replay").stdout == "1 没有数据, 1 stored\n"
    assert rows(network, "select device_id, pm25, received_at from air_reading order by 1") == [
        ("d1", 2.0, RECEIVED),
        ("d2", 1.0, RECEIVED),
    ]
    assert rows(network, "select replay_outcome from reject order by id") == [("stored",), (None,)]
    assert run("reject", "list").stdout.count("d2/data") == 1
    assert run("reject", "list", "--all").stdout.count("d2/data") == 2
    assert run("reject", "replay").stdout == "1 没有数据\n"


def test_revisions_are_decided_once(network: Any) -> None:
    assert run("revision", "list").stdout == "Nothing to show.\n"
    receive(network, ("d1", {"values": {"pm25": 1}}))
    receive(network, ("d1", {"values": {"pm25": 7}}), ("d1", {"values": {"pm25": 8}}))
    listed = run("revision", "list")
    assert "pm25=7" in listed.stdout
    assert "2026-03-01 08:00:00" in listed.stdout
    first, second = (str(row[0]) for row in rows(network, "select id from revision order by id"))
    assert run("revision", "accept", first).exit_code == 2
    assert run("revision", "accept", first, "--who", "王工", "--why", "校准").stdout == "1 accepted\n"
    assert run("revision", "refuse", second, "--who", "王工", "--why", "错误").stdout == "1 refused\n"
    again = run("revision", "refuse", first, "--who", "王工", "--why", "x")
    assert again.exit_code == 2
    assert "expected a proposed one" in again.stderr
    assert rows(network, "select status, decided_by, reason from revision order by id") == [
        ("accepted", "王工", "校准"),
        ("refused", "王工", "错误"),
    ]
    assert "王工: 校准" in run("revision", "list", "--status", "all").stdout


def environment(tmp_path: Path, broker: Callable[[str], Any], password: str | None = None) -> dict[str, str]:
    address = broker("collector")
    credentials = tmp_path / "broker.toml"
    credentials.touch(mode=0o600)
    credentials.write_text(f'collector = "{password or address.password}"\n', encoding="utf-8")
    named = {"BROKER_HOST": address.host, "BROKER_PORT": str(address.port), "BROKER_CREDENTIALS_FILE": str(credentials)}
    return os.environ | {f"LANTIAN_{name}": value for name, value in named.items()} | {"LANTIAN_HOME": str(tmp_path)}


def test_a_session_under_the_plain_name_is_given_up(services: Any, network: Any) -> None:
    """Otherwise the broker keeps every message for it, for a month."""
    account, name = services.broker_for("collector"), collector_name(4711)
    old = Client(account, client_id=name, keep=True)
    old.subscribe("lt/v1/#")
    old.close()
    roles = ("owner", "writer", "app", "reader")
    urls = {f"database_{role}_url": network.url(f"lantian_{role}") for role in roles}
    prepared(Settings(home=services.folder, **urls), 4711, Listening("zy"))
    again = Client(account, client_id=name, keep=True)
    assert not again.session_present
    again.close()


def test_collect_runs_until_told_to_stop(network: Any, broker: Callable[[str], Any], tmp_path: Path) -> None:
    number = str(int(uuid.uuid4().hex[:6], 16) + 2)
    arguments = [sys.executable, "-m", "app", "collect", "--number", number, "--county", "zy"]
    process = subprocess.Popen(arguments, env=environment(tmp_path, broker), stderr=subprocess.PIPE, text=True)
    address = broker("simulator")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"collect-{number}")
    client.username_pw_set(address.username, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    body = {"v": 1, "ts": "2026-03-01T08:00:00+08:00", "values": {"pm25": 3}}
    try:
        deadline = time.monotonic() + 60
        while not rows(network, "select 1 from air_reading"):
            assert time.monotonic() < deadline
            assert process.poll() is None
            client.publish("lt/v1/zy/json/d1/data", json.dumps(body), qos=1)
            time.sleep(0.2)
    finally:
        client.disconnect()
        client.loop_stop()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["start", "stop"]
    batches = [line for line in lines if line["event"] == "batch"]
    assert sum(line["stored"] for line in batches) == 1
    assert all(line["received"] == line["acknowledged"] for line in batches)
    assert all(
        line["received"] == line["stored"] + line["duplicate"] + line["revised"] + line["rejected"] for line in batches
    )


def test_collect_says_what_is_wrong(network: Any, broker: Callable[[str], Any], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["collect"], env=environment(tmp_path, broker, "wrong"))
    assert result.exit_code == 2
    assert "Not authorized" in result.stderr
    assert "collector" in result.stderr


def test_several_collectors_form_a_group(tmp_path: Path) -> None:
    commands = child_commands(Settings(home=tmp_path, collectors=3))
    assert {name: command for name, command in commands.items() if name.startswith("collect")} == {
        "collect": ["collect", "--share", SHARE],
        "collect-2": ["collect", "--number", "2", "--share", SHARE],
        "collect-3": ["collect", "--number", "3", "--share", SHARE],
    }
    assert child_commands(Settings(home=tmp_path))["collect"] == ["collect"]


@pytest.mark.parametrize("share", ["", "a/b", "a+", "x" * 65])
def test_a_group_needs_a_plain_name(tmp_path: Path, share: str) -> None:
    with pytest.raises(ConfigurationError, match="group"):
        prepared(Settings(home=tmp_path), 1, Listening(share=share))
