"""Tries whether an MQTT broker does what Lantian relies on: probes, then two collectors of a group, one of them killed.

Usage: python scripts/try_broker.py [HOST:PORT --credentials FILE.toml] [--messages 20000] [-o FILE]
       python scripts/try_broker.py HOST:PORT --credentials FILE.toml --other HOST:PORT [--stop CMD [--begin CMD]]

Without an address a Mosquitto as `lantian up` sets it up. Otherwise the broker that listens there without TLS, with the
accounts of the file (`account = "password"`, mode 600; `collector`, `simulator`, `doctor`), as the setting
`broker_credentials_file` names them. The database is the script's own. Prints JSON; exit status 1 when something that
is relied on is missing.

The journey: 200 devices publish with QoS 1, two collectors take their parts. After a third of the messages one is
killed (SIGKILL), after two thirds or half a minute it is started again. Every message must be stored once, and the
ledger must balance.

With `--other` a second node of a cluster: the second collector, and the second client of each probe, connect to it; the
devices to the first. With `--stop` nobody kills the collector, but that command the second node
(`kill -9 PID`); the collector finds its way to the first by itself, through a forwarder that stands for a load
balancer. `--begin` starts the node again, when the collector would have been; what the node kept must still come.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.service.address import BrokerAddress, broker_for
from app.service.local import LocalServices
from app.service.probe import kept_while_away, login_refusal, publish_refusal
from app.settings import load_settings
from benchmarks.ingest import register
from benchmarks.load import publish
from benchmarks.scratch import machine, scratch_services
from ingest.link import MAX_WINDOW, Broker
from ingest.preflight import measured_window
from store.connection import connect
from store.ledger import read_balance

_SPAWN: Final = multiprocessing.get_context("spawn")
_WAIT_S: Final = 20.0
_QUEUED: Final = 1200
_WINDOW: Final = 2001


class Forwarder:
    """Stands for a load balancer: hands each connection to the first address that takes it.

    Parameters
    ----------
    addresses : sequence of (str, int)
        In the order of preference.
    """

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        self._addresses = addresses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = self._reached()
            if far is None:
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _reached(self) -> socket.socket | None:
        for address in self._addresses:
            with suppress(OSError):
                return socket.create_connection(address)
        return None

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(1 << 16):
                sink.sendall(part)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Client:
    """A client of MQTT 5 that keeps what it receives."""

    def __init__(self, address: BrokerAddress, name: str, *, expiry_s: int = 0) -> None:
        self.payloads: list[bytes] = []
        self.granted: list[int] = []
        self.session_present = False
        self._up, self._subscribed = threading.Event(), threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(address.username, address.password)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._granted
        self._client.on_message = self._took
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = expiry_s
        self._client.connect(address.host, address.port, clean_start=not expiry_s, properties=properties)
        self._client.loop_start()
        if not self._up.wait(_WAIT_S):
            raise SystemExit(f"{address.host}:{address.port} does not let {address.username} in")

    def _connected(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        self.session_present = flags.session_present
        if not reason.is_failure:
            self._up.set()

    def _granted(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        self.granted = [reason.value for reason in reasons]
        self._subscribed.set()

    def _took(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.payloads.append(message.payload)

    def subscribe(self, topic: str) -> int:
        """Reason code of the subscription: 1 is QoS 1, from 128 on it is refused."""
        self._subscribed.clear()
        self._client.subscribe(topic, qos=1)
        self._subscribed.wait(_WAIT_S)
        return self.granted[0] if self.granted else 255

    def publish(self, topic: str, count: int = 1, *, retain: bool = False) -> None:
        """Publish with QoS 1 and wait for the acknowledgements."""
        sent = [self._client.publish(topic, str(number).encode(), qos=1, retain=retain) for number in range(count)]
        for one in sent:
            one.wait_for_publish(_WAIT_S)

    def clear(self, topic: str) -> None:
        """Take a retained message back."""
        self._client.publish(topic, b"", qos=1, retain=True).wait_for_publish(_WAIT_S)

    def close(self, *, abruptly: bool = False) -> None:
        """Say goodbye, or lose the connection."""
        if abruptly:
            sock = self._client.socket()
            self._client.loop_stop()
            if sock is not None:
                sock.close()
            return
        self._client.disconnect()
        self._client.loop_stop()


def until(ready: Callable[[], bool], seconds: float = _WAIT_S) -> bool:
    """Wait for `ready`."""
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        time.sleep(0.02)
    return ready()


def shared_part(address: BrokerAddress, other: BrokerAddress) -> dict[str, Any]:
    """Two clients of one group: each message to one of them; what a dead one held goes to the other or waits."""
    topic, expiry = "lt/v1/preflight/shared", 600
    at = (address, other)
    members = [Client(where, f"try-member-{number}", expiry_s=expiry) for number, where in enumerate(at, 1)]
    codes = [member.subscribe(f"$share/try/{topic}") for member in members]
    source = Client(address, "try-source")
    source.publish(topic, 100)
    until(lambda: sum(len(member.payloads) for member in members) >= 100)
    parts = [len(member.payloads) for member in members]
    members[1].close(abruptly=True)
    source.publish(topic, 100)
    until(lambda: len(members[0].payloads) >= parts[0] + 100, 3)
    again = Client(other, "try-member-2", expiry_s=expiry)
    kept = again.session_present
    until(lambda: len(members[0].payloads) + len(again.payloads) - parts[0] >= 100, 10)
    later = [len(members[0].payloads) - parts[0], len(again.payloads)]
    everything = [*members[0].payloads[parts[0] :], *again.payloads]
    for client in (members[0], again, source):
        client.close()
    for number, where in enumerate(at, 1):
        Client(where, f"try-member-{number}").close()
    return {
        "granted": codes,
        "each_once": sum(parts) == 100,
        "parts": parts,
        "session_kept": kept,
        "none_lost_after_a_death": len(set(everything)) == 100,
        "parts_after_a_death": later,
    }


def retained(address: BrokerAddress, other: BrokerAddress) -> bool:
    """Whether a retained message, as devices' states are, reaches who subscribes later."""
    topic = "lt/v1/preflight/state"
    source = Client(address, "try-source")
    source.publish(topic, retain=True)
    late = Client(other, "try-late")
    late.subscribe(topic)
    came = until(lambda: late.payloads == [b"0"], 5)
    source.clear(topic)
    for client in (source, late):
        client.close()
    return came


