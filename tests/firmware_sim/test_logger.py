"""Simulated loggers on TCP against a listening socket: what slow and dying lines do to their bytes."""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.county import load_county
from domain.error import ConfigurationError
from firmware_sim.fault import SLOW_TCP, Fault
from firmware_sim.link import Inbox
from firmware_sim.logger import Logger, LoggerNet
from firmware_sim.scenario_file import load_scenario

FRAME = b"##0087QN=20260301100500123;ST=22;CN=2011;PW=123456;MN=141100000000000000000001;Flag=5;CP=&&&&B8C1\r\n"
ANSWER = b"##0087QN=20260301100500123;ST=91;CN=9014;PW=123456;MN=141100000000000000000001;Flag=4;CP=&&&&B8C1\r\n"
WAIT_S = 10.0


@pytest.fixture
def gateway() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        yield listener


@pytest.fixture
def logger(gateway: socket.socket) -> Iterator[tuple[Logger, Inbox]]:
    inbox: Inbox = queue.Queue()
    net = LoggerNet(inbox)
    made = Logger(net, "l1", *gateway.getsockname())
    made.start()
    yield made, inbox
    made.stop()
    net.stop()


def bad(how: str) -> Fault:
    return Fault(SLOW_TCP, frozenset({"l1"}), 0, 1, {"how": how, "bytes_per_s": 3000.0, "pause": 0.3})


def accepted(gateway: socket.socket) -> socket.socket:
    connection, _ = gateway.accept()
    connection.settimeout(WAIT_S)
    return connection


def received(connection: socket.socket, size: int) -> tuple[bytes, int, float]:
    """So many bytes, in how many pieces, and the longest wait between two of them."""
    found, pieces, longest, last = b"", 0, 0.0, 0.0
    while len(found) < size:
        part = connection.recv(4096)
        assert part, "closed too early"
        now = time.monotonic()
        longest, last = (max(longest, now - last) if last else 0.0), now
        found += part
        pieces += 1
    return found, pieces, longest


def test_a_good_line_and_its_answer(gateway: socket.socket, logger: tuple[Logger, Inbox]) -> None:
    subject, inbox = logger
    with accepted(gateway) as connection:
        subject.publish("lt/v1/c/hj212/l1/state", b"{}", retain=True)
        subject.publish("lt/v1/c/hj212/l1/data", FRAME)
        assert received(connection, len(FRAME))[0] == FRAME
        connection.sendall(ANSWER[:40])
        connection.sendall(ANSWER[40:])
        answer = inbox.get(timeout=WAIT_S)
        assert answer is not None
        assert (answer.device, answer.stream, answer.payload) == ("l1", "reply", ANSWER)
        assert subject.ready and subject.freshly_connected() and not subject.freshly_connected()


def test_bytes_in_drops(gateway: socket.socket, logger: tuple[Logger, Inbox]) -> None:
    subject, _ = logger
    with accepted(gateway) as connection:
        subject.suffer(bad("dribble"))
        subject.publish("x/data", FRAME)
        found, pieces, _ = received(connection, len(FRAME))
        assert found == FRAME
        assert pieces > 10


def test_a_pause_in_the_middle(gateway: socket.socket, logger: tuple[Logger, Inbox]) -> None:
    subject, _ = logger
    with accepted(gateway) as connection:
        subject.suffer(bad("stall"))
        subject.publish("x/data", FRAME)
        found, _, longest = received(connection, len(FRAME))
        assert found == FRAME
        assert longest > 0.25


def test_a_connection_left_half_open_is_never_closed_and_another_takes_its_place(
    gateway: socket.socket, logger: tuple[Logger, Inbox]
) -> None:
    subject, _ = logger
    with accepted(gateway) as dead:
        subject.suffer(bad("half_open"))
        subject.publish("x/data", FRAME)
        assert received(dead, len(FRAME) // 2)[0] == FRAME[: len(FRAME) // 2]
        with accepted(gateway) as alive:
            subject.suffer(None)
            subject.publish("x/data", FRAME)
            assert received(alive, len(FRAME))[0] == FRAME
            dead.settimeout(0.2)
            with pytest.raises(TimeoutError):
                dead.recv(1)
            assert subject.connections == 2


def test_a_gateway_that_closes_is_called_again(gateway: socket.socket, logger: tuple[Logger, Inbox]) -> None:
    subject, _ = logger
    accepted(gateway).close()
    with accepted(gateway) as connection:
        subject.publish("x/data", FRAME)
        assert received(connection, len(FRAME))[0] == FRAME


@pytest.mark.parametrize(
    ("entry", "fault", "named"),
    [
        ('kind = "micro"\ntransport = "tcp"', "", "protocol hj212, not json"),
        ('kind = "cems"\ntransport = "udp"', "", "mqtt, tcp"),
        ('kind = "micro"\nencryption = "sm4"', "", "protocol hj212, not json"),
        ('kind = "dust"', 'kind = "slow_tcp"\ndevices = "d"', 'transport = "tcp"'),
        ('kind = "dust"\ntransport = "tcp"', 'kind = "slow_tcp"\ndevices = "d"\nhow = "fast"', "half_open"),
    ],
)
def test_what_a_file_may_ask_for(tmp_path: Path, entry: str, fault: str, named: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f'[[device]]\nid = "d"\n{entry}\n' + (f"[[fault]]\n{fault}\n" if fault else ""))
    with pytest.raises(ConfigurationError, match=named):
        load_scenario(path, load_county("zhongyang"), 1.8e9)
