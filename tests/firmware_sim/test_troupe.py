"""A troupe at an imagined broker: faults of sending, power cuts, answers; nothing is lost that is not meant to be."""

from __future__ import annotations

import datetime as dt
import json
import queue
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from domain.period import ZONE
from firmware_sim.device import Device, World
from firmware_sim.fault import OPTIONS, Fault
from firmware_sim.link import Received
from firmware_sim.outbox import Outbox
from firmware_sim.troupe import Troupe
from firmware_sim.weather import Sky
from firmware_sim.window import Patience

NOON = int(dt.datetime(2026, 7, 1, 12, tzinfo=ZONE).timestamp())
MICRO = Device("m", "c", "m", "micro", "json", "", 60, 60, site_kind="micro")
DUST = Device("d", "c", "d", "dust", "hj212", "141129990000000000000001", 0, 60)
TRUCK = Device("t", "c", "t", "vehicle", "gb17691", "", 0, 60, longitude=111.0, latitude=37.0)


class Wire:
    """A link that answers at once while `answers`, and remembers everything."""

    ready = True

    def __init__(self, inbox: queue.Queue[Received | None]) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.answers = True
        self._inbox = inbox
        self._fresh = True

    def start(self) -> None: ...

    def check(self) -> None: ...

    def stop(self, farewell: Any) -> None:
        self.sent += [(*where.split("/")[4:], what) for where, what in farewell]

    def freshly_connected(self) -> bool:
        fresh, self._fresh = self._fresh, False
        return fresh

    def publish(self, where: str, what: bytes, *, retain: bool = False) -> None:
        device, stream = where.split("/")[4:]
        self.sent.append((device, stream, what))
        if stream != "data" or not self.answers:
            return
        if what.startswith(b"{") and (good := _json(what)):
            body = json.dumps({"v": 1, "seq": good["seq"], "outcome": "stored"}).encode()
            self._inbox.put(Received(device, "reply", body))
        elif found := re.match(rb"##\d{4}QN=(\d{17});", what):
            told = {"v": 1, "seq": None, "qn": found[1].decode(), "reason": "crc_mismatch", "detail": ""}
            if _sound(what):
                told = {"v": 1, "seq": None, "qn": found[1].decode(), "outcome": "stored"}
            self._inbox.put(Received(device, "reply" if _sound(what) else "error", json.dumps(told).encode()))

    def data(self, device: str) -> list[bytes]:
        return [what for name, stream, what in self.sent if name == device and stream == "data"]

    def states(self, device: str) -> list[str]:
        return [json.loads(what)["state"] for name, stream, what in self.sent if (name, stream) == (device, "state")]


def _json(what: bytes) -> Any:
    try:
        return json.loads(what)
    except ValueError:
        return None


def _sound(what: bytes) -> bool:
    register = 0xFFFF
    for byte in what[6:-6]:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return what.endswith(b"%04X\r\n" % register)