def probes(doctor: BrokerAddress, other: BrokerAddress) -> dict[str, Any]:
    """What Lantian relies on, one by one; where there are two clients, the second is at `other`."""
    broker = Broker(doctor.host, doctor.port, doctor.username, doctor.password)
    return {
        "wrong_password_refused": login_refusal(doctor, "wrong") is not None,
        "anonymous_refused": login_refusal(doctor, None) is not None,
        "foreign_topic_refused": publish_refusal(doctor, "lt/v1/doctor-test/json/other-device/data") is not None,
        "window_without_acknowledgement": measured_window(broker, _WINDOW, MAX_WINDOW),
        "kept_for_an_absent_client": kept_while_away(doctor, _QUEUED),
        "retained_state_delivered": retained(doctor, other),
        "shared": shared_part(doctor, other),
    }


def addressed(services: LocalServices, broker: str | None, credentials: Path) -> dict[str, str]:
    """Settings of a machine that only collects: addresses, and the passwords of two roles.

    Parameters
    ----------
    services : LocalServices
        Whose database, and whose broker when none is named.
    broker : str or None
        ``HOST:PORT``.
    credentials : Path
        Accounts of the broker; written when none is named.

    Returns
    -------
    dict of str to str
        Environment variables.
    """
    if broker is None:
        own = {name: services.broker_for(name) for name in ("collector", "simulator", "doctor")}
        credentials.touch(mode=0o600)
        credentials.write_text("".join(f'{name} = "{one.password}"\n' for name, one in own.items()), encoding="utf-8")
        broker = f"{own['doctor'].host}:{own['doctor'].port}"
    host, _, port = broker.rpartition(":")
    named = {role: services.database_url(f"lantian_{role}") for role in ("writer", "app")}
    where = named["app"].rpartition("@")[2]
    named |= {role: f"postgresql://lantian_{role}@{where}" for role in ("owner", "reader")}
    return {
        "LANTIAN_BROKER_HOST": host,
        "LANTIAN_BROKER_PORT": port,
        "LANTIAN_BROKER_CREDENTIALS_FILE": str(credentials.absolute()),
        **{f"LANTIAN_DATABASE_{role.upper()}_URL": url for role, url in named.items()},
    }


