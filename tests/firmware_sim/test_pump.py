"""Hundreds of connections in one thread, at a real broker."""

import queue
import time
from collections.abc import Callable

from app.service.address import BrokerAddress
from firmware_sim.link import Account, Inbox, Link, taken, topic
from firmware_sim.pump import Pump

#: More orders than the pump's wake-up pipe holds: it must not wait for itself.
LINKS = 400


def test_many_links_speak_and_hear_through_one_thread(broker: Callable[[str], BrokerAddress]) -> None:
    address = broker("simulator")
    account = Account(address.host, address.port, address.username, address.password)
    answering = broker("collector")
    inbox: Inbox = queue.Queue()
    pump = Pump()
    links = [
        Link(
            account, f"pumptest-{at}", [topic("pumptest", "json", f"d{at}", "reply")],
            keep_session=False, inbox=inbox, pump=pump,
        )
        for at in range(LINKS)
    ]  # fmt: skip
    platform = Link(
        Account(answering.host, answering.port, answering.username, answering.password),
        "pumptest-platform",
        [topic("pumptest", "json", "+", "data")],
        keep_session=False,
    )
    platform.start()
    assert platform.wait_ready(10.0)
    for link in links:
        link.start()
    end = time.monotonic() + 30.0
    while not all(link.ready for link in links):
        assert time.monotonic() < end
        time.sleep(0.05)
    for at, link in enumerate(links):
        link.publish(topic("pumptest", "json", f"d{at}", "data"), b"{}")
    heard: set[str] = set()
    while len(heard) < LINKS:
        assert time.monotonic() < end, len(heard)
        for message in platform.received(0.1):
            platform.publish(topic("pumptest", "json", message.device, "reply"), b"yes")
        heard |= {message.device for message in taken(inbox, 0.05) if message.payload == b"yes"}
    for link in links:
        link.stop()
    platform.stop()
    pump.stop()
    assert heard == {f"d{at}" for at in range(LINKS)}
