"""The collector with a real broker and a real database: every message ends in one row, one answer and one account."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.command.device_request import _prepared, request_table
from domain.error import ConfigurationError, ServiceError
from ingest.collector import Cadence, Collector, check_cadence, pauses
from ingest.dispatch import send
from ingest.link import Arrival, Broker, Link, Session, secret_client_id
from ingest.pace import Allowance
from ingest.preflight import _waiting_window, check_broker, measured_window
from ingest.registry import Registry
from ingest.replay import replay_rejects
from ingest.topic import subscriptions
from ingest.wire.hj212 import encode_frame
from store.connection import Connection, connect
from store.error import StoreError
from store.ledger import read_balance
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site
from store.reject import Reject
from store.request import insert_request, read_requests

PATIENCE_S = 60.0
Address = Callable[[str], Any]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def wait_until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.02)


def as_broker(address: Any) -> Broker:
    return Broker(address.host, address.port, address.username, address.password)


@dataclass
class Field:
    """Devices of one county seen from the field: publish, and hear what is answered."""

    county: str
    client: mqtt.Client
    replies: list[tuple[str, bytes]] = field(default_factory=list)
    errors: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def topic(self, device: str, stream: str = "data", protocol: str = "json") -> str:
        return f"lt/v1/{self.county}/{protocol}/{device}/{stream}"

    def send(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, qos=1)

    def send_json(self, device: str = "c-01", **body: Any) -> None:
        self.send(self.topic(device), json.dumps({"v": 1, "ack": True} | body).encode())

    def reading(self, seq: int, minute: int, pm25: float = 35.0, **more: Any) -> None:
        self.send_json(seq=seq, ts=stamp(minute), span=60, values={"pm25": pm25, "co": 0.5}, **more)

    def outcomes(self) -> dict[int, str]:
        found = [json.loads(payload) for _, payload in self.replies if payload.startswith(b"{")]
        return {answer["seq"]: answer["outcome"] for answer in found}

    def reasons(self) -> dict[int | str | None, str]:
        return {answer["seq"] if answer["qn"] is None else answer["qn"]: answer["reason"] for _, answer in self.errors}


def stamp(minute: int) -> str:
    return (dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)).isoformat()


@pytest.fixture
def county() -> str:
    return f"c{uuid.uuid4().hex[:8]}"


@pytest.fixture
def outside(broker: Address, county: str) -> Iterator[Field]:
    address = broker("simulator")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"field-{county}")
    client.username_pw_set(address.username, address.password)
    heard = threading.Event()
    found = Field(county, client)

    def received(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/reply"):
            found.replies.append((message.topic, message.payload))
        else:
            found.errors.append((message.topic, json.loads(message.payload)))

    client.on_message = received
    client.on_subscribe = lambda *_: heard.set()
    client.connect(address.host, address.port)
    client.loop_start()
    client.subscribe([(f"lt/v1/{county}/+/+/reply", 1), (f"lt/v1/{county}/+/+/error", 1)])
    assert heard.wait(PATIENCE_S)
    yield found
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def registered(database: Any, county: str) -> Callable[..., None]:
    """Registers devices; a json device c-01 and an hj212 device c-02 are there from the start."""

    def register(*devices: NewDevice) -> None:
        with connect(database.url("lantian_app")) as conn:
            conn.execute("insert into area (id, name_zh) values (%s, '测试县') on conflict do nothing", (county,))
            upsert_site(conn, NewSite("s1", county, "micro", "测试点"))
            for device in devices:
                upsert_device(conn, device)
                if device.protocol == "hj212":
                    set_units(conn, device.id, {"a34004": "µg/m³"})

    register(NewDevice("c-01", "s1", "json", "air"), NewDevice("c-02", "s1", "hj212", "air", mn="M2"))
    return register


def session(county: str, window: int = 2000) -> Session:
    return Session(f"lantian-collector-{county}", subscriptions(county), window)


def collector(
    database: Any,
    broker: Address,
    county: str,
    *,
    link: type[Link] = Link,
    size: int = 100,
    opened: Callable[[], Connection] | None = None,
    part_timeout_s: float = 600.0,
    member: int | None = None,
    allowance: Allowance | None = None,
) -> Collector:
    listening = session(county)
    if member is not None:
        listening = replace(
            listening, client_id=f"{listening.client_id}-{member}", topics=subscriptions(county, f"group-{county}")
        )
    made = link(as_broker(broker("collector")), listening, utc_now)
    opener = opened or (lambda: connect(database.url("lantian_writer")))
    cadence = Cadence(size, 0.1, part_timeout_s)
    return Collector(
        made, opener, name=county, cadence=cadence, now=utc_now, shared=member is not None, allowance=allowance
    )


def test_who_sends_too_fast_is_told_and_nothing_is_lost(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    registered(NewDevice("c-03", "s1", "json", "air"))
    with running(collector(database, broker, county, allowance=Allowance(per_s=0.001, burst=100))):
        for seq in range(150):
            outside.reading(seq, seq)
        outside.send_json("c-03", seq=900, ts=stamp(1), span=60, values={"pm25": 1.0})
        wait_until(lambda: len(outside.outcomes()) == 101 and len(outside.errors) == 50, "all are answered")
    assert set(outside.reasons().values()) == {"too_fast"}
    with connect(database.url("lantian_app")) as conn:
        kept = conn.execute("select device_id, payload, detail from reject where reason = 'too_fast'").fetchall()
        balance = read_balance(conn)
    assert {json.loads(bytes(payload))["seq"] for _, payload, _ in kept} == set(range(150)) - set(outside.outcomes())
    assert {(device, detail) for device, _, detail in kept} == {
        ("c-01", "more than 0.001 messages a second and 100 at once")
    }
    assert (balance.received, balance.stored, balance.rejected, balance.balanced) == (151, 101, 50, True)


@contextmanager
def running(subject: Collector) -> Iterator[threading.Thread]:
    """The collector in a thread; it must end cleanly."""
    stopping = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            subject.run(stopping)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: subject.link.listening.is_set() or failures, "the subscription")
        yield thread
    finally:
        stopping.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def query(database: Any, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url("lantian_owner"), options="-c search_path=lantian") as conn:
        conn.execute("select fold_batch_notes()")
        return conn.execute(text, parameters).fetchall()  # type: ignore[arg-type]


def ledger(database: Any) -> tuple[int, ...]:
    (row,) = query(
        database, "select sum(received), sum(stored), sum(duplicate), sum(revised), sum(rejected) from ledger"
    )
    return tuple(int(value or 0) for value in row)


def test_another_account_with_the_collectors_name_does_not_disturb_it(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    subject = collector(database, broker, county)
    address = broker("simulator")
    with running(subject):
        thief = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=session(county).client_id, protocol=mqtt.MQTTv5)
        thief.username_pw_set(address.username, address.password)
        entered = threading.Event()
        thief.on_connect = lambda *_: entered.set()
        thief.connect(address.host, address.port, clean_start=True)
        thief.loop_start()
        assert entered.wait(PATIENCE_S)
        outside.reading(1, minute=0)
        wait_until(lambda: 1 in outside.outcomes(), "an answer")
        assert subject.link.connections == 1
        thief.disconnect()
        thief.loop_stop()


def test_client_ids_are_secret_and_the_same_at_every_start() -> None:
    here, there = Broker("b", 1, "collector", "one"), Broker("b", 1, "collector", "two")
    first = secret_client_id("lantian-collector-1", here)
    assert first == secret_client_id("lantian-collector-1", here)
    others = (secret_client_id("lantian-collector-2", here), secret_client_id("lantian-collector-1", there))
    assert len({first, *others}) == 3
    assert first.startswith("lantian-collector-1-")
    assert "one" not in first
    assert secret_client_id("plain", Broker("b", 1)) == "plain"


def test_every_kind_of_message_is_answered_and_accounted_for(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    frame = "QN=20260301080000001;ST=22;CN=2051;PW=123456;MN={mn};Flag=5;CP=&&DataTime=20260301080000;{content}&&"
    hj212 = outside.topic("c-02", protocol="hj212")
    with running(collector(database, broker, county)):
        outside.send(outside.topic("c-01", "state"), b'{"v":1,"state":"online","ts":"2026-03-01T00:00:00Z"}')
        outside.reading(1, minute=0)
        outside.reading(2, minute=0)
        outside.reading(3, minute=0, pm25=36.0, correction=True)
        outside.reading(4, minute=0, pm25=99.0)
        outside.reading(5, minute=-60 * 24 * 200)
        outside.send_json("stranger", seq=6, ts=stamp(0), values={"pm25": 1})
        outside.send(outside.topic("c-01"), b'{"v":1,"seq":7,"ts"')
        outside.send_json(seq=8, ts="2026-03-01T08:00:00", values={"pm25": 1})
        outside.send_json(seq=9, ts="2199-01-01T00:00:00Z", values={"pm25": 1})
        outside.send(hj212, encode_frame(frame.format(mn="M2", content="a34004-Avg=35,a34004-Flag=N;x-Avg=1")))
        outside.send(hj212, encode_frame(frame.format(mn="M2", content="x-Info=a\x00b")))
        outside.send(hj212, encode_frame(frame.format(mn="M2", content="a34002-Avg=35")))
        outside.send(hj212, encode_frame(frame.format(mn="M1", content="a34004-Avg=35")))
        outside.reading(10, minute=1)
        wait_until(lambda: len(outside.replies) >= 7 and len(outside.errors) >= 7, "an answer to everything")
        wait_until(lambda: ledger(database)[0] >= 15, "the ledger")
    assert outside.outcomes() == {1: "stored", 2: "duplicate", 3: "revised", 4: "revised", 5: "stored", 10: "stored"}
    (answer,) = [payload for topic, payload in outside.replies if topic == outside.topic("c-02", "reply", "hj212")]
    assert answer.endswith(b"\r\n")
    assert b"QN=20260301080000001;ST=91;CN=9014;PW=123456;MN=M2;Flag=4;" in answer
    assert sorted(answer["reason"] for _, answer in outside.errors) == sorted(
        [
            "unknown_device",
            "malformed",
            "bad_time",
            "impossible_time",
            "database_refused",
            "unit_unregistered",
            "identity_mismatch",
        ]
    )
    reasons = outside.reasons()
    assert (reasons[6], reasons[8], reasons[9]) == ("unknown_device", "bad_time", "impossible_time")
    assert ledger(database) == (15, 5, 1, 2, 7)
    assert query(database, "select count(*) from raw_frame") == [(8,)]
    assert query(database, "select count(*), count(device_id) from reject") == [(7, 6)]
    assert query(
        database, "select pm25, co, flag, mark from air_reading where device_id = 'c-01' and time = %s", stamp(0)
    ) == [(35.0, 0.5, "199919999999", "------------")]
    assert query(database, "select new_values->>'pm25', status from revision order by id") == [
        ("36", "accepted"),
        ("99", "proposed"),
    ]
    assert query(database, "select factor, field, value from factor_reading") == [("x", "Avg", 1.0)]
    assert query(database, "select link from device_state where device_id = 'c-01'") == [("online",)]


def test_a_device_registered_later_works_without_restart(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with running(collector(database, broker, county)):
        outside.send_json("c-09", seq=1, ts=stamp(0), values={"pm25": 1})
        wait_until(lambda: outside.reasons() == {1: "unknown_device"}, "the rejection")
        registered(NewDevice("c-09", "s1", "json", "air"))

        def stored() -> bool:
            outside.send_json("c-09", seq=2, ts=stamp(0), values={"pm25": 1})
            time.sleep(0.3)
            return 2 in outside.outcomes()

        wait_until(stored, "a stored reading")


class Forgetful(Link):
    """A link whose acknowledgements never leave, as if the process died after each commit."""

    def acknowledge(self, arrivals: Sequence[Arrival]) -> int:
        return 0


def test_messages_committed_but_not_acknowledged_come_again_as_duplicates(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with running(collector(database, broker, county, link=Forgetful)):
        for seq in range(40):
            outside.reading(seq, minute=seq)
        wait_until(lambda: len(outside.replies) == 40, "answers")
    assert ledger(database) == (40, 40, 0, 0, 0)
    with running(collector(database, broker, county)):
        wait_until(lambda: ledger(database)[0] == 80, "the second delivery")
    assert ledger(database) == (80, 40, 40, 0, 0)
    assert query(database, "select count(*) from air_reading") == [(40,)]
    with running(collector(database, broker, county)):
        outside.reading(99, minute=99)
        wait_until(lambda: 99 in outside.outcomes(), "the next message")
    assert ledger(database) == (81, 41, 40, 0, 0)


PROCESS = """
import datetime as dt, sys, threading
from ingest.collector import Cadence, Collector
from ingest.link import Broker, Link, Session
from ingest.topic import subscriptions
from store.connection import connect
url, host, port, username, password, county = sys.argv[1:]
now = lambda: dt.datetime.now(dt.UTC)
session = Session(f"lantian-collector-{county}", subscriptions(county))
link = Link(Broker(host, int(port), username, password), session, now)
Collector(link, lambda: connect(url), name=county, cadence=Cadence(25, 0.05), now=now).run(threading.Event())
"""


def test_killing_the_collector_loses_and_doubles_nothing(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    total = 2000
    address = broker("collector")
    arguments = [
        database.url("lantian_writer"),
        address.host,
        str(address.port),
        address.username,
        address.password,
        county,
    ]

    def started() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", PROCESS, *arguments])

    def rows() -> int:
        return int(query(database, "select count(*) from air_reading")[0][0])

    process = started()
    try:
        # Once the session exists the broker keeps everything; the first row proves that it does.
        def listening() -> bool:
            outside.reading(0, minute=0)
            time.sleep(0.1)
            return rows() == 1

        wait_until(listening, "the first row")
        for seq in range(1, total):
            outside.reading(seq, minute=seq, pm25=seq % 100)
        for goal in (total // 10, total // 3):
            wait_until(lambda goal=goal: rows() >= goal, f"{goal} rows")  # type: ignore[misc]
            process.kill()
            process.wait()
            assert rows() < total
            process = started()
        wait_until(lambda: rows() == total and len(outside.outcomes()) == total, "all rows and answers")
        wait_until(lambda: query(database, "select count(*) from raw_frame")[0][0] == ledger(database)[0], "the ledger")
    finally:
        process.kill()
        process.wait()
    received, stored, duplicate, revised, rejected = ledger(database)
    assert (stored, revised, rejected) == (total, 0, 0)
    assert received == stored + duplicate
    assert query(database, "select sum(pm25) from air_reading") == [(35.0 + sum(seq % 100 for seq in range(1, total)),)]


def test_a_database_that_is_away_for_a_while(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    attempts: list[str] = []

    def opened() -> Connection:
        attempts.append("")
        if len(attempts) in (2, 3):
            raise ServiceError("the database is away")
        conn = connect(database.url("lantian_writer"))
        if len(attempts) == 4:
            conn.close()
        return conn

    subject = collector(database, broker, county, opened=opened)
    with running(subject):
        outside.reading(1, minute=0)
        wait_until(lambda: 1 in outside.outcomes(), "the first answer")
        with connect(database.url("lantian_writer"), autocommit=True) as conn:
            conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where usename = current_user and datname = current_database() and pid <> pg_backend_pid()"
            )
        outside.reading(2, minute=1)
        wait_until(lambda: 2 in outside.outcomes(), "the second answer")
    assert len(attempts) == 5
    assert ledger(database) == (2, 2, 0, 0, 0)


def test_what_no_retry_mends_stops_the_collector(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    reader = collector(database, broker, county, opened=lambda: connect(database.url("lantian_reader")))
    with pytest.raises(StoreError, match="SQLSTATE 42"):
        reader.run(threading.Event())
    broken = Link(as_broker(broker("collector")), session(county), utc_now)
    broken._client.on_message = None
    broken.start()
    wait_until(broken._client.is_connected, "a connection")
    broken._client.disconnect()
    with pytest.raises(ServiceError, match="network thread"):
        wait_until(lambda: broken.take(1, 0.1), "an error")
    broken.stop()


def test_stopping_leaves_unwritten_messages_with_the_broker(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with running(collector(database, broker, county)):
        outside.reading(1, minute=0)
        wait_until(lambda: 1 in outside.outcomes(), "an answer")
    outside.reading(2, minute=1)

    def away() -> Connection:
        raise ServiceError("away")

    conn = connect(database.url("lantian_writer"))
    opened = iter([conn])
    subject = collector(database, broker, county, opened=lambda: next(opened, None) or away())
    with running(subject):
        conn.close()
        time.sleep(0.5)
    with running(collector(database, broker, county)):
        wait_until(lambda: 2 in outside.outcomes(), "the answer after all")
    assert ledger(database) == (2, 2, 0, 0, 0)


def test_messages_of_one_burst_share_batches(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with running(collector(database, broker, county)):
        outside.reading(0, minute=0)
        wait_until(lambda: 0 in outside.outcomes(), "an answer")
    for seq in range(1, 501):
        outside.reading(seq, minute=seq)
    subject = collector(database, broker, county)
    with running(subject):
        wait_until(lambda: len(outside.outcomes()) == 501, "answers")
    assert subject.tally.received == 500
    assert 5 <= subject.tally.batches <= 12
    assert query(database, "select max(received) <= 100 from ledger") == [(True,)]


def part_of(number: int, content: str, *, total: int = 2, second: int = 0) -> bytes:
    header = f"QN=2026030108000{second}00{number};ST=22;CN=2011;PW=1;MN=M2;Flag=7;PNUM={total};PNO={number}"
    return encode_frame(f"{header};CP=&&DataTime=2026030108000{second};{content}&&")


def test_split_frames_survive_a_restart_and_end_in_time(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with connect(database.url("lantian_app")) as conn:
        set_units(conn, "c-02", {"a34004": "µg/m³", "a34002": "µg/m³"})
    topic = outside.topic("c-02", protocol="hj212")
    with running(collector(database, broker, county)):
        outside.send(topic, part_of(1, "a34004-Rtd=35"))
        wait_until(lambda: len(outside.replies) == 1, "the answer to the first part")
    assert query(database, "select number, total from frame_part") == [(1, 2)]
    assert query(database, "select count(*) from air_reading") == [(0,)]
    with running(collector(database, broker, county)):
        outside.send(topic, part_of(2, "a34002-Rtd=70"))
        wait_until(lambda: len(outside.replies) == 2, "the answer to the second part")
    assert query(database, "select pm25, pm10 from air_reading") == [(35.0, 70.0)]
    assert query(database, "select count(*) from frame_part") == [(0,)]
    assert ledger(database) == (2, 2, 0, 0, 0)
    with running(collector(database, broker, county, part_timeout_s=0.5)):
        outside.send(topic, part_of(1, "a34004-Rtd=36", second=1))
        wait_until(lambda: outside.reasons() == {"20260301080001001": "incomplete"}, "the end of the wait")
        wait_until(lambda: query(database, "select count(*) from frame_part") == [(0,)], "an empty list")
    assert query(database, "select reason, payload from reject") == [
        ("incomplete", part_of(1, "a34004-Rtd=36", second=1))
    ]
    # Three parts came: two stored, and the one given up is rejected and stored no more.
    assert ledger(database) == (3, 2, 0, 0, 1)
    with connect(database.url("lantian_app")) as conn:
        balance = read_balance(conn)
    assert (balance.balanced, balance.given_up, balance.frames, balance.rejects) == (True, 1, 3, 1)
    assert query(database, "select sum(messages), sum(rejects) from device_day") == [(3, 1)]


def test_parts_find_together_whichever_collector_of_a_group_gets_them(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    with connect(database.url("lantian_app")) as conn:
        set_units(conn, "c-02", {"a34004": "µg/m³", "a34002": "µg/m³"})
    topic, seconds = outside.topic("c-02", protocol="hj212"), range(10)
    first, second = (collector(database, broker, county, member=at) for at in (1, 2))
    with running(first), running(second):
        for at in seconds:
            outside.send(topic, part_of(1, f"a34004-Rtd={at + 1}", second=at))
            outside.send(topic, part_of(2, f"a34002-Rtd={at + 2}", second=at))
        wait_until(lambda: len(outside.replies) == 20, "the answers")
    assert min(first.tally.received, second.tally.received) > 0
    assert query(database, "select pm25, pm10 from air_reading order by time") == [(at + 1, at + 2) for at in seconds]
    assert query(database, "select count(*) from frame_part") == [(0,)]
    assert ledger(database) == (20, 20, 0, 0, 0)


def test_a_group_gives_parts_up_once(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    topic = outside.topic("c-02", protocol="hj212")
    members = [collector(database, broker, county, member=at, part_timeout_s=0.5) for at in (1, 2)]
    with running(members[0]), running(members[1]):
        for number in (1, 2):
            outside.send(topic, part_of(number, "a34004-Rtd=36", total=3))
        wait_until(lambda: len(outside.replies) == 2, "the answers")
        wait_until(lambda: len(outside.errors) == 2, "the end of the wait")
        wait_until(lambda: query(database, "select count(*) from frame_part") == [(0,)], "an empty list")
    assert ledger(database) == (2, 0, 0, 0, 2)
    with connect(database.url("lantian_app")) as conn:
        assert read_balance(conn).balanced


def test_replayed_parts_find_together(
    database: Any, broker: Address, county: str, registered: Callable[..., None]
) -> None:
    topic = f"lt/v1/{county}/hj212/c-02/data"
    parts = [part_of(1, "a34004-Rtd=35"), part_of(2, "x-Rtd=70")]
    rejects = [
        Reject(at, utc_now(), topic, payload, "c-02", "incomplete", "", 1, None, None)
        for at, payload in enumerate([*parts, part_of(1, "a34004-Rtd=1", second=1)])
    ]
    known = Registry()
    with connect(database.url("lantian_writer")) as conn:
        known.refresh(conn, 0.0)
        replayed = replay_rejects(conn, rejects, known, opened_at=utc_now())
    assert replayed.outcomes == ["stored", "stored", "incomplete"]
    assert query(database, "select pm25 from air_reading") == [(35.0,)]
    assert query(database, "select factor, value from factor_reading") == [("x", 70.0)]
    assert query(database, "select count(*) from frame_part") == [(0,)]


def test_frames_of_vehicles(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    registered(NewDevice("c-03", "s1", "gb17691", "vehicle", mn="LTESTLL2600000001", span_s=0))
    stream = bytes.fromhex(
        "2323024C544553544C4C323630303030303030310101002E1A03010A05000200013C00CAAA83258000FA4268125C64258049"
        "20476000207AA000069FC767023C7DAD0012D68762"
    )
    login = bytes.fromhex("1A03010A0500000538393836303631363032303034363337393632") + b"9"
    head = b"\x01" + b"LTESTLL2600000001" + b"\x01\x01" + len(login).to_bytes(2, "big")
    check = 0
    for byte in head + login:
        check ^= byte
    topic = outside.topic("c-03", protocol="gb17691")
    with running(collector(database, broker, county)):
        outside.send(topic, b"##" + head + login + bytes([check]))
        outside.send(topic, stream)
        outside.send(topic, stream)
        outside.send(topic, stream[:-1] + b"\x00")
        wait_until(lambda: len(outside.replies) == 3 and len(outside.errors) == 1, "an answer to everything")
    answers = [json.loads(payload) for _, payload in outside.replies]
    assert [(answer["seq"], answer["outcome"]) for answer in answers] == [
        *((5, "stored"), (1, "stored"), (1, "duplicate")),
    ]
    assert list(outside.reasons().values()) == ["crc_mismatch"]
    assert query(database, "select speed, nox_upstream, longitude, mil from vehicle_reading") == [
        (60.0, 650.0, 111.134567, None)
    ]
    assert query(database, "select field, value, text from factor_reading order by field") == [
        ("iccid", None, "89860616020046379629"),
        ("software_version", 1.0, None),
    ]
    assert query(database, "select link from device_state where device_id = 'c-03'") == [("online",)]


def test_request_to_a_device_and_its_answers(
    database: Any, broker: Address, county: str, outside: Field, registered: Callable[..., None]
) -> None:
    topic = outside.topic("c-02", protocol="hj212")
    heard: list[bytes] = []
    outside.client.message_callback_add(f"lt/v1/{county}/+/+/cmd", lambda *found: heard.append(found[2].payload))
    outside.client.subscribe(f"lt/v1/{county}/+/+/cmd", 1)
    head = "ST=31;CN={command};PW=654321;MN=M2;Flag={flag};CP=&&{content}&&"

    def say(qn: str, command: str, content: str, flag: int = 9) -> None:
        outside.send(topic, encode_frame(f"QN={qn};" + head.format(command=command, content=content, flag=flag)))

    with running(collector(database, broker, county)):
        say("20260301080000001", "2011", "DataTime=20260301080000;a34004-Rtd=1")
        wait_until(lambda: len(outside.replies) == 1, "the answer to data")
        now = dt.datetime(2026, 3, 1, 0, 0, 1, 234_000, tzinfo=dt.UTC)
        with connect(database.url("lantian_app")) as conn:
            row = _prepared(conn, "c-02", "hours", {"BeginTime": "20260301000000", "EndTime": "20260301080000"}, now)
            insert_request(conn, row, "tester")
        assert row[:4] == ("c-02", "20260301080001234", "2061", outside.topic("c-02", "cmd", "hj212"))
        send(as_broker(broker("collector")), row[3], row[4])
        wait_until(lambda: len(heard) == 1, "the request")
        assert heard[0] == encode_frame(
            "QN=20260301080001234;ST=31;CN=2061;PW=654321;MN=M2;Flag=9;CP=&&BeginTime=20260301000000;"
            "EndTime=20260301080000&&"
        )
        for qn in ("20260301080001234", "20990101000000000"):
            say(qn, "9011", "QnRtn=1", flag=8)
            say(qn, "9012", "ExeRtn=100", flag=8)
        say("20260301080001234", "9012", "ExeRtn=1", flag=8)
        say("20260301080002001", "1013", "")
        wait_until(lambda: len(heard) == 2, "the platform's time")
    assert b"CN=9013" in outside.replies[1][1]
    assert re.search(rb";ST=31;CN=1012;PW=654321;MN=M2;Flag=9;CP=&&SystemTime=\d{14}&&", heard[1])
    assert query(database, "select accepted_code, executed_code, executed_at is not null from device_request") == [
        (1, 100, True)
    ]
    with connect(database.url("lantian_app")) as conn:
        (found,) = read_requests(conn, "c-02")
        with pytest.raises(ConfigurationError, match="no device"):
            _prepared(conn, "c-01", "time", {}, now)
    rows = request_table([found], now).columns
    assert [next(iter(column.cells)) for column in rows[-2:]] == ["1 准备执行请求", "100 没有数据"]


def test_window_must_exceed_the_batch(broker: Address) -> None:
    for cadence, window in ((Cadence(500), 500), (Cadence(0), 10), (Cadence(5, 0.0), 10)):
        with pytest.raises(ConfigurationError):
            check_cadence(cadence, window)
    check_cadence(Cadence(500), 501)
    with pytest.raises(ConfigurationError, match="window"):
        Link(as_broker(broker("collector")), Session("x", (), window=70_000), utc_now)


def test_preflight_measures_the_window(broker: Address) -> None:
    address = as_broker(broker("collector"))
    assert measured_window(address, 60, window=1000) == 60
    assert measured_window(address, 10, window=5) == 5
    # As some brokers have to be asked: what has waited for an absent client.
    assert _waiting_window(address, 60, window=1000) == 60
    check_broker(address, 50, window=100)
    with pytest.raises(ConfigurationError, match="hands out 5 unacknowledged"):
        check_broker(address, 10, window=5)
    with pytest.raises(ServiceError, match="cannot be reached"):
        measured_window(Broker(address.host, 1), 10, window=10)


def test_pauses_grow_and_end_in_a_ceiling() -> None:
    drawn = [pause for pause, _ in zip(pauses(), range(12), strict=False)]
    assert 0.1 <= drawn[0] <= 0.2
    assert all(7.5 <= pause <= 15 for pause in drawn[-3:])
