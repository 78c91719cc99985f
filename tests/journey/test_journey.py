"""Ten thousand messages through the real broker, the real collector process and the real database into hours."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter
from typing import Any

import pytest
from journey_traffic import COUNTY, DEVICES, KEYS, Traffic, slow_hours, traffic

from app.job.settle import settle


@pytest.fixture
def county(journey: Any) -> Any:
    """The journey with its four devices registered and the broker waiting for them."""
    journey.register()
    journey.subscribe(COUNTY)
    return journey


RECEIVED = "select sum(received) from ledger"
NOW = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)


def stored_readings(journey: Any) -> dict[Any, tuple[float, ...]]:
    rows = journey.app.execute(f"select device_id, time, {', '.join(KEYS)} from air_reading").fetchall()
    return {(row[0], row[1]): row[2:] for row in rows}


def assert_everything_arrived_once(journey: Any, sent: Traffic) -> None:
    """Readings and revisions exactly as sent, every broken message kept with its reason, every batch balanced."""
    assert stored_readings(journey) == sent.stored
    revisions = journey.app.execute("select status, count(*) from revision group by status").fetchall()
    assert dict(revisions) == dict(sent.revisions)
    rejects: dict[str, set[bytes]] = {}
    for reason, payload in journey.app.execute("select reason, payload from reject").fetchall():
        rejects.setdefault(reason, set()).add(payload)
    assert rejects == dict(sent.rejected)
    unbalanced = "select count(*) from ledger where received <> stored + duplicate + revised + rejected"
    assert journey.count(unbalanced) == 0
    assert journey.count("select count(*) from raw_frame") == journey.count(
        "select sum(received - rejected) from ledger"
    )
    assert journey.count("select count(*) from reject") == journey.count("select sum(rejected) from ledger")


def assert_hours_are_right(journey: Any, sent: Traffic) -> None:
    """Every hour of every device, and of the area, equals the slow calculation; no other hour has a value."""
    settle(journey.app, clock=lambda: NOW)
    expected = slow_hours(sent.effective)
    rows = journey.app.execute(
        f"select site_id, hour, {', '.join(KEYS)} from air_hour where pm25 is not null"
    ).fetchall()
    found = {(site.removeprefix("at-"), hour): values for site, hour, *values in rows if site != COUNTY}
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-12), key
    for site, hour, *values in rows:
        if site == COUNTY:
            stations = [expected[device.id, hour] for device in DEVICES if (device.id, hour) in expected]
            assert values == pytest.approx([sum(column) / len(stations) for column in zip(*stations, strict=True)])
    editions = journey.app.execute("select distinct edition, hour < '2026-02-28 16:00+00' from air_hour").fetchall()
    assert sorted(editions) == [("hj633-2012", True), ("hj633-2026", False)]


def test_every_message_is_accounted_for(county: Any) -> None:
    sent = traffic(20260301)
    county.publish(sent.messages)
    county.start()
    assert county.wait(RECEIVED, len(sent.messages)) == len(sent.messages)
    county.stop()
    sums = county.app.execute(
        "select sum(stored), sum(duplicate), sum(revised), sum(rejected), sum(rows_stored), sum(rows_revised)"
        " from ledger"
    ).fetchone()
    assert [int(number) for number in sums] == [
        *(sent.outcomes[outcome] for outcome in ("stored", "duplicate", "revised", "rejected")),
        len(sent.stored),
        sent.outcomes["revised"],
    ]
    reasons = Counter(dict(county.app.execute("select reason, count(*) from reject group by reason").fetchall()))
    assert reasons == {reason: len(payloads) for reason, payloads in sent.rejected.items()}
    assert_everything_arrived_once(county, sent)
    assert_hours_are_right(county, sent)


@pytest.mark.parametrize("seed", [1, 2])
def test_killing_the_collector_loses_and_doubles_nothing(county: Any, seed: int) -> None:
    sent, chance = traffic(seed), random.Random(seed)
    publisher = threading.Thread(target=county.publish, args=(sent.messages,))
    publisher.start()
    total = len(sent.messages)
    for threshold in sorted(chance.sample(range(1, total * 9 // 10), 4)):
        county.start(batch=200)
        county.wait(RECEIVED, threshold, pause_s=0.005)
        threading.Event().wait(chance.uniform(0.0, 0.06))
        county.kill()
    county.start(batch=200)
    publisher.join(60)
    expected = len(sent.stored) + sent.outcomes["revised"] + sent.outcomes["rejected"]
    county.wait(
        "select (select count(*) from air_reading) + (select count(*) from revision)"
        " + (select count(distinct payload) from reject)",
        expected,
    )
    county.wait(RECEIVED, total)
    county.stop()
    assert_everything_arrived_once(county, sent)
    assert_hours_are_right(county, sent)
