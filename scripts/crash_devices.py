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
#: A device whose clock has jumped ahead says so many days too much; one whose clock has gone back, an hour too little.
AHEAD = dt.timedelta(days=1000)
BEHIND = dt.timedelta(hours=1)

Key = tuple[str, dt.datetime]
Truth = dict[Key, float]


@dataclass(frozen=True)
class Fleet:
    """Names of the devices: three fifths speak JSON, a fifth HJ 212 over MQTT, a fifth are loggers on the gateway."""

    json: tuple[str, ...]
    hj212: tuple[str, ...]
    loggers: tuple[str, ...]

    @staticmethod
    def of(count: int) -> Fleet:
        """A fleet of `count` devices, at least five."""
        fifth = max(1, count // 5)
        sizes = {"json": count - 2 * fifth, "hj": fifth, "logger": fifth}
        return Fleet(*(tuple(f"crash-{kind}-{at}" for at in range(size)) for kind, size in sizes.items()))

    @property
    def devices(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.json, *self.hj212, *self.loggers)


@dataclass(frozen=True)
class WrongClock:
    """Numbers of the readings whose device's clock is ahead, and behind."""

    ahead: range = range(0)
    behind: range = range(0)


@dataclass
class Strike:
    """When something was struck, and how long it was until a message sent afterwards was answered."""

    name: str
    at_s: float
    loggers: bool
    recovery_s: float | None = None


def register(url: str, fleet: Fleet) -> None:
    """Make one site of its own for each device."""
    with connect(url) as conn:
        for name in fleet.devices:
            protocol = "json" if name in fleet.json else "hj212"
            mn = None if name in fleet.json else _identity(name)
            upsert_site(conn, NewSite(f"at-{name}", COUNTY, "micro", name))
            upsert_device(conn, NewDevice(name, f"at-{name}", protocol, "air", mn=mn))
            if protocol == "hj212":
                set_units(conn, name, {"a34004": "µg/m³"})


def _identity(device: str) -> str:
    return f"MN{device.replace('-', '').upper()}"


@dataclass
class Devices:
    """All devices in one thread: the outbox keeps every message until the platform has answered it.

    Attributes
    ----------
    patience_s : float
        After so long without an answer a message is sent again, then after twice and four times as long.
    truth : dict
        What was measured and has to be stored.
    again : dict
        What was measured a second time for a minute in `truth`, by a clock that had gone back.
    strikes : list of Strike
        What the caller has noted as struck.
    outcomes : Counter
        Answers by what they say.
    published, answered, through_gateway : int
        Messages sent, repetitions included; answered; answered on the TCP connection of a logger.
    """

    outbox_file: Path
    account: Account
    gateway_port: int
    fleet: Fleet
    patience_s: float
    truth: Truth = field(default_factory=dict)
    again: Truth = field(default_factory=dict)
    strikes: list[Strike] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    published: int = 0
    answered: int = 0
    through_gateway: int = 0

    def __post_init__(self) -> None:
        inbox: Inbox = queue.Queue()
        # What the platform tells the gateway is no answer to a logger until the gateway has passed it on.
        self._heard: Inbox = queue.Queue()
        streams = [topic(COUNTY, "+", "+", stream) for stream in ("reply", "error")]
        link = Link(self.account, "lantian-crash-devices", streams, inbox=inbox)
        self._net = LoggerNet(self._heard)
        self._links: dict[str, Link | Logger] = dict.fromkeys((*self.fleet.json, *self.fleet.hj212), link)
        self._loggers = frozenset(self.fleet.loggers)
        for name in self.fleet.loggers:
            self._links[name] = Logger(self._net, name, "127.0.0.1", self.gateway_port)
        self._inbox, self._link = inbox, link
        self._connections = {id(each): each for each in self._links.values()}.values()
        self._first_sent: dict[int, float] = {}
        self._outbox = Outbox(
            self.outbox_file,
            int(time.time() * 1000),
            capacity=1_000_000,
            # A gateway carries 64 unanswered frames of one connection, repeated ones too.
            window=30,
            patience=Patience(first_s=self.patience_s, longest_s=4 * self.patience_s),
        )
        for each in self._connections:
            each.start()

    def measure(self, messages: int, first: dt.datetime, wrong: WrongClock) -> int:
        """Put `messages` readings, one a minute and device, into the outbox; how many must be refused.

        Readings with a clock that is ahead are no part of the truth. Loggers are spared: HJ 212 over TCP has no answer
        that says no, and they would send again for ever.
        """
        names = self.fleet.devices
        refused = 0
        for at in range(messages):
            device, time_ = names[at % len(names)], first + MINUTE * (at // len(names))
            value = float(at % 900) + at % 10 / 10
            if at in wrong.ahead and device not in self._loggers:
                time_ += AHEAD
                refused += 1
            else:
                time_ -= BEHIND if at in wrong.behind else dt.timedelta(0)
                (self.again if (device, time_) in self.truth else self.truth)[device, time_] = value
            self._outbox.put(self._parcel(device, int(time_.timestamp()), value))
        self._outbox.commit()
        return refused

    def _parcel(self, device: str, start_s: int, value: float) -> Parcel:
        number = self._outbox.new_number()
        if device in self.fleet.json:
            return Parcel(
                number,
                device,
                topic(COUNTY, "json", device, "data"),
                data_message(number, [Reading(start_s, 60, {"pm25": value})]),
            )
        header = frame_hj212.Header(frame_hj212.request_number(number), _identity(device))
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
        now = time.monotonic()
        for parcel in self._outbox.due(now, away):
            self._links[parcel.device].publish(parcel.topic, parcel.payload)
            self._first_sent.setdefault(parcel.number, now)
            self.published += 1
        for message in taken(self._inbox, 0.01):
            if message.device not in self._loggers:
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
            if answer.number is not None and self._outbox.answer(answer.number):
                self.answered += 1
                self.through_gateway += message.device in self._loggers
                self._note_recovery(self._first_sent.pop(answer.number), message.device in self._loggers)

    def _note_recovery(self, sent_s: float, logger: bool) -> None:
        for strike in self.strikes:
            if strike.recovery_s is None and sent_s > strike.at_s and logger == strike.loggers:
                strike.recovery_s = time.monotonic() - strike.at_s

    def close(self) -> None:
        """Disconnect; the outbox stays on disk."""
        for each in self._connections:
            each.stop()
        self._net.stop()
        self._outbox.close()
