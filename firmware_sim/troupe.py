"""The agent that plays a scenario: many devices of every kind measure, fail, send and keep what is unanswered."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from domain.period import HOUR_S
from firmware_sim import fault as faults
from firmware_sim.answer import receipt
from firmware_sim.device import RECORDS, Device, World
from firmware_sim.fault import broken
from firmware_sim.fleet import LOGGER_S, PAUSE_S, Tally
from firmware_sim.frame_hj212 import AnswerError
from firmware_sim.frame_json import READINGS_PER_MESSAGE, state_message
from firmware_sim.link import Inbox, Link, Received, taken
from firmware_sim.logger import Logger
from firmware_sim.message import (
    Block,
    corrected,
    gb17691_frame,
    hj212_frame,
    json_message,
    login_frame,
    logout_frame,
    measured_block,
)
from firmware_sim.noise import uniform
from firmware_sim.outbox import Outbox, Parcel

#: Readings computed at once for each device: numpy is slow one by one.
AHEAD: Final = 30
#: Kinds of devices that have hours of the time before in their loggers.
RECALLED: Final = frozenset({"cems", "meter", "treatment-meter", "process"})
#: Hours of the time before that are put into the outbox of one device at once.
RECALL_HOURS: Final = 24
#: Pause between looks at connections and faults.
LOOK_S: Final = 0.2


class Troupe:
    """Devices of a scenario, their outbox and their connections.

    Parameters
    ----------
    world : World
        Weather and works.
    devices : sequence of Device
        Whom to play, with their faults.
    outbox : Outbox
        Where unanswered messages are kept.
    links : mapping of device id to Link or Logger
        Connection of each; several may share one. All put what arrives into `inbox`.
    inbox : Queue
        What arrives.
    from_s : int
        Unix time at which the scenario begins.
    """

    def __init__(  # noqa: PLR0913 - keyword-only from the fourth on
        self,
        world: World,
        devices: Sequence[Device],
        outbox: Outbox,
        *,
        links: Mapping[str, Link | Logger],
        inbox: Inbox,
        from_s: int,
    ) -> None:
        self.tally = Tally()
        self._world = world
        self._devices = {device.id: device for device in devices}
        self._outbox = outbox
        self._links = dict(links)
        self._loggers = {name: link for name, link in links.items() if isinstance(link, Logger)}
        self._inbox = inbox
        self._from_s = from_s
        self._connections = list({id(link): link for link in links.values()}.values())
        self._blocks: dict[tuple[str, int], Block] = {}
        self._held: set[str] = set()
        self._copies: dict[int, int] = {}
        self._look_s = 0.0
        self._cuts = [one for device in devices for one in device.faults if one.kind == faults.POWER_CUT]
        self._agenda = self._first_spans()
        self._bursts = sorted(
            {
                (one.start_s, device.id)
                for device in devices
                for one in device.faults
                if one.kind == faults.BACKFILL and one.start_s >= from_s
            }
        )
        self._recalled: dict[str, tuple[int, int]] = {}
        heapq.heapify(self._agenda)

    def recall(self, history_s: int) -> None:
        """Send hours of the `history_s` seconds before the beginning too, but those that an earlier run sent."""
        until_s = self._from_s - self._from_s % HOUR_S
        for device in self._devices.values():
            if history_s and device.kind in RECALLED:
                earliest_s = int(self._outbox.fact(f"recalled from {device.id}") or until_s)
                self._recalled[device.id] = (until_s - history_s, min(earliest_s, until_s))

    def start(self) -> None:
        """Connect."""
        for link in self._connections:
            link.start()

    def stop(self, now_s: float) -> None:
        """Vehicles log out, every device says goodbye; what is unanswered stays in the outbox."""
        mine: dict[int, list[str]] = {}
        for name, link in self._links.items():
            mine.setdefault(id(link), []).append(name)
        for link in self._connections:
            for device in map(self._devices.__getitem__, mine[id(link)]):
                if device.protocol == "gb17691" and device.id not in self._held and link.ready:
                    link.publish(device.topic("data"), logout_frame(device, int(now_s)))
        for link in self._connections:
            told = [(self._devices[name].topic("state"), state_message(False, now_s)) for name in mine[id(link)]]
            link.stop(told)
        self._outbox.commit()

    @property
    def ready(self) -> bool:
        """Whether every connection stands."""
        return all(link.ready for link in self._connections)

    def step(self, now_s: float, pause_s: float = PAUSE_S) -> None:
        """Measure what is due by Unix time `now_s`, send, and take in answers.

        Raises
        ------
        LinkError
            When the broker refuses.
        """
        clock = time.monotonic()
        if clock >= self._look_s:
            self._look_s = clock + LOOK_S
            self._look(now_s)
        self._measure(now_s)
        while self._bursts and self._bursts[0][0] <= now_s:
            self._burst(self._devices[self._bursts.pop(0)[1]], now_s)
        self._recall_some()
        self._outbox.commit()
        if any(link.ready for link in self._connections):
            for parcel in self._outbox.due(clock, self._held):
                self._send(parcel)
        for message in taken(self._inbox, pause_s):
            if message.device in self._devices and message.stream in {"reply", "error"}:
                self._take(message)

    def _first_spans(self) -> list[tuple[int, str, int, int]]:
        """Agenda: when a reading is due, device, span, start of the span."""
        agenda = []
        for device in self._devices.values():
            for span_s in device.spans_s:
                step_s = device.step_s(span_s)
                begins = self._outbox.cursor(device.id, span_s)
                length_s = _length_s(device, span_s) + device.delay_s
                if begins is None or begins < self._from_s - LOGGER_S:
                    # The first reading to be sent from the beginning on; it may have begun before.
                    begins = -((length_s - self._from_s) // step_s) * step_s
                agenda.append((begins + length_s, device.id, span_s, begins))
        return agenda

    def _look(self, now_s: float) -> None:
        """See to connections, and to devices whose power fails or comes back."""
        for link in self._connections:
            link.check()
        for name, link in self._loggers.items():
            link.suffer(self._devices[name].fault(faults.SLOW_TCP, now_s))
        fresh = {id(link) for link in self._connections if link.freshly_connected()}
        held = {name for cut in self._cuts if cut.lasts(now_s) for name in cut.devices}
        changed = held ^ self._held
        self._held = held
        for name, link in self._links.items() if fresh else ((one, self._links[one]) for one in changed):
            if id(link) in fresh or name in changed:
                device = self._devices[name]
                link.publish(device.topic("state"), state_message(name not in held, now_s), retain=True)
                if device.protocol == "gb17691" and name not in held:
                    link.publish(device.topic("data"), login_frame(device, int(now_s)))

    def _measure(self, now_s: float) -> None:
        while self._agenda and self._agenda[0][0] <= now_s:
            _, name, span_s, begins = heapq.heappop(self._agenda)
            device = self._devices[name]
            step_s, length_s = device.step_s(span_s), _length_s(device, span_s) + device.delay_s
            room = self._outbox.room(name)
            starts = list(range(begins, int(now_s) - length_s + 1, step_s))[: room if room > 0 else 0]
            if starts:
                self._put(device, span_s, starts, live=True)
            begins = starts[-1] + step_s if starts else begins
            again = begins + length_s
            # A full outbox is looked at again a second later.
            heapq.heappush(self._agenda, (again if starts else int(now_s) + 1, name, span_s, begins))

    def _burst(self, device: Device, now_s: float) -> None:
        """Send again what the logger holds of the time before, newest first."""
        found = next(one for one in device.faults if one.kind == faults.BACKFILL and one.start_s <= now_s)
        for span_s in device.spans_s:
            step_s = device.step_s(span_s)
            first = found.start_s - int(found.number("back"))
            starts = list(range(first + -first % step_s, found.start_s - _length_s(device, span_s) + 1, step_s))
            self._put(device, span_s, starts[: self._outbox.room(device.id)][::-1], live=False)

    def _recall_some(self) -> None:
        """A day of hours before, newest first, of each device that has none of them waiting for an answer."""
        for name, (from_s, earliest_s) in list(self._recalled.items()):
            if earliest_s <= from_s:
                del self._recalled[name]
            elif self._outbox.kept(name) < RECALL_HOURS:
                first = max(from_s, earliest_s - RECALL_HOURS * HOUR_S)
                self._put(self._devices[name], HOUR_S, range(first, earliest_s, HOUR_S)[::-1], live=False)
                self._outbox.note_fact(f"recalled from {name}", str(first))
                self._recalled[name] = (from_s, first)

    def _put(self, device: Device, span_s: int, starts: Sequence[int], *, live: bool) -> None:
        """Frame readings and put them into the outbox; `live` ones move the cursor and suffer faults of sending."""
        if live:
            starts = [start for start in starts if device.fault(faults.GAP, start) is None]
        ahead = AHEAD if device.kind != "vehicle" else 5
        size = READINGS_PER_MESSAGE if device.protocol == "json" else 1
        for begin in range(0, len(starts), size):
            group = starts[begin : begin + size]
            block = self._block(device, span_s, group, ahead if live else 0)
            number = self._outbox.new_number()
            payload = self._payload(block, [block.starts_s.index(start) for start in group], number)
            parcel = Parcel(number, device.id, device.topic("data"), payload)
            self.tally.measured += len(group)
            if live and self._breaks(device, group[0], parcel):
                continue
            storm = device.fault(faults.DUPLICATES, group[0]) if live else None
            if storm is not None:
                self._copies[number] = int(storm.number("copies")) - 1
            if live:
                self._outbox.put(parcel, span_s=span_s, next_s=group[-1] + device.step_s(span_s))
                self._correct(block, group)
            else:
                self._outbox.put(parcel)

    def _block(self, device: Device, span_s: int, starts: Sequence[int], ahead: int) -> Block:
        """Readings of `starts`, computed some ahead."""
        key = (device.id, span_s)
        block = self._blocks.get(key)
        if block is None or not set(starts) <= set(block.starts_s):
            step_s = device.step_s(span_s)
            more = range(starts[-1] + step_s, starts[-1] + step_s * max(ahead - len(starts), 0) + 1, step_s)
            block = measured_block(self._world, device, [*starts, *more], span_s)
            if ahead:
                self._blocks[key] = block
        return block

    def _payload(self, block: Block, at: Sequence[int], number: int) -> bytes:
        device, start = block.device, block.starts_s[at[0]]
        jump = device.fault(faults.CLOCK_JUMP, start)
        shift_s = int(jump.number("by")) if jump is not None else 0
        if device.protocol == "json":
            return json_message(block, at, number, shift_s)
        if device.protocol == "hj212":
            return hj212_frame(block, at[0], number, shift_s=shift_s, key=device.key)
        resent = device.fault(faults.POWER_CUT, start + RECORDS) is not None
        return gb17691_frame(block, at[0], resent=resent, shift_s=shift_s)

    def _breaks(self, device: Device, start_s: int, parcel: Parcel) -> bool:
        """Send a broken copy when the line is bad; whether nothing else is to be sent."""
        bad = device.fault(faults.BROKEN, start_s)
        if bad is None:
            return False
        seed = self._world.sky.seed
        chance, which = (
            float(uniform(seed, f"{what}@{device.id}", np.array([start_s], dtype=np.int64))[0])
            for what in ("breaks", "breaks how")
        )
        if chance >= bad.number("share"):
            return False
        self._links[device.id].publish(parcel.topic, broken(parcel.payload, str(bad.options["how"]), which))
        self.tally.published += 1
        return not bad.options["repeat"]

    def _correct(self, block: Block, starts: Sequence[int]) -> None:
        """Put the same readings with other values into the outbox, where the device corrects itself."""
        device = block.device
        fault = device.fault(faults.CORRECTED, starts[0])
        if fault is not None:
            number, other = self._outbox.new_number(), corrected(block, fault.number("factor"))
            payload = self._payload(other, [block.starts_s.index(start) for start in starts], number)
            self._outbox.put(Parcel(number, device.id, device.topic("data"), payload))

    def _send(self, parcel: Parcel) -> None:
        link = self._links[parcel.device]
        for _ in range(1 + self._copies.pop(parcel.number, 0)):
            link.publish(parcel.topic, parcel.payload)
            self.tally.published += 1
        if self._devices[parcel.device].protocol == "gb17691":
            # Nobody answers vehicles: what the connection has taken over is sent.
            self._outbox.answer(parcel.number)

    def _take(self, message: Received) -> None:
        try:
            answer = receipt(message)
        except AnswerError as error:
            # Recorded for the next report; the message stays unanswered and goes out again.
            self.tally.outcomes["unreadable"] += 1
            self.tally.last_error = f"{message.device}: unreadable answer: {error}"
            return
        self.tally.outcomes[answer.outcome] += 1
        if answer.outcome == "rejected":
            self.tally.reasons[answer.reason] += 1
            self.tally.last_error = f"{answer.device}: {answer.reason}: {answer.detail}"
        if answer.number is not None and not self._broken_copy(answer.outcome, answer.reason):
            self._outbox.answer(answer.number)

    @staticmethod
    def _broken_copy(outcome: str, reason: str) -> bool:
        """Whether a refusal is for a frame that broke on the way: the good one has the same number and waits still."""
        return outcome == "rejected" and reason in ("malformed", "crc_mismatch", "length_mismatch", "wrong_key")


def _length_s(device: Device, span_s: int) -> int:
    """Seconds after its start at which a reading is complete."""
    return RECORDS if device.kind == "vehicle" else span_s