def starts(wire: Wire, device: str) -> Counter[int]:
    """How often each label was sent in a sound message, seconds after noon."""
    found: Counter[int] = Counter()
    for what in wire.data(device):
        if (body := _json(what)) is not None:
            stamps = [dt.datetime.fromisoformat(one["ts"]) for one in body.get("readings", [body])]
        elif what.startswith(b"##") and device == "d" and _sound(what):
            text = re.search(rb"DataTime=(\d{14})", what)
            assert text is not None
            stamps = [dt.datetime.strptime(text[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=ZONE)]
        else:
            continue
        found.update(int(stamp.timestamp()) - NOON for stamp in stamps)
    return found


def play(device: Device, minutes: int = 20, fault: Fault | None = None) -> tuple[Wire, Outbox, Troupe]:
    """Twenty minutes of a device from noon on, ten seconds a step."""
    inbox: queue.Queue[Received | None] = queue.Queue()
    wire = Wire(inbox)
    outbox = Outbox(None, NOON * 1000, patience=Patience(1e6, 1e6))
    one = replace(device, faults=(fault,) if fault else ())
    links: Any = {device.id: wire}
    troupe = Troupe(World(Sky(2)), [one], outbox, links=links, inbox=inbox, from_s=NOON)
    for second in range(0, minutes * 60 + 1, 10):
        troupe._look_s = 0.0
        troupe.step(NOON + second, 0.0)
        troupe.step(NOON + second, 0.0)
    return wire, outbox, troupe


def fault(kind: str, device: Device, begin: int, end: int, **options: Any) -> Fault:
    usual = {name: value for name, value in OPTIONS[kind].items() if value is not None}
    return Fault(kind, frozenset({device.id}), NOON + begin, NOON + end, {**usual, **options})


ALL = {at * 60: 1 for at in range(20)}


@pytest.mark.parametrize("device", [MICRO, DUST], ids=["json", "hj212"])
def test_sound_devices_send_every_reading_once(device: Device) -> None:
    wire, outbox, troupe = play(device)
    assert {at: times for at, times in starts(wire, device.id).items() if 0 <= at < 1200} == ALL
    assert len(outbox) == 0 and troupe.tally.outcomes["stored"] >= 20
    troupe.stop(NOON + 1200)
    assert wire.states(device.id) == ["online", "offline"]


def test_gap_is_never_measured() -> None:
    wire, _, _ = play(MICRO, fault=fault("gap", MICRO, 300, 600))
    assert set(ALL) - set(starts(wire, "m")) == {300, 360, 420, 480, 540}


@pytest.mark.parametrize("device", [MICRO, DUST, TRUCK], ids=["json", "hj212", "gb17691"])
def test_power_cut_keeps_everything_and_sends_it_afterwards(device: Device) -> None:
    cut = fault("power_cut", device, 300, 600)
    before, _, _ = play(device, 9, cut)
    wire, outbox, _ = play(device, fault=cut)
    sound, _, _ = play(device)
    assert len(before.data(device.id)) < len(wire.data(device.id))
    assert wire.states(device.id) == ["online", "offline", "online"]
    assert len(outbox) == 0
    if device is TRUCK:
        commands = Counter(what[2] for what in wire.data("t"))
        assert commands[3] == 5 and commands[1] == 2
        assert commands[2] + commands[3] == Counter(what[2] for what in sound.data("t"))[2]
    else:
        assert starts(wire, device.id) == starts(sound, device.id)


def test_duplicate_storm() -> None:
    wire, outbox, _ = play(MICRO, fault=fault("duplicate_storm", MICRO, 300, 600, copies=6.0))
    found = starts(wire, "m")
    assert {found[at] for at in range(300, 600, 60)} == {6} and found[240] == found[600] == 1
    assert len(outbox) == 0


def test_clock_jump_moves_the_label_only() -> None:
    wire, _, _ = play(DUST, fault=fault("clock_jump", DUST, 300, 600, by=-7200.0))
    found = starts(wire, "d")
    assert {at for at in found if at < 0} == {at - 7200 for at in range(300, 600, 60)}
    assert not {at for at in found if 300 <= at < 600}


@pytest.mark.parametrize("device", [MICRO, DUST], ids=["json", "hj212"])
def test_backfill_sends_the_time_before_again(device: Device) -> None:
    wire, outbox, _ = play(device, fault=fault("backfill", device, 600, 660, back=1800.0))
    found = starts(wire, device.id)
    assert {at for at in found if at < 0} == set(range(-1200, 0, 60))
    assert {found[at] for at in range(0, 540, 60)} == {2} and found[660] == 1
    assert len(outbox) == 0


@pytest.mark.parametrize("device", [MICRO, DUST], ids=["json", "hj212"])
def test_broken_frames_are_followed_by_good_ones(device: Device) -> None:
    wire, outbox, _ = play(device, fault=fault("broken_frames", device, 0, 1200, share=0.5))
    assert {at: times for at, times in starts(wire, device.id).items() if 0 <= at < 1200} == ALL
    assert 4 <= len(wire.data(device.id)) - len(starts(wire, device.id)) <= 16
    assert len(outbox) == 0
    lossy, _, _ = play(device, fault=fault("broken_frames", device, 0, 1200, share=0.5, repeat=False))
    assert 4 <= len(starts(lossy, device.id)) <= 17


def test_a_device_that_corrects_itself_sends_every_reading_twice_with_other_numbers() -> None:
    wire, outbox, _ = play(MICRO, fault=fault("corrected", MICRO, 300, 600, factor=2.0))
    found = starts(wire, MICRO.id)
    assert {at for at, times in found.items() if times == 2} == set(range(300, 600, 60))
    bodies = [body for what in wire.data(MICRO.id) if (body := _json(what)) is not None]
    readings = [one for body in bodies for one in body.get("readings", [body])]
    noon = [one["values"]["pm10"] for one in readings if one["ts"].endswith("12:05:00+08:00")]
    assert noon[1] == pytest.approx(2 * noon[0])
    assert len(outbox) == 0


def test_a_burst_that_began_before_the_play_is_over() -> None:
    wire, _, _ = play(DUST, fault=fault("backfill", DUST, -60, 0, back=1800.0))
    assert min(starts(wire, DUST.id)) == 0


METER = Device("p", "c", "p", "meter", "json", "", 0, 60, enterprise="e", outlet="sinter")
DAY_S = 86400


def recalled(outbox: Outbox, history_s: int, *, from_s: int = NOON) -> Wire:
    """A meter that lives for a minute from `from_s` on and recalls hours of the time before."""
    inbox: queue.Queue[Received | None] = queue.Queue()
    wire = Wire(inbox)
    links: Any = {METER.id: wire}
    troupe = Troupe(World(Sky(2)), [METER], outbox, links=links, inbox=inbox, from_s=from_s)
    troupe.recall(history_s)
    for second in range(60):
        troupe._look_s = 0.0
        troupe.step(from_s + second, 0.0)
    return wire


def hours(wire: Wire) -> list[int]:
    """Labels of the hourly means that were sent, seconds after noon."""
    bodies = [_json(what) for what in wire.data(METER.id)]
    readings = [one for body in bodies for one in body.get("readings", [body])]
    means = [one for one in readings if one.get("span") == 3600]
    assert all("energy" not in one["values"] for one in means)
    assert all("energy" in one["values"] for one in readings if one not in means)
    return [int(dt.datetime.fromisoformat(one["ts"]).timestamp()) - NOON for one in means]


def test_hours_before_the_beginning_are_sent_once_and_only_once_by_later_runs() -> None:
    outbox = Outbox(None, NOON * 1000, patience=Patience(1e6, 1e6))
    first = hours(recalled(outbox, 3 * DAY_S))
    assert sorted(first) == list(range(-3 * DAY_S, 0, 3600))
    assert first[0] > first[-1], "the newest day comes first"
    assert hours(recalled(outbox, 3 * DAY_S)) == []
    further = hours(recalled(outbox, 4 * DAY_S))
    assert sorted(further) == list(range(-4 * DAY_S, -3 * DAY_S, 3600))
    assert hours(recalled(Outbox(None, NOON * 1000), 0)) == []
