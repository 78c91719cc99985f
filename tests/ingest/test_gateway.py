"""The gateway with a real broker, collector and database: nothing lost, nothing doubled, whatever is cut or killed."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from domain.error import ConfigurationError
from ingest.collector import Cadence, Collector
from ingest.gateway.identity import password_digest
from ingest.gateway.server import Gateway, Registry
from ingest.gateway.tally import Limits
from ingest.link import Broker, Link, Session
from ingest.topic import subscriptions
from ingest.wire.hj212 import encode_frame
from ingest.wire.json_frame import encode_state
from store.connection import connect
from store.gateway import read_loggers, set_access_password
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site

PATIENCE_S = 60.0
SEED = 212
Address = Callable[[str], Any]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def as_broker(address: Any) -> Broker:
    return Broker(address.host, address.port, address.username, address.password)


@pytest.fixture
def county() -> str:
    return f"g{uuid.uuid4().hex[:8]}"


@pytest.fixture
def loggers(database: Any, county: str) -> Callable[[int], list[str]]:
    """Registers so many loggers; returns their equipment numbers. Device g-<county>-0 has MN M<county>0 and so on."""

    def register(count: int) -> list[str]:
        with connect(database.url("lantian_app")) as conn:
            conn.execute("insert into area (id, name_zh) values (%s, '测试县')", (county,))
            upsert_site(conn, NewSite("s1", county, "micro", "测试点"))
            for number in range(count):
                name = f"g-{county}-{number}"
                upsert_device(conn, NewDevice(name, "s1", "hj212", "air", mn=f"M{county}{number}"))
                set_units(conn, name, {"a34004": "µg/m³"})
        return [f"M{county}{number}" for number in range(count)]

    return register


@contextmanager
def collecting(database: Any, broker: Address, county: str) -> Iterator[None]:
    """A collector of the county in a thread."""
    session = Session(f"lantian-collector-{county}", subscriptions(county), 2000)
    link = Link(as_broker(broker("collector")), session, now)
    opened = lambda: connect(database.url("lantian_writer"))  # noqa: E731
    subject = Collector(link, opened, name=county, cadence=Cadence(100, 0.05), now=now)
    stopping = threading.Event()
    thread = threading.Thread(target=subject.run, args=(stopping,))
    thread.start()
    try:
        assert link.listening.wait(PATIENCE_S)
        yield
    finally:
        stopping.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


@asynccontextmanager
async def serving(database: Any, broker: Address, county: str, **limits: Any) -> AsyncIterator[Gateway]:
    """A gateway in this event loop."""

    def read_registry() -> Registry:
        with connect(database.url("lantian_writer")) as conn:
            return read_loggers(conn)

    subject = Gateway(
        as_broker(broker("gateway")), read_registry, county=county, name=f"gateway-{county}", limits=Limits(**limits)
    )
    stopping = asyncio.Event()
    task = asyncio.create_task(subject.run("127.0.0.1", 0, stopping))
    try:
        await until(lambda: subject.port or task.done(), "the port")
        yield subject
    finally:
        stopping.set()
        await task


async def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.02)


def minute_frame(mn: str, minute: int, *, flag: int = 5, password: str = "123456") -> tuple[str, bytes]:
    """Minute data and its QN; the value tells minute and number apart."""
    moment = dt.datetime(2026, 3, 1) + dt.timedelta(minutes=minute)  # noqa: DTZ001 - local time of the logger
    qn = f"{moment:%Y%m%d%H%M%S}000"
    head = f"QN={qn};ST=22;CN=2051;PW={password};MN={mn};Flag={flag}"
    return qn, encode_frame(f"{head};CP=&&DataTime={moment:%Y%m%d%H%M%S};a34004-Avg={minute % 300},a34004-Flag=N&&")


@dataclass
class FieldLogger:
    """A data logger: keeps each frame until it is answered, sends it again on a new connection."""

    port: Callable[[], int]
    mn: str
    minutes: int
    chance: random.Random
    cut: float = 0.0
    answered: set[str] = field(default_factory=set)
    connections: int = 0

    async def run(self) -> None:
        frames = dict(minute_frame(self.mn, minute) for minute in range(self.minutes))
        while len(self.answered) < self.minutes:
            with suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                await self._connected({qn: each for qn, each in frames.items() if qn not in self.answered})
            await asyncio.sleep(0.02)

    async def _connected(self, frames: dict[str, bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port())
        self.connections += 1
        try:
            for frame in frames.values():
                if self.chance.random() < self.cut:
                    writer.write(frame[: self.chance.randrange(len(frame))])
                    await writer.drain()
                    return
                writer.write(self.chance.choice([b"", b"", b"\r\n", b"\x00\x00"]) + frame)
            if self.chance.random() < self.cut:
                return
            while not frames.keys() <= self.answered:
                line = await asyncio.wait_for(reader.readuntil(b"\r\n"), 2.0)
                assert b";CN=9014;" in line
                self.answered.add(line.split(b"QN=")[1].split(b";")[0].decode())
        finally:
            writer.transport.abort() if self.chance.random() < 0.5 else writer.close()


def query(database: Any, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url("lantian_owner"), options="-c search_path=lantian") as conn:
        conn.execute("select fold_batch_notes()")
        return conn.execute(text, parameters).fetchall()  # type: ignore[arg-type]


def link_states(database: Any) -> int:
    return int(query(database, "select count(*) from raw_frame where topic like '%%/state'")[0][0])


def check_complete(database: Any, county: str, mns: list[str], minutes: int) -> None:
    """Every logger's every minute is stored once, with its own value, and the ledger balances."""
    rows = query(database, "select device_id, extract(epoch from time)::bigint / 60 %% 1440, pm25 from air_reading")
    first = int(dt.datetime(2026, 2, 28, 16, tzinfo=dt.UTC).timestamp()) // 60 % 1440
    expected = {
        (f"g-{county}-{number}", minute, minute % 300) for number in range(len(mns)) for minute in range(minutes)
    }
    found = [(device, (int(minute) - first) % 1440, int(value)) for device, minute, value in rows]
    assert len(found) == len(set(found))
    assert set(found) == expected
    (sums,) = query(
        database, "select sum(received), sum(stored), sum(duplicate), sum(revised), sum(rejected) from ledger"
    )
    received, stored, duplicate, revised, rejected = map(int, sums)
    # What the gateway says about links is received and stored as well.
    assert (stored - link_states(database), revised) == (len(expected), 0)
    assert received == stored + duplicate + rejected
    assert query(database, "select count(*) from reject") == [(rejected,)]


