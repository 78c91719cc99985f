"""Real dispatchers killed at every arrow: each notice arrives, a repetition is recognised by its key, none is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from alert_scene import furnish
from mqtt_device import Client, wait_for
from receiver import Receiver

from app.service.account import enterprise_account
from app.service.local import LocalServices
from app.service.port import free_port
from domain.alert import MAJOR
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.outbox import Notice, announce

WAIT_S = 30.0


@dataclass
class Stage:
    """A database with one notice to send, an address that receives it, and dispatchers that can be killed."""

    database: Any
    services: LocalServices
    folder: Path
    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        """A dispatcher of its own process."""
        secrets = self.folder / "secrets.toml"
        secrets.write_text('[webhook]\nkey = "0123456789abcdef"\n')
        secrets.chmod(0o600)
        urls = {
            f"LANTIAN_DATABASE_{role.upper()}_URL": self.database.url(f"lantian_{role}")
            for role in ("owner", "writer", "app", "reader")
        }
        names = {
            "LANTIAN_HOME": str(self.services.folder), "LANTIAN_ALERT_SECRETS_FILE": str(secrets),
            "LANTIAN_ALERT_WEBHOOK_ORIGINS": f"http://127.0.0.1:{self.port}",
        }  # fmt: skip
        log = (self.folder / f"dispatch-{len(self.running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "dispatch"], env={**os.environ, **urls, **names}, stderr=log, stdout=log
        )
        log.close()
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a dispatcher as a crash would, and let the time of its lease pass."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        with connect(self.database.url("lantian_owner"), autocommit=True) as conn:
            query = "select count(*) from pg_stat_activity where application_name = 'lantian dispatch' and datname = %s"
            assert wait_for(lambda: conn.execute(query, (self.database.name,)).fetchone() == (0,), WAIT_S)
            conn.execute("update delivery set leased_until = now() where state = 'sending'")

    @contextmanager
    def held(self, statement: str) -> Iterator[Callable[[], bool]]:
        """Hold a lock; yields whether some other session waits for it."""
        with (
            connect(self.database.url("lantian_owner")) as conn,
            connect(self.database.url("postgres"), autocommit=True) as watch,
        ):
            conn.execute(statement.encode())

            def is_waited_for() -> bool:
                row = watch.execute(
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = %s",
                    (self.database.name,),
                ).fetchone()
                return row is not None and row[0] > 0

            yield is_waited_for
            conn.rollback()

    def states(self) -> list[tuple[Any, ...]]:
        with connect(self.database.url("lantian_app"), autocommit=True) as conn:
            return conn.execute("select state, attempts from delivery where channel = 'webhook' order by id").fetchall()

    def is_sent(self) -> bool:
        return wait_for(lambda: [state for state, _ in self.states()] == ["sent"], WAIT_S)


@pytest.fixture
def stage(database: Any, services: LocalServices, tmp_path: Path) -> Iterator[Stage]:
    port = free_port(0)
    url = f"http://127.0.0.1:{port}/erp"
    furnish(database, (Contact("erp", None, "mill", "磨坊ERP", channels=(("webhook", url),)),))
    with connect(database.url("lantian_app")) as conn:
        announce(conn, Notice("order", "warning:1", "x", "mill", MAJOR, "停窑", ""), now=moment(conn))
    one = Stage(database, services, tmp_path, port)
    yield one
    for process in one.running:
        process.kill()
        process.wait()


def moment(conn: Connection) -> Any:
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def hook(stage: Stage) -> Iterator[Receiver]:
    one = Receiver(port=stage.port)
    yield one
    one.close()


def test_killed_before_the_claim_is_committed(stage: Stage, hook: Receiver) -> None:
    with stage.held("lock table lantian.delivery in access exclusive mode") as is_waited_for:
        first = stage.start()
        assert wait_for(is_waited_for, WAIT_S)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert stage.states() == [("waiting", 0)]
    stage.start()
    assert stage.is_sent()
    assert [call.headers["Lantian-Attempt"] for call in hook.calls] == ["1"]


def test_killed_after_the_claim_before_anybody_has_it(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", stage.port)) as deaf:
        first = stage.start()
        deaf.settimeout(WAIT_S)
        connection, _ = deaf.accept()
        stage.kill(first)
        connection.close()
    hook = Receiver(port=stage.port)
    stage.start()
    assert stage.is_sent()
    assert [call.headers["Lantian-Attempt"] for call in hook.calls] == ["2"]
    hook.close()


def test_killed_when_the_receiver_has_it_and_has_not_answered(stage: Stage, hook: Receiver) -> None:
    first = stage.start()

    def kill_once(_call: Any) -> None:
        if len(hook.calls) == 1:
            stage.kill(first)

    hook.before = kill_once
    assert hook.arrived.wait(WAIT_S)
    stage.start()
    assert stage.is_sent()
    assert [call.headers["Lantian-Attempt"] for call in hook.calls] == ["1", "2"]
    assert len(set(hook.keys())) == 1
    assert hook.calls[0].content == hook.calls[1].content


def test_killed_after_the_answer_before_it_is_recorded(stage: Stage, hook: Receiver) -> None:
    entered = []

    def lock(_call: Any) -> None:
        if not entered:
            entered.append(stage.held("select 1 from lantian.delivery for update"))
            waited.append(entered[0].__enter__())

    waited: list[Callable[[], bool]] = []
    hook.before = lock
    first = stage.start()
    assert wait_for(lambda: bool(waited), WAIT_S)
    assert wait_for(waited[0], WAIT_S)
    first.send_signal(signal.SIGKILL)
    first.wait()
    entered[0].__exit__(None, None, None)
    stage.kill(first)
    assert stage.states() == [("sending", 1)]
    stage.start()
    assert stage.is_sent()
    assert len(hook.calls) == 2
    assert len(set(hook.keys())) == 1


def test_killed_after_it_is_recorded_nothing_is_sent_again(stage: Stage, hook: Receiver) -> None:
    first = stage.start()
    assert stage.is_sent()
    stage.kill(first)
    second = stage.start()
    with connect(stage.database.url("lantian_app")) as conn:
        announce(conn, Notice("order", "warning:2", "x", "mill", MAJOR, "复产", ""), now=moment(conn))
    assert wait_for(lambda: [state for state, _ in stage.states()] == ["sent", "sent"], WAIT_S)
    assert len(hook.calls) == len(set(hook.keys())) == 2
    second.send_signal(signal.SIGTERM)
    assert second.wait(WAIT_S) == 0


def test_an_enterprise_hears_by_mqtt_and_its_answer_survives_a_kill(
    stage: Stage, device_account: Callable[[str], Any]
) -> None:
    mill = Client(device_account(enterprise_account("mill")), client_id="mill-dcs", keep=True)
    oven = Client(device_account(enterprise_account("oven")), client_id="oven-dcs")
    assert mill.subscribe("lt/v1/x/enterprise/mill/notice", "lt/v1/x/enterprise/mill/reply") == [1, 1]
    oven.subscribe("lt/v1/x/enterprise/mill/notice", "lt/v1/+/enterprise/+/notice", "#")
    with connect(stage.database.url("lantian_app")) as conn:
        write_contacts(conn, [Contact("mill-dcs", None, "mill", "磨坊系统", channels=(("mqtt", "mill"),))])
        notice = announce(conn, Notice("order", "warning:2", "x", "mill", MAJOR, "停窑", ""), now=moment(conn))
    first = stage.start()
    assert wait_for(lambda: len(mill.messages) > 0, WAIT_S)
    heard = json.loads(mill.messages[0][1])
    assert [one["notice_id"] for one in heard["notices"]] == [notice]
    said = {"notice_id": notice, "by": "值班长", "measures": ["停窑"], "effective_at": "2026-03-01T20:00:00+08:00"}
    with stage.held("lock table lantian.acknowledgement in access exclusive mode") as is_waited_for:
        assert mill.publish("lt/v1/x/enterprise/mill/ack", json.dumps(said).encode()) == 0
        assert oven.publish("lt/v1/x/enterprise/mill/ack", b"{}") == 0x87
        assert wait_for(is_waited_for, WAIT_S)
        first.send_signal(signal.SIGKILL)
        first.wait()
    stage.start()

    def replies() -> list[dict[str, Any]]:
        return [json.loads(content) for topic, content in mill.messages if topic.endswith("/reply")]

    assert wait_for(lambda: len(replies()) > 0, WAIT_S)
    assert replies()[-1]["result"] == "stored"
    assert mill.publish("lt/v1/x/enterprise/mill/ack", json.dumps(said).encode()) == 0
    assert wait_for(lambda: replies()[-1]["result"] == "repeated", WAIT_S)
    assert mill.publish("lt/v1/x/enterprise/mill/ack", b'{"notice_id": 1}') == 0
    assert wait_for(lambda: replies()[-1]["result"] == "refused", WAIT_S)
    with connect(stage.database.url("lantian_app")) as conn:
        stored = conn.execute("select by, via, measures from acknowledgement").fetchall()
    assert stored == [("值班长", "mqtt", ["停窑"])]
    assert oven.messages == []
    mill.close()
    oven.close()
