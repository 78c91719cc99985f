"""A registered network, the collector as a process, and a publisher, all against the real broker and database."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from journey_traffic import COUNTY, DEVICES, FACTORS
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.link import Broker, secret_client_id
from store.connection import Connection, connect
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site

ROLES = ("owner", "writer", "app", "reader")
#: Numbers of collectors that no other test uses.
_numbers = itertools.count(7001)


class Journey:
    """One test's county: a database, a session at the broker under its own name, collectors to start and kill."""

    def __init__(self, database: Any, services: Any, app: Connection, log: Path) -> None:
        self.app, self.database, self._log = app, database, log
        self._broker, self._home = services.broker_for, services.folder
        self._county = ""
        self._number = next(_numbers)
        self._client_id = f"lantian-collector-{self._number}"
        self._process: subprocess.Popen[bytes] | None = None

    def register(self) -> None:
        """Four evaluated sites with one device each."""
        with connect(self.database.url("lantian_app")) as conn:
            conn.execute("insert into area (id, name_zh) values (%s, '旅程县')", (COUNTY,))
            upsert_site(conn, NewSite(COUNTY, COUNTY, "area", "旅程县"))
            for device in DEVICES:
                upsert_site(conn, NewSite(f"at-{device.id}", COUNTY, "ambient", device.id, evaluated=True))
                policy = device.policy
                upsert_device(
                    conn,
                    NewDevice(
                        device.id, f"at-{device.id}", device.protocol, "air", mn=device.mn, revision_policy=policy
                    ),
                )
                if device.protocol == "hj212":
                    units = dict.fromkeys(FACTORS, "µg/m³") | {"a21005": "mg/m³"}
                    set_units(conn, device.id, units)

    def subscribe(self, county: str) -> None:
        """Make the collector's session for a county, so that whatever is published from now on waits for it."""
        self._county = county
        client = self._client("collector", self._session_id())
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        done: list[int] = []
        client.on_subscribe = lambda *_: done.append(1)
        address = self._broker("collector")
        client.connect(address.host, address.port, clean_start=True, properties=properties)
        client.subscribe(f"lt/v1/{self._county}/+/+/data", 1)
        self._loop_until(client, lambda: bool(done))
        client.disconnect()

    def _session_id(self, name: str | None = None) -> str:
        address = self._broker("collector")
        broker = Broker(address.host, address.port, address.username, address.password)
        return secret_client_id(name or self._client_id, broker)

    def unsubscribe(self) -> None:
        """Take the session away from the broker."""
        self.end_session(self._client_id)

    def end_session(self, name: str) -> None:
        """End the session of a collector that is away."""
        client = self._client("collector", self._session_id(name))
        address = self._broker("collector")
        client.connect(address.host, address.port, clean_start=True)
        self._loop_until(client, client.is_connected)
        client.disconnect()

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish in order with QoS 1 and wait until the broker has everything."""
        client = self._client("replay", f"{self._client_id}-publisher")
        client.max_inflight_messages_set(500)
        address = self._broker("replay")
        client.connect(address.host, address.port)
        client.loop_start()
        try:
            for info in [client.publish(topic, payload, qos=1) for topic, payload in messages]:
                info.wait_for_publish(60)
        finally:
            client.disconnect()
            client.loop_stop()

    def start(self, *, batch: int = 500) -> None:
        """Start `lantian collect` as a process."""
        arguments = [self.lantian, "collect", "--number", str(self._number), "--county", self._county]
        environment = self.environment | {"LANTIAN_COLLECTOR_BATCH_SIZE": str(batch)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)

    @property
    def lantian(self) -> Path:
        """The command as installed beside this interpreter."""
        return Path(sys.executable).with_name("lantian")

    @property
    def environment(self) -> dict[str, str]:
        """Settings of a process that shall use this test's services."""
        urls = {f"LANTIAN_DATABASE_{role.upper()}_URL": self.database.url(f"lantian_{role}") for role in ROLES}
        return {**os.environ, **urls, "LANTIAN_HOME": str(self._home)}

    def kill(self) -> None:
        """SIGKILL: no farewell to broker or database."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """End the collector politely."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)

    def wait(self, statement: str, least: int, *, timeout_s: float = 120.0, pause_s: float = 0.05) -> int:
        """Poll a count until it reaches `least`; fails with the collector's log."""
        deadline = time.monotonic() + timeout_s
        while (count := self.count(statement)) < least:
            dead = self._process is not None and self._process.poll() is not None
            if dead or time.monotonic() > deadline:
                pytest.fail(f"{statement}: {count} of {least}\n{self._log.read_text()[-3000:]}")
            time.sleep(pause_s)
        return count

    def count(self, statement: str) -> int:
        row = self.app.execute(statement).fetchone()
        assert row is not None
        return int(row[0] or 0)

    def _client(self, account: str, client_id: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        address = self._broker(account)
        client.username_pw_set(address.username, address.password)
        return client

    @staticmethod
    def _loop_until(client: mqtt.Client, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not done():
            assert time.monotonic() < deadline, "no answer from the broker"
            client.loop(0.1)


@pytest.fixture
def journey(database: Any, services: Any, tmp_path: Path) -> Iterator[Journey]:
    with connect(database.url("lantian_app"), autocommit=True) as app:
        made = Journey(database, services, app, tmp_path / "collector.log")
        yield made
        made.stop()
        made.unsubscribe()