class Platform:
    """Two collectors of a group, each with a home folder of its own as on two machines.

    Parameters
    ----------
    watch : str
        Address of the database, to look at it.
    settings : dict
        Those of both collectors, as environment.
    folder : Path
        For home folders and logs.
    second : dict
        What is different for the second.
    """

    def __init__(self, watch: str, settings: dict[str, str], folder: Path, second: dict[str, str]) -> None:
        self.folder = folder
        self.settings = {1: settings, 2: settings | second}
        self.watch = connect(watch, autocommit=True)
        self.children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int) -> None:
        """Start a collector and wait until it listens."""
        log = self.folder / f"collector-{number}-{time.monotonic_ns()}.log"
        with log.open("wb") as handle:
            command = [sys.executable, "-m", "app", "collect", "--number", str(number), "--share", "try"]
            home = {"LANTIAN_HOME": str(self.folder / f"home-{number}")}
            self.children[number] = subprocess.Popen(
                command, env={**os.environ, **self.settings[number], **home}, stderr=handle
            )
        if not until(lambda: b'"start"' in log.read_bytes(), 60):
            raise SystemExit(f"collector {number} did not start:\n{log.read_text(encoding='utf-8')}")

    def received(self) -> int:
        """Messages of all batches."""
        return int(self._number("select coalesce(sum(received), 0) from ledger"))

    def rows(self) -> int:
        """Readings stored."""
        return int(self._number("select count(*) from air_reading"))

    def parts(self) -> dict[str, int]:
        """Messages by collector."""
        found = self.watch.execute("select collector, sum(received) from ledger group by collector order by 1")
        return {name: int(count) for name, count in found.fetchall()}

    def _number(self, query: str) -> int:
        row = self.watch.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """End the collectors."""
        for child in self.children.values():
            child.send_signal(signal.SIGTERM)
            child.wait(60)
        self.watch.close()


