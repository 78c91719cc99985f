"""Simulated stations at a real broker, with a small platform in the test that answers, or does not."""

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from app.service.address import BrokerAddress
from app.service.local import LocalServices
from domain.period import HOUR_S, ZONE
from firmware_sim import frame_hj212
from firmware_sim.fleet import Fleet, own_links, shared_link
from firmware_sim.frame_json import state_message
from firmware_sim.link import Account, Link, LinkError, topic
from firmware_sim.outbox import Outbox
from firmware_sim.station import Station
from firmware_sim.weather import Sky
from firmware_sim.window import Patience

COUNTY = "simtest"
NOON = int(dt.datetime(2026, 7, 1, 12, tzinfo=ZONE).timestamp())
AMBIENT = Station("simtest-air", COUNTY, "s1", "ambient", "hj212", "141129990000000000000001", 300, 300)
MICRO = Station("simtest-micro", COUNTY, "m1", "micro", "json", "", 60, 60)
DEADLINE_S = 30.0


def account(address: BrokerAddress) -> Account:
    return Account(address.host, address.port, address.username, address.password)


class Platform:
    """Answers data messages as docs/wire.md says; notes what it answered; `deaf` and `mute` are its faults."""

    def __init__(self, address: BrokerAddress, county: str) -> None:
        self.answered: set[tuple[str, int, int]] = set()
        self.copies = 0
        self.states: dict[str, list[str]] = {}
        self.mute_every = 0
        self.deaf = False
        self._seen = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"platform-{county}")
        self._client.username_pw_set(address.username, address.password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"lt/v1/{county}/#", 1)
        self._client.on_message = self._take
        self._client.connect(address.host, address.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        *head, device, stream = message.topic.split("/")
        if stream == "state":
            self.states.setdefault(device, []).append(json.loads(message.payload)["state"])
        if stream != "data" or self.deaf:
            return
        self._seen += 1
        if self.mute_every and self._seen % self.mute_every == 0:
            return
        keys, answer = self._answer(device, message.payload)
        self.copies += len(keys & self.answered)
        self.answered |= keys
        client.publish("/".join([*head, device, "reply"]), answer, qos=1)

    @staticmethod
    def _answer(device: str, payload: bytes) -> tuple[set[tuple[str, int, int]], bytes]:
        if payload.startswith(b"##"):
            found = re.search(rb"QN=(\d+);.*CN=(\d+);.*DataTime=(\d{14})", payload)
            assert found is not None
            moment = dt.datetime.strptime(found[3].decode(), "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
            span = {b"2051": 300, b"2061": 3600}[found[2]]
            header = frame_hj212.Header(found[1].decode(), AMBIENT.mn, system="91", flag=4)
            return {(device, span, int(moment.timestamp()))}, frame_hj212.frame(frame_hj212.segment("9014", "", header))
        body = json.loads(payload)
        starts = [dt.datetime.fromisoformat(one["ts"]).timestamp() for one in body.get("readings", [body])]
        answer = {"v": 1, "seq": body["seq"], "outcome": "stored"}
        return {(device, 60, int(start)) for start in starts}, json.dumps(answer).encode()


@pytest.fixture
def platform(broker: Callable[[str], BrokerAddress]) -> Iterator[Platform]:
    running = Platform(broker("collector"), COUNTY)
    yield running
    running.close()


def until(reached: Callable[[], bool], step: Callable[[], object] = lambda: time.sleep(0.05)) -> None:
    """Repeat `step` until `reached`, at most `DEADLINE_S`."""
    end = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        step()


def expected(until_s: int) -> set[tuple[str, int, int]]:
    """Every span that the two stations have finished from three hours before noon on."""
    plan = [(AMBIENT.id, 300, 300), (AMBIENT.id, HOUR_S, HOUR_S), (MICRO.id, 60, 60)]
    return {
        (device, span, start)
        for device, span, step in plan
        for start in range(NOON - 3 * HOUR_S, until_s - span + 1, step)
    }


def test_nothing_is_lost_when_answers_are_lost_and_the_broker_is_killed(
    services: LocalServices, broker: Callable[[str], BrokerAddress], platform: Platform, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    stations = [AMBIENT, MICRO]

    def connected() -> dict[str, Link]:
        return shared_link(account(broker("simulator")), COUNTY, stations, NOON)

    outbox = Outbox(path, 1000, patience=Patience(0.5, 1.0), window=7)
    links = connected()
    fleet = Fleet(Sky(1), stations, outbox, links)
    fleet.start()
    platform.mute_every = 3
    until(lambda: len(platform.answered) > 20, lambda: fleet.step(NOON, 0.05))
    services.kill_broker()
    minute = NOON
    for _ in range(10):
        minute += 60
        fleet.step(minute, 0.02)
    assert len(outbox) > 0
    outbox._release()  # and the power of the stations fails too: nobody says goodbye, nothing is committed
    links[AMBIENT.id].stop()
    assert services.restart_missing() == ["mosquitto"]

    outbox = Outbox(path, 2000, patience=Patience(0.5, 1.0), window=7)
    assert len(outbox) > 0
    fleet = Fleet(Sky(1), stations, outbox, connected())
    fleet.start()
    minute += 60
    until(
        lambda: len(outbox) == 0 and platform.answered == expected(minute),
        lambda: fleet.step(minute, 0.05),
    )
    fleet.stop(minute)
    outbox.close()
    assert fleet.tally.outcomes["stored"] > 0
    until(lambda: platform.states[MICRO.id][-1] == "offline")


def test_platform_outage_is_caught_up(broker: Callable[[str], BrokerAddress], platform: Platform) -> None:
    outbox = Outbox(None, 1000, patience=Patience(0.3, 0.6))
    links = shared_link(account(broker("simulator")), COUNTY, [MICRO], NOON)
    fleet = Fleet(Sky(1), [MICRO], outbox, links)
    fleet.start()
    platform.deaf = True
    until(lambda: fleet.tally.published >= 3, lambda: fleet.step(NOON, 0.05))
    assert not platform.answered and len(outbox) == 1
    platform.deaf = False
    until(lambda: len(outbox) == 0, lambda: fleet.step(NOON + 60, 0.05))
    assert platform.answered == {one for one in expected(NOON + 60) if one[0] == MICRO.id}
    fleet.stop(NOON + 60)
    outbox.close()


def test_devices_with_their_own_connections_announce_themselves_and_leave_a_will(
    device_account: Callable[[str], BrokerAddress], platform: Platform
) -> None:
    addresses = {station.id: device_account(station.id) for station in (AMBIENT, MICRO)}
    outbox = Outbox(None, 1000)
    links = own_links(lambda device: account(addresses[device]), [AMBIENT, MICRO], NOON)
    fleet = Fleet(Sky(1), [AMBIENT, MICRO], outbox, links)
    fleet.start()
    wanted = expected(NOON)
    until(lambda: len(outbox) == 0 and platform.answered == wanted, lambda: fleet.step(NOON, 0.05))
    until(lambda: platform.states.keys() == {AMBIENT.id, MICRO.id})
    assert {states[-1] for states in platform.states.values()} == {"online"}
    # The micro station's power fails: its socket dies without a goodbye.
    socket = links[MICRO.id]._client.socket()
    assert socket is not None
    links[MICRO.id]._client.reconnect_delay_set(20, 20)
    socket.shutdown(2)
    until(lambda: platform.states[MICRO.id][-1] == "offline")
    assert platform.states[AMBIENT.id][-1] == "online"
    fleet.stop(NOON)
    until(lambda: platform.states[AMBIENT.id][-1] == "offline")
    outbox.close()


def test_refusals_are_errors_that_name_the_account(
    broker: Callable[[str], BrokerAddress], device_account: Callable[[str], BrokerAddress]
) -> None:
    good = account(broker("simulator"))
    stranger = Link(Account(good.host, good.port, "simulator", "wrong"), "simtest-wrong", [])
    stranger.start()
    until(lambda: stranger.failure is not None)
    with pytest.raises(LinkError, match="user simulator: connection refused"):
        stranger.received(0.0)
    stranger.stop()

    thief = Link(account(device_account("simtest-thief")), "simtest-thief", [])
    thief.start()
    assert thief.wait_ready(10.0)
    thief.publish(topic(COUNTY, "json", MICRO.id, "data"), b"{}")
    until(lambda: thief.failure is not None)
    with pytest.raises(LinkError, match="publishing refused"):
        thief.received(0.0)
    thief.stop()


def test_second_simulator_ends_the_first(broker: Callable[[str], BrokerAddress]) -> None:
    where = account(broker("simulator"))
    first, second = (Link(where, "simtest-twice", [], keep_session=False) for _ in range(2))
    first.start()
    assert first.wait_ready(10.0)
    second.start()
    assert second.wait_ready(10.0)
    until(lambda: first.failure is not None)
    with pytest.raises(LinkError, match="run one simulator only"):
        first.received(0.0)
    second.stop([(topic(COUNTY, "json", MICRO.id, "state"), state_message(False, NOON))])
    first.stop()
