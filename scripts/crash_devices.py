"""Devices with store and forward for the crash matrix, and the truth about what they have measured."""

from __future__ import annotations

import datetime as dt
import queue
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from firmware_sim import frame_hj212
from firmware_sim.answer import receipt
from firmware_sim.frame_json import Reading, data_message
from firmware_sim.link import Account, Inbox, Link, Received, taken, topic
from firmware_sim.logger import Logger, LoggerNet
from firmware_sim.outbox import Outbox, Parcel
from firmware_sim.window import Patience
from store.connection import connect
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site

COUNTY = "zhongyang"
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
#: Six devices speak JSON and two HJ 212 over MQTT, two are data loggers behind the gateway.
JSON = tuple(f"crash-json-{number}" for number in range(6))
HJ212 = tuple(f"crash-hj-{number}" for number in range(2))
LOGGERS = tuple(f"crash-logger-{number}" for number in range(2))
DEVICES = (*JSON, *HJ212, *LOGGERS)
#: A device whose clock has jumped says so many days too much.
JUMP = dt.timedelta(days=1000)

Truth = dict[tuple[str, dt.datetime], float]


def register(url: str) -> None:
    """Make one site of its own for each device."""
    with connect(url) as conn:
        for name in DEVICES:
            protocol = "json" if name in JSON else "hj212"
            upsert_site(conn, NewSite(f"at-{name}", COUNTY, "micro", name))
            upsert_device(conn, NewDevice(name, f"at-{name}", protocol, "air", mn=_identity(name)))
            if protocol == "hj212":
                set_units(conn, name, {"a34004": "µg/m³"})


def _identity(device: str) -> str | None:
    return None if device in JSON else f"MN{device.replace('-', '').upper()}"


@dataclass
class Devices:
    """All devices in one thread: the outbox keeps every message until the platform has answered it."""

    outbox_file: Path
    account: Account
    gateway_port: int
    truth: Truth = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    published: int = 0
    answered: int = 0

    def __post_init__(self) -> None:
        inbox: Inbox = queue.Queue()
        # What the platform tells the gateway is no answer to a logger until the gateway has passed it on.
        self._heard: Inbox = queue.Queue()
        streams = [topic(COUNTY, "+", "+", stream) for stream in ("reply", "error")]
        link = Link(self.account, "lantian-crash-devices", streams, inbox=inbox)
        self._net = LoggerNet(self._heard)
        self._links: dict[str, Link | Logger] = dict.fromkeys((*JSON, *HJ212), link)
        for name in LOGGERS:
            self._links[name] = Logger(self._net, name, "127.0.0.1", self.gateway_port)
        self._inbox, self._link = inbox, link
        self._connections = {id(each): each for each in self._links.values()}.values()
        self._outbox = Outbox(
            self.outbox_file,
            int(time.time() * 1000),
            capacity=1_000_000,
            # A gateway carries 64 unanswered frames of one connection, repeated ones too.
            window=30,
            patience=Patience(first_s=3.0, longest_s=6.0),
        )
        for each in self._connections:
            each.start()

    def measure(self, messages: int, first: dt.datetime, *, jumped: range = range(0)) -> int:
        """Put `messages` readings, one a minute and device, into the outbox; how many must be refused.

        Readings whose number is in `jumped` carry a clock that is far ahead, and are no part of the truth; loggers are
        spared, because HJ 212 over TCP has no answer that says no, and they would send again for ever.
        """
        for at in range(messages):
            device, time_ = DEVICES[at % len(DEVICES)], first + MINUTE * (at // len(DEVICES))
            value = float(at % 900) + at % 10 / 10
            if at in jumped and device not in LOGGERS:
                time_ += JUMP
            else:
                self.truth[device, time_] = value
            self._outbox.put(self._parcel(device, int(time_.timestamp()), value))
        self._outbox.commit()
        return messages - len(self.truth)

    def _parcel(self, device: str, start_s: int, value: float) -> Parcel:
        number = self._outbox.new_number()
        if device in JSON:
            return Parcel(
                number,
                device,
                topic(COUNTY, "json", device, "data"),
                data_message(number, [Reading(start_s, 60, {"pm25": value})]),
            )
        header = frame_hj212.Header(frame_hj212.request_number(number), _identity(device) or "")
        body = frame_hj212.data_body(start_s, "Avg", [("a34004", f"{value:.1f}", "N")])
        frame = frame_hj212.frame(frame_hj212.segment(frame_hj212.MINUTE, body, header))
        return Parcel(number, device, topic(COUNTY, "hj212", device, "data"), frame)

    @property
    def waiting(self) -> int:
        """Messages that the platform has not answered."""
        return len(self._outbox)

    @property
    def ready(self) -> bool:
        """Whether every connection stands."""
        return all(each.ready for each in self._connections)

    def step(self) -> None:
        """Send what is due, take in answers."""
        self._link.check()
        away = {name for name, link in self._links.items() if not link.ready}
        for parcel in self._outbox.due(time.monotonic(), away):
            self._links[parcel.device].publish(parcel.topic, parcel.payload)
            self.published += 1
        for message in taken(self._inbox, 0.02):
            if message.device not in LOGGERS:
                self._take(message)
        for message in taken(self._heard, 0.0):
            self._take(message)
        self._outbox.commit()

    def _take(self, message: Received) -> None:
        if message.stream not in {"reply", "error"}:
            return
        with suppress(frame_hj212.AnswerError):
            answer = receipt(message)
            self.outcomes[answer.outcome] += 1
            if answer.number is not None:
                self.answered += self._outbox.answer(answer.number)

    def close(self) -> None:
        """Disconnect; the outbox stays on disk."""
        for each in self._connections:
            each.stop()
        self._net.stop()
        self._outbox.close()
