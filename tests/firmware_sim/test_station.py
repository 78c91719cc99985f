"""Stations' readings and messages, their history, and the fleet with a link that is only a list."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import pytest

from domain.county import load_county
from domain.error import ConfigurationError
from domain.factor import unit_preset
from domain.family import AIR
from domain.period import DAY_S, HOUR_S, ZONE
from firmware_sim import frame_hj212
from firmware_sim.fleet import LOGGER_S, Fleet
from firmware_sim.history import History
from firmware_sim.link import Link, Received
from firmware_sim.outbox import Outbox, Parcel
from firmware_sim.station import FACTORS, Station, county_stations, measured, parcels
from firmware_sim.weather import Sky
from firmware_sim.window import Patience, Window

SKY = Sky(11)
REFERENCE = Station("air-1", "zy", "s1", "ambient", "hj212", "141129000000000000000001", 60, 60)
MICRO = Station("micro-1", "zy", "m1", "micro", "json", "", 60, 60)
MIDNIGHT = int(dt.datetime(2026, 7, 1, tzinfo=ZONE).timestamp())


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    kept = Outbox(None, 1000)
    yield kept
    kept.close()


def answer_frame(request: str) -> bytes:
    return frame_hj212.frame(
        frame_hj212.segment("9014", "", frame_hj212.Header(request, REFERENCE.mn, system="91", flag=4))
    )


@pytest.mark.parametrize("station", [REFERENCE, MICRO])
@pytest.mark.parametrize("span_s", [60, 300, 3600])
def test_readings_are_repeatable_and_physical(station: Station, span_s: int) -> None:
    starts = MIDNIGHT + np.arange(200, dtype=np.int64) * span_s
    shown = measured(SKY, station, starts, span_s)
    assert set(shown) <= set(AIR.keys)
    assert (shown["pm25"] <= shown["pm10"]).all()
    for name, values in shown.items():
        assert values.shape == (200,)
        assert np.isfinite(values).all()
        assert name == "temperature" or values.min() >= 0.0
        assert np.array_equal(values[50:60], measured(SKY, station, starts[50:60], span_s)[name])
        assert np.abs(values * 1000 - np.round(values * 1000)).max() < 1e-6


def test_hour_is_close_to_the_mean_of_its_minutes() -> None:
    hours = MIDNIGHT + np.arange(24, dtype=np.int64) * HOUR_S
    minutes = MIDNIGHT + np.arange(1440, dtype=np.int64) * 60
    shown, fine = measured(SKY, REFERENCE, hours, HOUR_S), measured(SKY, REFERENCE, minutes, 60)
    for name in ("pm25", "no2", "o3", "temperature"):
        assert np.allclose(shown[name], fine[name].reshape(24, 60).mean(axis=1), rtol=0.05, atol=1.0), name


def test_micro_station_is_worse_than_the_reference_beside_it() -> None:
    starts = MIDNIGHT + np.arange(500, dtype=np.int64) * 60
    beside = Station("micro-2", "zy", "s1", "micro", "json", "", 60, 60)
    micro, reference = measured(SKY, beside, starts, 60), measured(SKY, REFERENCE, starts, 60)
    rough, smooth = np.diff(micro["no2"]).std(), np.diff(reference["no2"]).std()
    assert rough > 2 * smooth


def test_hour_frame_of_a_reference_station() -> None:
    [(parcel, carried)] = parcels(SKY, REFERENCE, [MIDNIGHT], HOUR_S, iter([1782835201234]))
    assert carried == [MIDNIGHT]
    assert parcel.topic == "lt/v1/zy/hj212/air-1/data"
    text = parcel.payload.decode()
    assert text.startswith(
        f"##{len(text) - 12:04d}QN=20260701000001234;ST=22;CN=2061;PW=123456;MN=141129000000000000000001;Flag=5;"
        "CP=&&DataTime=20260701000000;"
    )
    assert re.search(r";a34004-Avg=\d+\.\d,a34004-Flag=N;", text)
    assert re.search(r";a01006-Avg=\d\d\.\d\d,a01006-Flag=N;", text), "pressure goes out in kPa"
    assert text.endswith(f"&&{frame_hj212.crc(text[6:-6].encode()):04X}\r\n")


def test_json_readings_travel_together() -> None:
    starts = [MIDNIGHT + at * 60 for at in range(501)]
    first, second = parcels(SKY, MICRO, starts, 60, iter([5, 6]))
    assert len(first[1]) == 500 and second[1] == [starts[-1]]
    body = json.loads(first[0].payload)
    assert body["seq"] == 5 and len(body["readings"]) == 500
    assert json.loads(second[0].payload)["ts"] == "2026-07-01T08:20:00+08:00"


def test_units_sent_are_the_units_registered() -> None:
    columns = {column.key: column.unit for column in AIR.columns}
    registered = unit_preset("ambient-field")
    for factor, (column, scale, _) in FACTORS.items():
        expected = "kPa" if column == "pressure" else columns[column]
        assert registered[factor] == expected
        assert scale == (0.1 if column == "pressure" else 1.0)


def test_demonstration_county_has_stations_of_both_protocols() -> None:
    stations = county_stations(load_county("zhongyang"))
    assert {station.protocol for station in stations} == {"json", "hj212"}
    assert all(station.mn for station in stations if station.protocol == "hj212")
    assert [station.id for station in county_stations(load_county("zhongyang"), ["zhike-air"])] == ["zhike-air"]
    with pytest.raises(ConfigurationError, match="no-such"):
        county_stations(load_county("zhongyang"), ["no-such"])


def drained(history: History, stop_after: int = 10**9) -> list[Parcel]:
    """Let the history send and answer everything at once."""
    sent: list[Parcel] = []
    now = 0.0
    while not history.done and len(sent) < stop_after:
        fresh: list[Parcel] = []
        history.pump(now, fresh.append)
        sent += fresh
        for parcel in fresh:
            assert history.answer(parcel.number)
        now += 0.1
    return sent


def hours_in(sent: Sequence[Parcel]) -> list[str]:
    found = []
    for parcel in sent:
        if parcel.device == REFERENCE.id:
            found += re.findall(r"DataTime=(\d{10})", parcel.payload.decode())
        else:
            body = json.loads(parcel.payload)
            stamps = [one["ts"] for one in body.get("readings", [body])]
            found += [re.sub(r"\D", "", stamp)[:10] for stamp in stamps]
    return found


def test_history_is_complete_newest_first_and_not_sent_twice(outbox: Outbox) -> None:
    bounds = (MIDNIGHT - 45 * DAY_S, MIDNIGHT + 5 * HOUR_S)
    sent = drained(History(SKY, [REFERENCE], outbox, bounds_s=bounds))
    hours = hours_in(sent)
    assert len(hours) == len(set(hours)) == 45 * 24 + 5
    assert hours[0] == "2026070104" and hours == sorted(hours, reverse=True)
    # A later run repeats only the day that was not over.
    again = hours_in(drained(History(SKY, [REFERENCE], outbox, bounds_s=(bounds[0], bounds[1] + HOUR_S))))
    assert again == [f"20260701{hour:02d}" for hour in range(5, -1, -1)]


def test_history_of_a_micro_station_is_two_weeks_in_one_message(outbox: Outbox) -> None:
    sent = drained(History(SKY, [MICRO], outbox, bounds_s=(MIDNIGHT - 400 * DAY_S, MIDNIGHT)))
    assert len(sent) == 1
    assert len(hours_in(sent)) == 14 * 24
    assert len(outbox.answered_days(MICRO.id)) == 14


def test_interrupted_history_repeats_only_days_with_an_unanswered_hour(outbox: Outbox) -> None:
    bounds = (MIDNIGHT - 10 * DAY_S, MIDNIGHT)
    first = History(SKY, [REFERENCE], outbox, bounds_s=bounds)
    sent: list[Parcel] = []
    first.pump(0.0, sent.append)
    assert len(sent) == 240
    for at, parcel in enumerate(sent):
        if at != 100:  # an hour of the fifth newest day stays unanswered
            first.answer(parcel.number)
    assert not first.done
    again = hours_in(drained(History(SKY, [REFERENCE], outbox, bounds_s=bounds)))
    assert again == [f"20260626{hour:02d}" for hour in range(23, -1, -1)]


def test_history_sends_again_what_is_not_answered_and_keeps_its_window(outbox: Outbox) -> None:
    window: Window[int] = Window(7, Patience(10.0, 10.0))
    history = History(SKY, [REFERENCE], outbox, bounds_s=(MIDNIGHT - DAY_S, MIDNIGHT), window=window)
    sent: list[Parcel] = []
    history.pump(0.0, sent.append)
    history.pump(9.0, sent.append)
    assert len(sent) == 7
    history.pump(10.0, sent.append)
    assert sent[7:] == sent[:7]


class ListLink:
    """A link whose other end is this test."""

    def __init__(self) -> None:
        self.ready = True
        self.fresh = True
        self.sent: list[tuple[str, bytes]] = []
        self.inbox: list[Received] = []

    def freshly_connected(self) -> bool:
        fresh, self.fresh = self.fresh, False
        return fresh

    def publish(self, where: str, what: bytes, *, retain: bool = False) -> None:
        assert retain == where.endswith("/state")
        self.sent.append((where, what))

    def received(self, timeout_s: float) -> list[Received]:
        found, self.inbox = self.inbox, []
        return found

    def answer_all(self) -> int:
        """Answer every data message sent so far."""
        data = [(where.split("/")[4], what) for where, what in self.sent if where.endswith("/data")]
        self.sent.clear()
        for device, what in data:
            if what.startswith(b"##"):
                payload = answer_frame(what.decode()[9:26])
            else:
                payload = json.dumps({"v": 1, "seq": json.loads(what)["seq"], "outcome": "stored"}).encode()
            self.inbox.append(Received(device, "reply", payload))
        return len(data)


def fleet_on(link: ListLink, outbox: Outbox) -> Fleet:
    links = {station.id: cast(Link, link) for station in (REFERENCE, MICRO)}
    return Fleet(SKY, [REFERENCE, MICRO], outbox, links)


def test_fleet_announces_itself_empties_its_loggers_and_goes_on(outbox: Outbox) -> None:
    link = ListLink()
    fleet = fleet_on(link, outbox)
    now = MIDNIGHT + 12 * HOUR_S
    fleet.step(now, 0.0)
    states = [json.loads(what)["state"] for where, what in link.sent if where.endswith("/state")]
    assert states == ["online", "online"]
    answered = 0
    while sent := link.answer_all():
        answered += sent
        fleet.step(now, 0.0)  # takes the answers in
        fleet.step(now, 0.0)  # sends what the window now permits
    # HJ 212: 180 minutes and 3 hours, one frame each; JSON: all minutes in one message.
    assert answered == LOGGER_S // 60 + LOGGER_S // HOUR_S + 1
    assert len(outbox) == 0
    fleet.step(now + 60, 0.0)
    assert link.answer_all() == 2
    fleet.step(now + 61, 0.0)
    assert link.answer_all() == 0
    assert fleet.tally.outcomes == {"answered": 184, "stored": 2}


def test_platform_that_does_not_answer_makes_the_devices_wait_and_nothing_is_lost(outbox: Outbox) -> None:
    link = ListLink()
    outbox.capacity = 20
    fleet = fleet_on(link, outbox)
    now = MIDNIGHT + 12 * HOUR_S
    seen: set[str] = set()

    def note() -> None:
        for _, what in link.sent:
            seen.update(re.findall(rb"CN=2051;.*DataTime=(\d{12})", what))

    link.ready = False
    for minute in range(60):
        fleet.step(now + minute * 60, 0.0)
    assert outbox.kept(REFERENCE.id) == 20
    assert not [where for where, _ in link.sent if where.endswith("/data")]
    link.ready = True
    for _ in range(60):
        fleet.step(now + 3600, 0.0)
        note()
        link.answer_all()
    assert len(outbox) == 0
    # Three hours of the logger and the hour of the outage, without a hole.
    assert len(seen) == 240


def test_rejected_message_is_forgotten_and_counted(outbox: Outbox) -> None:
    link = ListLink()
    fleet = fleet_on(link, outbox)
    fleet.step(MIDNIGHT, 0.0)
    [seq] = [json.loads(what)["seq"] for where, what in link.sent if "/json/" in where and where.endswith("/data")]
    body = {"v": 1, "seq": seq, "qn": None, "reason": "unknown_device", "detail": "micro-1 is not registered"}
    link.inbox.append(Received(MICRO.id, "error", json.dumps(body).encode()))
    fleet.step(MIDNIGHT, 0.0)
    assert outbox.kept(MICRO.id) == 0
    assert fleet.tally.reasons == {"unknown_device": 1}
    assert "micro-1 is not registered" in fleet.tally.last_error


def test_unreadable_answer_is_recorded_and_the_message_goes_out_again(outbox: Outbox) -> None:
    link = ListLink()
    fleet = fleet_on(link, outbox)
    fleet.step(MIDNIGHT, 0.0)
    kept = len(outbox)
    link.inbox.append(Received(MICRO.id, "reply", b"##0000"))
    fleet.step(MIDNIGHT, 0.0)
    assert len(outbox) == kept
    assert fleet.tally.outcomes == {"unreadable": 1}
    assert "micro-1: unreadable answer" in fleet.tally.last_error


def test_particles_of_instruments_keep_their_order() -> None:
    # In January fine particles are most of PM10, and a micro station's gains drift apart.
    january = MIDNIGHT - 170 * DAY_S + np.arange(400, dtype=np.int64) * HOUR_S
    for number in range(20):
        micro = Station(f"micro-{number}", "zy", "m1", "micro", "json", "", 60, 60)
        shown = measured(SKY, micro, january, 60)
        assert (shown["pm25"] <= shown["pm10"]).all()
