"""The agent that lets many simulated stations measure, send and forget what was answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from firmware_sim.answer import receipt
from firmware_sim.frame_hj212 import AnswerError
from firmware_sim.frame_json import state_message
from firmware_sim.history import History
from firmware_sim.link import Account, Link, Received, topic
from firmware_sim.outbox import Outbox, Parcel
from firmware_sim.station import Station, parcels
from firmware_sim.weather import Sky

#: A station that was without power has this much in its logger when it comes back.
LOGGER_S: Final = 3 * 3600
#: Longest pause of the agent; everything it waits for comes as a message or within this time.
PAUSE_S: Final = 0.2


@dataclass(slots=True)
class Tally:
    """What happened since the last report."""

    measured: int = 0
    published: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    last_error: str = ""


class Fleet:
    """Stations, their outbox and their connections.

    Parameters
    ----------
    sky : Sky
        Seed and episodes.
    stations : sequence of Station
        Whom to simulate.
    outbox : Outbox
        Where unanswered messages are kept.
    links : mapping of device id to Link
        Connection of each station; several may share one.
    history : History or None
        What was measured before.
    """

    def __init__(
        self,
        sky: Sky,
        stations: Sequence[Station],
        outbox: Outbox,
        links: Mapping[str, Link],
        *,
        history: History | None = None,
    ) -> None:
        self.tally = Tally()
        self.history = history
        self._sky = sky
        self._stations = {station.id: station for station in stations}
        self._outbox = outbox
        self._links = dict(links)
        self._connections = list({id(link): link for link in links.values()}.values())
        self._next_s: dict[tuple[str, int], int] = {}

    def start(self) -> None:
        """Connect."""
        for link in self._connections:
            link.start()

    def stop(self, now_s: float) -> None:
        """Say goodbye on every state topic, disconnect, and keep the outbox for the next run."""
        for link in self._connections:
            gone = [device for device, its in self._links.items() if its is link]
            link.stop([(self._stations[device].topic("state"), state_message(False, now_s)) for device in gone])
        self._outbox.commit()

    @property
    def ready(self) -> bool:
        """Whether every connection stands."""
        return all(link.ready for link in self._connections)

    def step(self, now_s: float, pause_s: float = PAUSE_S) -> None:
        """Measure what has become due by Unix time `now_s`, send, and take in answers.

        Raises
        ------
        LinkError
            When the broker refuses an account.
        """
        self._announce(now_s)
        self._measure(now_s)
        self._outbox.commit()
        clock = time.monotonic()
        if self.ready:
            for parcel in self._outbox.due(clock):
                self._send(parcel)
            if self.history is not None:
                self.history.pump(clock, self._send)
            pause_s = 0.0 if self.history is not None and self.history.hungry else pause_s
        for link in self._connections:
            for message in link.received(pause_s / len(self._connections)):
                if message.device in self._stations and message.stream in {"reply", "error"}:
                    self._take(message)

    def _send(self, parcel: Parcel) -> None:
        self._links[parcel.device].publish(parcel.topic, parcel.payload)
        self.tally.published += 1

    def _announce(self, now_s: float) -> None:
        fresh = {id(link) for link in self._connections if link.freshly_connected()}
        for device, link in self._links.items():
            if id(link) in fresh:
                link.publish(self._stations[device].topic("state"), state_message(True, now_s), retain=True)

    def _measure(self, now_s: float) -> None:
        for station in self._stations.values():
            for span_s in station.spans_s:
                self._measure_span(station, span_s, now_s)

    def _measure_span(self, station: Station, span_s: int, now_s: float) -> None:
        """Put the spans that have ended into the outbox; a full one makes the station wait, nothing is dropped."""
        key, step_s = (station.id, span_s), max(span_s, station.interval_s)
        if key not in self._next_s:
            earliest = int(now_s) - LOGGER_S
            earliest += -earliest % step_s
            self._next_s[key] = max(self._outbox.cursor(*key) or 0, earliest)
        if self._next_s[key] + span_s > now_s:
            return
        room = self._outbox.room(station.id)
        starts = list(range(self._next_s[key], int(now_s) - span_s + 1, step_s))
        starts = starts[: room if station.protocol == "hj212" else room * 100]
        for parcel, carried in parcels(self._sky, station, starts, span_s, iter(self._outbox.new_number, None)):
            self._outbox.put(parcel, span_s=span_s, next_s=carried[-1] + step_s)
            self._next_s[key] = carried[-1] + step_s
            self.tally.measured += len(carried)

    def _take(self, message: Received) -> None:
        try:
            answer = receipt(message)
        except AnswerError as error:
            # Recorded for the next report; the message stays unanswered and goes out again.
            self.tally.outcomes["unreadable"] += 1
            self.tally.last_error = f"{message.device}: unreadable answer: {error}"
            return
        rejected = answer.outcome == "rejected"
        self.tally.outcomes[answer.outcome] += 1
        if rejected:
            self.tally.reasons[answer.reason] += 1
            self.tally.last_error = f"{answer.device}: {answer.reason}: {answer.detail}"
        if answer.number is None or self._outbox.answer(answer.number):
            return
        if self.history is not None:
            self.history.answer(answer.number, rejected=rejected)


def shared_link(account: Account, county: str, stations: Sequence[Station], now_s: float) -> dict[str, Link]:
    """One connection for all stations, with a service account.

    A connection has one last will only; it speaks for the first station.
    """
    topics = [topic(county, "+", "+", stream) for stream in ("reply", "error")]
    will = (stations[0].topic("state"), state_message(False, now_s))
    link = Link(account, f"lantian-simulator-{county}", topics, will=will)
    return {station.id: link for station in stations}


def own_links(account_of: Callable[[str], Account], stations: Sequence[Station], now_s: float) -> dict[str, Link]:
    """One connection per station with the station's own credentials, `account_of` its id."""
    return {
        station.id: Link(
            account_of(station.id),
            station.id,
            [station.topic(stream) for stream in ("cmd", "reply", "error")],
            will=(station.topic("state"), state_message(False, now_s)),
        )
        for station in stations
    }