def journey(platform: Platform, load: BrokerAddress, count: int, node: tuple[str | None, str | None]) -> dict[str, Any]:
    """Publish `count` messages, kill a collector or a node, start it again; what became of them."""
    stop, begin = node
    for number in (1, 2):
        platform.start(number)
    done, ready = _SPAWN.Value("q", 0), _SPAWN.Event()
    source = _SPAWN.Process(
        target=publish,
        args=(load, "json", (0, count)),
        kwargs={"done": done, "ahead": count, "rate": 0.0, "ready": ready, "sent": None},
        daemon=True,
    )
    source.start()
    ready.wait(120)
    ready.clear()
    began = time.monotonic()

    def reached(rows: int) -> bool:
        done.value = platform.rows()
        return bool(done.value >= rows)

    until(lambda: reached(count // 3), 300)
    if stop is None:
        platform.children[2].kill()
        platform.children[2].wait(30)
    else:
        subprocess.run(shlex.split(stop), check=True)
    killed_at = platform.rows()
    # What the broker keeps for the dead one comes with it only: the living one may not get that far alone.
    until(lambda: reached(2 * count // 3), 30)
    if stop is None:
        platform.start(2)
    elif begin is not None:
        subprocess.run(shlex.split(begin), check=True)
    complete = until(lambda: reached(count), 120)
    seconds = time.monotonic() - began
    source.join(60)
    balance = read_balance(platform.watch)
    return {
        "messages": count,
        "killed": "collector" if stop is None else "node",
        "killed_after": killed_at,
        "stored": platform.rows(),
        "received_with_repetitions": platform.received(),
        "by_collector": platform.parts(),
        "ledger_balanced": balance.balanced,
        "seconds": round(seconds, 1),
        "complete": complete and platform.rows() == count and balance.balanced,
    }


def judged(report: dict[str, Any]) -> list[str]:
    """What is missing."""
    asked, shared = report["probes"], report["probes"]["shared"]
    wanted = {
        "wrong password refused": asked["wrong_password_refused"],
        "anonymous refused": asked["anonymous_refused"],
        "foreign topic refused": asked["foreign_topic_refused"],
        "window of a batch": asked["window_without_acknowledgement"] == _WINDOW,
        "queue for an absent client": asked["kept_for_an_absent_client"] == _QUEUED,
        "retained messages": asked["retained_state_delivered"],
        "shared subscription": shared["granted"] == [1, 1] and shared["each_once"],
        "session kept": shared["session_kept"],
        "nothing lost with a member": shared["none_lost_after_a_death"],
        "journey": report["journey"]["complete"],
    }
    return [name for name, met in wanted.items() if not met]


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address", nargs="?")
    parser.add_argument("--credentials", type=Path)
    parser.add_argument("--other", metavar="HOST:PORT")
    parser.add_argument("--stop", metavar="CMD", help="command that kills the other node")
    parser.add_argument("--begin", metavar="CMD", help="command that starts it again and returns")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    if (chosen.address is None) != (chosen.credentials is None):
        parser.error("expected an address with --credentials, or neither")
    if chosen.other is not None and chosen.address is None:
        parser.error("found --other without an address; expected both nodes")
    if chosen.stop is not None and chosen.other is None:
        parser.error("found --stop without --other; expected the node that it kills")
    if chosen.begin is not None and chosen.stop is None:
        parser.error("found --begin without --stop; expected both, or --stop alone")
    return chosen


def main() -> int:
    """Try it; exit status 1 when something is missing."""
    chosen = options()
    with scratch_services(broker=chosen.address is None) as services, tempfile.TemporaryDirectory() as folder:
        register(services.database_url("lantian_owner"))
        settings = addressed(services, chosen.address, chosen.credentials or Path(folder) / "broker.toml")
        loaded = load_settings(settings)
        report: dict[str, Any] = {"machine": machine(), "broker": chosen.address or "mosquitto of lantian up"}
        doctor = broker_for(loaded, "doctor")
        nodes = [(doctor.host, doctor.port)]
        if chosen.other is not None:
            report["other"] = chosen.other
            host, _, port = chosen.other.rpartition(":")
            nodes.insert(0, (host, int(port)))
        report["probes"] = probes(doctor, replace(doctor, host=nodes[0][0], port=nodes[0][1]))
        balancer = Forwarder(nodes)
        second = {"LANTIAN_BROKER_HOST": "127.0.0.1", "LANTIAN_BROKER_PORT": str(balancer.port)} if chosen.other else {}
        platform = Platform(services.database_url("lantian_owner"), settings, Path(folder), second)
        try:
            load = broker_for(loaded, "simulator")
            report["journey"] = journey(platform, load, chosen.messages, (chosen.stop, chosen.begin))
        finally:
            platform.close()
            balancer.close()
    report["missing"] = judged(report)
    text = json.dumps(report, ensure_ascii=False, indent=2)
    print(text)
    if chosen.output is not None:
        chosen.output.write_text(text + "\n", encoding="utf-8")
    return int(bool(report["missing"]))


if __name__ == "__main__":
    sys.exit(main())