def test_fifty_loggers_with_random_cuts_lose_and_double_nothing(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    mns, minutes = loggers(50), 20
    chance = random.Random(SEED)

    async def scene() -> list[FieldLogger]:
        async with serving(database, broker, county, in_flight=300, in_flight_each=8) as gateway:
            fleet = [
                FieldLogger(lambda: gateway.port, mn, minutes, random.Random(chance.random()), cut=0.05) for mn in mns
            ]
            await asyncio.wait_for(asyncio.gather(*(each.run() for each in fleet)), PATIENCE_S)
            assert len(gateway._flight) <= 300
            assert gateway.tally.cut > 0
            return fleet

    with collecting(database, broker, county):
        fleet = asyncio.run(scene())
    assert sum(each.connections for each in fleet) > 75, "too few cuts to show anything"
    check_complete(database, county, mns, minutes)


PROCESS = """
import asyncio, sys
from ingest.gateway.server import Gateway
from ingest.gateway.tally import Limits
from ingest.link import Broker
from store.connection import connect
from store.gateway import read_loggers
url, host, port, username, password, county, listen = sys.argv[1:]
def read():
    with connect(url) as conn:
        return read_loggers(conn)
gateway = Gateway(Broker(host, int(port), username, password), read, county=county, name=f"gateway-{county}",
                  limits=Limits(in_flight_each=8, patience_s=3))
asyncio.run(gateway.run("127.0.0.1", int(listen), asyncio.Event()))
"""


def test_killing_gateway_broker_and_collector_loses_and_doubles_nothing(
    services: Any, database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    mns, minutes = loggers(10), 60
    where = broker("gateway")
    listen = free_port()
    arguments = [database.url("lantian_writer"), where.host, str(where.port), where.username, where.password, county]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", PROCESS, *arguments, str(listen)])

    def stored() -> int:
        return int(query(database, "select count(*) from air_reading")[0][0])

    async def scene(kill: Callable[[], Awaitable[None]]) -> None:
        fleet = [FieldLogger(lambda: listen, mn, minutes, random.Random(SEED)) for mn in mns]
        tasks = [asyncio.create_task(each.run()) for each in fleet]
        await kill()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE_S)

    process = start()
    try:

        async def kills() -> None:
            nonlocal process
            with collecting(database, broker, county):
                await until(lambda: stored() > 50, "some readings")
                process.kill()
                process.wait()
                process = start()
                await until(lambda: stored() > 150, "more readings")
            services.kill_broker()
            services.restart_missing()
            collector.enter()

        collector = Later(lambda: collecting(database, broker, county))
        try:
            asyncio.run(scene(kills))
        finally:
            collector.leave()
    finally:
        process.kill()
        process.wait()
    check_complete(database, county, mns, minutes)


class Later:
    """A context that is entered in the middle of something else."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._entered: Any = None

    def enter(self) -> None:
        self._entered = self._make()
        self._entered.__enter__()

    def leave(self) -> None:
        if self._entered is not None:
            self._entered.__exit__(None, None, None)


def free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def heard(reader: asyncio.StreamReader, wait_s: float = PATIENCE_S) -> bytes:
    return await asyncio.wait_for(reader.readuntil(b"\r\n"), wait_s)


def test_what_is_broken_strange_or_unauthorised_is_rejected_with_its_reason_and_bytes(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    mns = loggers(2)
    with connect(database.url("lantian_app")) as conn:
        set_access_password(conn, f"g-{county}-1", password_digest("secret"))
    own = minute_frame(mns[0], 0)[1]
    wrong_crc = own[:-6] + b"0000\r\n"
    stranger = minute_frame("M-STRANGER", 0)[1]
    nameless = encode_frame(
        "QN=20260301000000001;ST=22;CN=2051;PW=123456;Flag=5;CP=&&DataTime=20260301000000;x-Avg=1&&"
    )
    posing = minute_frame(f"g-{county}-0", 0)[1]
    trespass = minute_frame(mns[1], 0)[1]

    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            for part in (wrong_crc, stranger, nameless, b"GET / HTTP/1.1\r\n", posing, trespass):
                writer.write(part)
            writer.write(minute_frame(mns[1], 1, password="secret")[1])
            assert f"MN={mns[1]};".encode() in await heard(reader)
            writer.write(minute_frame(mns[0], 1, flag=4)[1])
            writer.write(minute_frame(mns[0], 2)[1])
            assert b"QN=20260301000200000;ST=91;CN=9014;" in await heard(reader)
            await until(lambda: not len(gateway._flight), "everything done")
            assert (gateway.tally.frames, gateway.tally.rejected, gateway.tally.answered) == (3, 6, 2)
            writer.close()

    with collecting(database, broker, county):
        asyncio.run(scene())
    rejects = {
        (reason, device, bytes(payload))
        for reason, device, payload in query(database, "select reason, device_id, payload from reject")
    }
    assert rejects == {
        ("crc_mismatch", f"g-{county}-0", wrong_crc[:-2]),
        ("unknown_device", None, stranger[:-2]),
        ("unknown_device", None, nameless[:-2]),
        ("malformed", None, b"GET / HTTP/1.1\r\n"),
        ("identity_mismatch", f"g-{county}-0", posing[:-2]),
        ("identity_mismatch", f"g-{county}-1", trespass[:-2]),
    }
    (details,) = query(
        database, "select detail from reject where reason = 'identity_mismatch' and device_id = %s", f"g-{county}-1"
    )
    assert "PW" in details[0]
    assert query(database, "select count(*) from air_reading") == [(3,)]
    (sums,) = query(database, "select sum(received), sum(stored), sum(rejected) from ledger")
    told = link_states(database)
    assert (sums[0] - told, sums[1] - told, sums[2]) == (9, 3, 6)
    assert query(database, "select access_password like 'pbkdf2$%%' from device where mn = %s", mns[1]) == [(True,)]


def test_a_frame_that_will_never_be_taken_is_answered_one_that_may_is_not(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    (mn,) = loggers(1)
    good_qn, good = minute_frame(mn, 0)

    def spoilt(qn: str, body: str) -> bytes:
        return encode_frame(f"QN={qn};ST=22;CN=2051;PW=123456;MN={mn};Flag=5;CP=&&{body}&&")

    hopeless = {
        "impossible_time": spoilt("20260301000000001", "DataTime=20990301000000;a34004-Avg=1,a34004-Flag=N"),
        "bad_time": spoilt("20260301000000002", "DataTime=20261301000000;a34004-Avg=1,a34004-Flag=N"),
        "empty": spoilt("20260301000000003", "DataTime=20260301000000"),
        "bad_field": spoilt("20260301000000004", "DataTime=20260301000000;a34004-Avg=1;a34004-Avg=2"),
    }
    curable = spoilt("20260301000000005", "DataTime=20260301000000;a21026-Avg=1,a21026-Flag=N")

    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            for number, frame in enumerate(hopeless.values(), 1):
                writer.write(frame)
                answer = await heard(reader)
                assert f"QN=2026030100000000{number};ST=91;CN=9014;PW=123456;MN={mn}".encode() in answer
            writer.write(curable)
            writer.write(good)
            assert f"QN={good_qn};ST=91;CN=9014;".encode() in await heard(reader)
            await until(lambda: gateway.tally.errors == 5, "five refusals")
            assert gateway.tally.answered == 5
            writer.close()

    with collecting(database, broker, county):
        asyncio.run(scene())
    rejects = {(reason, bytes(payload)) for reason, payload in query(database, "select reason, payload from reject")}
    assert rejects == {
        *((reason, frame[:-2]) for reason, frame in hopeless.items()),
        ("unit_unregistered", curable[:-2]),
    }


def test_requests_of_the_platform_reach_the_logger_and_its_answers_come_back(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    (mn,) = loggers(1)
    address = broker("collector")
    platform = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"platform-{county}", protocol=mqtt.MQTTv5)
    platform.username_pw_set(address.username, address.password)
    platform.connect(address.host, address.port)
    platform.loop_start()
    command = encode_frame(f"QN=20260301000500000;ST=22;CN=1011;PW=123456;MN={mn};Flag=5;CP=&&&&")
    answer = encode_frame(f"QN=20260301000500000;ST=91;CN=9011;PW=123456;MN={mn};Flag=4;CP=&&QnRtn=1&&")

    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            platform.publish(f"lt/v1/{county}/hj212/g-{county}-0/cmd", command, qos=1)
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(minute_frame(mn, 0)[1])
            await heard(reader)
            platform.publish(f"lt/v1/{county}/hj212/g-{county}-0/cmd", command, qos=1)
            assert await heard(reader) == command
            writer.write(answer)
            await until(lambda: gateway.tally.frames == 2 and not len(gateway._flight), "the answer")
            writer.close()

    try:
        with collecting(database, broker, county):
            asyncio.run(scene())
    finally:
        platform.disconnect()
        platform.loop_stop()
    assert query(database, "select count(*) from raw_frame where payload = %s", answer[:-2]) == [(1,)]


def test_reading_stops_while_nothing_is_answered_and_goes_on_afterwards(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    mns = loggers(2)

    async def scene() -> None:
        async with serving(database, broker, county, in_flight=12, in_flight_each=8) as gateway:
            fleet = [FieldLogger(lambda: gateway.port, mn, 40, random.Random(SEED)) for mn in mns]
            with collecting(database, broker, county):
                pass
            tasks = [asyncio.create_task(each.run()) for each in fleet]
            await until(lambda: len(gateway._flight) == 12, "a full gateway")
            await asyncio.sleep(0.3)
            assert gateway.tally.frames == 12
            assert any(each.is_paused for each in gateway._open)
            with collecting(database, broker, county):
                await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE_S)

    asyncio.run(scene())
    check_complete(database, county, mns, 40)


def test_an_answer_goes_to_the_later_of_two_connections_even_when_the_dead_one_is_read_last(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    (mn,) = loggers(1)
    qn, frame = minute_frame(mn, 0)

    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            _, dead = await asyncio.open_connection("127.0.0.1", gateway.port)
            await until(lambda: gateway.tally.accepted == 1, "the first connection")
            reader, alive = await asyncio.open_connection("127.0.0.1", gateway.port)
            alive.write(frame)
            await until(lambda: gateway.tally.frames == 1, "the frame on the second connection")
            dead.write(frame)
            await until(lambda: gateway.tally.frames == 2, "the same frame on the first connection")
            with collecting(database, broker, county):
                assert f"QN={qn};".encode() in await heard(reader)
                await until(lambda: gateway.tally.answered == 2 and not len(gateway._flight), "the second answer")
            assert all(each.in_flight == 0 for each in gateway._open)
            dead.close()
            alive.close()

    with collecting(database, broker, county):
        pass
    asyncio.run(scene())


def test_silent_unwanted_and_surplus_connections_are_closed(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    loggers(1)

    async def scene() -> None:
        async with serving(database, broker, county, connections=2, idle_s=0.5) as gateway:
            silent, first = await asyncio.open_connection("127.0.0.1", gateway.port)
            noisy, second = await asyncio.open_connection("127.0.0.1", gateway.port)
            surplus, third = await asyncio.open_connection("127.0.0.1", gateway.port)
            assert await closed(surplus)
            second.write(b"GET / HTTP/1.1\r\n" * 30)
            assert await closed(noisy)
            assert await closed(silent)
            assert (gateway.tally.refused, gateway.tally.idle, gateway.tally.rejected) == (2, 1, 20)
            for writer in (first, second, third):
                writer.close()

    asyncio.run(scene())


async def closed(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    return True


def test_a_taken_port_and_a_refused_account_are_named(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            other = Gateway(
                as_broker(broker("gateway")), lambda: ({}, frozenset()), county=county, name="x", limits=Limits()
            )
            with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{gateway.port}"):
                await other.run("127.0.0.1", gateway.port, asyncio.Event())
        where = broker("gateway")
        wrong = Broker(where.host, where.port, where.username, "wrong")
        other = Gateway(wrong, lambda: ({}, frozenset()), county=county, name=f"y-{county}", limits=Limits())
        with pytest.raises(ConfigurationError, match="refuses"):
            await other.run("127.0.0.1", 0, asyncio.Event())

    asyncio.run(scene())


def test_only_an_hj212_device_in_service_takes_a_password(
    database: Any, county: str, loggers: Callable[[int], list[str]]
) -> None:
    loggers(1)
    with connect(database.url("lantian_app")) as conn, pytest.raises(ConfigurationError, match="g-nobody"):
        set_access_password(conn, "g-nobody", "x")


def test_the_log_line_counts(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(Broker("localhost", 1), lambda: ({}, frozenset()), county="c", name="g", limits=Limits())
    with caplog.at_level("INFO"):
        gateway._report()
    line = json.loads(caplog.messages[-1])
    assert line["event"] == "gateway"
    assert {"connections", "frames", "rejected", "in_flight", "paused", "answered"} <= line.keys()


def test_the_link_of_a_logger_is_told_and_put_right_after_a_crash(
    database: Any, broker: Address, county: str, loggers: Callable[[int], list[str]]
) -> None:
    mns = loggers(3)
    links = (
        "select device_id, link, last_received_at is not null, last_seen_at is not null from screen.device_health"
        " order by device_id"
    )

    def seen() -> dict[str, tuple[Any, ...]]:
        return {row[0].rpartition("-")[2]: row[1:3] for row in query(database, links)}

    # What a gateway that was killed has left: logger 2 is said to be connected.
    account = broker("gateway")
    left = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    left.username_pw_set(account.username, account.password)
    left.connect(account.host, account.port)
    left.loop_start()
    stale = encode_state("online", now(), f"gateway-{county}")
    left.publish(f"lt/v1/{county}/hj212/g-{county}-2/state", stale, qos=1, retain=True).wait_for_publish(PATIENCE_S)
    left.disconnect()
    left.loop_stop()

    async def scene() -> None:
        async with serving(database, broker, county) as gateway:
            await until(lambda: seen()["2"] == ("offline", False), "the stale state put right")
            first = await asyncio.open_connection("127.0.0.1", gateway.port)
            second = await asyncio.open_connection("127.0.0.1", gateway.port)
            first[1].write(minute_frame(mns[0], 0)[1])
            assert b"CN=9014" in await heard(first[0])
            await until(lambda: seen()["0"] == ("online", True), "logger 0 online")
            # It comes again before its old connection is gone: it was never away.
            second[1].write(minute_frame(mns[0], 1)[1])
            assert b"CN=9014" in await heard(second[0])
            second[1].write(minute_frame(mns[1], 0)[1])
            assert b"CN=9014" in await heard(second[0])
            first[1].close()
            await until(lambda: seen()["1"] == ("online", True), "logger 1 online")
            assert seen()["0"] == ("online", True)
            assert query(database, "select link, online::int, last_seen_at is not null from screen.site_link") == [
                ("partly", 2, True)
            ]
            second[1].close()
            await until(lambda: seen()["0"] == ("offline", True) == seen()["1"], "both gone")
            third = await asyncio.open_connection("127.0.0.1", gateway.port)
            third[1].write(minute_frame(mns[2], 0)[1])
            assert b"CN=9014" in await heard(third[0])
            await until(lambda: seen()["2"] == ("online", True), "logger 2 online")
        # A gateway that is stopped says that all are gone.
        await until(lambda: seen()["2"] == ("offline", True), "the farewell")
        third[1].close()

    with collecting(database, broker, county):
        asyncio.run(scene())
    states = query(database, "select encode(payload, 'escape') from raw_frame where topic like %s", "%g-%-0/state")
    assert [json.loads(each[0])["state"] for each in states] == ["online", "offline"]
    assert query(database, "select count(*) from reject") == [(0,)]
