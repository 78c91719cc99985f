"""Settlement in the real database: readings in, hours, days and periods out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app.job.settle import Settled, settle
from domain.family import AIR
from domain.flag import GOOD
from domain.period import midnight
from store.connection import Connection, connect

AREA, SITES = "county", ("east", "west")
DAY = dt.date(2016, 5, 1)
NOW = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)


class Network:
    """A county of two evaluated sites with one device each, and the collector's side of the database."""

    def __init__(self, owner: Connection, app: Connection) -> None:
        self.owner, self.app = owner, app
        owner.execute("insert into area (id, name_zh) values (%s, '县')", (AREA,))
        self.site(AREA, kind="area", evaluated=False)
        for site in SITES:
            self.site(site)
            self.device(f"{site}-1", site)

    def site(self, site: str, *, kind: str = "ambient", evaluated: bool = True) -> None:
        self.owner.execute(
            "insert into site (id, area_id, kind, name_zh, evaluated) values (%s, %s, %s, '站', %s)",
            (site, AREA, kind, evaluated),
        )

    def device(self, device: str, site: str, *, rank: int = 1, interval_s: int = 60, family: str = "air") -> None:
        self.owner.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s, rank, registered_at)"
            " values (%s, %s, 'json', %s, 60, %s, %s, '2016-01-01')",
            (device, site, family, interval_s, rank),
        )

    def reading(
        self, device: str, time: dt.datetime, span_s: int, values: Mapping[str, float], *, flag: int = GOOD
    ) -> None:
        """Store one reading as the collector does: the row and its dirty hour."""
        letters = "".join(str(flag) if key in values else "9" for key in AIR.keys)
        names = ", ".join(values)
        self.owner.execute(
            f"insert into air_reading (device_id, time, span_s, {names}, flag, mark, received_at) values (%s, %s, %s,"
            f" {', '.join(['%s'] * len(values))}, %s, '------------', now())",
            (device, time, span_s, *values.values(), letters),
        )
        self.mark(device, time)

    def mark(self, device: str, time: dt.datetime) -> None:
        self.owner.execute(
            "insert into dirty_hour (family, site_id, hour)"
            " select family, site_id, date_trunc('hour', %s::timestamptz, 'UTC') from device where id = %s",
            (time, device),
        )

    def hours(self, device: str, day: dt.date, values: Mapping[str, float], count: int = 24) -> None:
        """The same hour frame for `count` hours from local midnight."""
        for hour in range(count):
            self.reading(device, midnight(day) + dt.timedelta(hours=hour), 3600, values)

    def settle(self, now: dt.datetime = NOW) -> Settled:
        return settle(self.app, clock=lambda: now)

    def hour(self, site: str, time: dt.datetime, columns: str) -> tuple[Any, ...]:
        return self._one(f"select {columns} from air_hour where site_id = %s and hour = %s", site, time)

    def day(self, site: str, day: dt.date, columns: str) -> tuple[Any, ...]:
        return self._one(f"select {columns} from air_day where site_id = %s and day = %s", site, day)

    def period(self, site: str, kind: str, start: dt.date, pollutant: str, statistic: str = "mean") -> tuple[Any, ...]:
        return self._one(
            "select value, published, valid_days, valid, limit_value, limit_edition, complies from period_statistic"
            " where site_id = %s and kind = %s and start = %s and pollutant = %s and statistic = %s",
            site,
            kind,
            start,
            pollutant,
            statistic,
        )

    def _one(self, statement: str, *parameters: object) -> tuple[Any, ...]:
        row = self.app.execute(statement, parameters).fetchone()
        assert row is not None, "no such row"
        return row


@pytest.fixture
def network(database: Any) -> Iterator[Network]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Network(owner, app)


NOON = midnight(DAY) + dt.timedelta(hours=12)


def test_readings_become_hours_days_and_periods(network: Network) -> None:
    network.hours("east-1", DAY, {"pm25": 30.0, "o3": 90.0, "co": 0.6})
    network.hours("west-1", DAY, {"pm25": 50.0}, count=19)
    done = network.settle()
    assert (done.claimed, done.hours, done.days) == (43 + 2 + 9, 43 + 24, 3)
    assert network.hour("east", NOON, "pm25, minutes[1], flag, edition, aqi") == (
        30.0,
        60,
        "199911" + "9" * 6,
        "hj633-2012",
        43,
    )
    assert network.hour(AREA, NOON, "pm25, co, so2") == (40.0, 0.6, None)
    assert network.day("east", DAY, "pm25, o3_8h, o3_1h, hours, o3_windows") == (
        30.0,
        90.0,
        90.0,
        [24, 0, 0, 0, 24, 24],
        17,
    )
    assert network.day("west", DAY, "pm25, hours[1]") == (None, 19)
    assert network.day(AREA, DAY, "pm25, aqi, primary_pollutants") == (30.0, 45, [])
    assert network.period("east", "month", dt.date(2016, 5, 1), "pm25") == (30.0, 30.0, 1, False, None, "2012", None)
    assert network.period(AREA, "quarter", dt.date(2016, 4, 1), "co", "p95")[:3] == (0.6, 0.6, 1)
    assert network.period(AREA, "year", dt.date(2016, 1, 1), "pm25")[4:] == (35.0, "2012", None)


def test_queues_are_empty_after_settlement_and_a_second_one_does_nothing(network: Network) -> None:
    network.hours("east-1", DAY, {"pm25": 30.0})
    network.settle()
    for queue in ("dirty_hour", "dirty_day", "dirty_period"):
        assert network.app.execute(f"select count(*) from {queue}").fetchone() == (0,)
    assert network.settle() == Settled()


def test_late_reading_changes_hour_day_and_year(network: Network) -> None:
    network.hours("east-1", DAY, {"pm25": 30.0}, count=19)
    network.settle()
    assert network.day("east", DAY, "pm25") == (None,)
    network.reading("east-1", midnight(DAY) + dt.timedelta(hours=23), 3600, {"pm25": 50.0})
    network.settle()
    assert network.day("east", DAY, "pm25, hours[1]") == (31.0, 20)
    assert network.day(AREA, DAY, "pm25") == (31.0,)
    assert network.period(AREA, "year", dt.date(2016, 1, 1), "pm25")[:3] == (31.0, 31.0, 1)


def test_only_accepted_revisions_count_and_the_newest_decision_wins(network: Network) -> None:
    network.reading("east-1", NOON, 3600, {"pm25": 30.0, "so2": 5.0})

    def revise(pm25: float | None, status: str, decided: int | None) -> None:
        values = dict.fromkeys(AIR.keys) | {"pm25": pm25, "so2": 5.0}
        flag = "".join("9" if values[key] is None else "1" for key in AIR.keys)
        network.owner.execute(
            "insert into revision (family, device_id, time, span_s, new_values, flag, mark, received_at, announced,"
            " status, decided_by, decided_at) values"
            " ('air', 'east-1', %s, 3600, %s, %s, '------------', now(), false, %s, %s, %s)",
            (
                NOON,
                json.dumps(values),
                flag,
                status,
                decided and "审核员",
                decided and NOON + dt.timedelta(hours=decided),
            ),
        )
        network.mark("east-1", NOON)
        network.settle()

    for pm25, status, decided, expected in (
        (99.0, "proposed", None, 30.0),
        (98.0, "refused", 1, 30.0),
        (40.0, "accepted", 3, 40.0),
        (41.0, "accepted", 2, 40.0),
        (None, "accepted", 4, None),
    ):
        revise(pm25, status, decided)
        assert network.hour("east", NOON, "pm25, so2") == (expected, 5.0)


def test_device_of_lower_rank_wins(network: Network) -> None:
    network.device("east-0", "east", rank=2)
    network.reading("east-0", NOON, 3600, {"pm25": 10.0, "so2": 7.0})
    network.reading("east-1", NOON, 3600, {"pm25": 30.0})
    network.settle()
    assert network.hour("east", NOON, "pm25, so2") == (30.0, 7.0)


def test_hour_frame_outranks_minutes(network: Network) -> None:
    for minute in range(60):
        network.reading("east-1", NOON + dt.timedelta(minutes=minute), 60, {"pm25": 10.0})
    network.settle()
    assert network.hour("east", NOON, "pm25, minutes[1]") == (10.0, 60)
    network.reading("east-1", NOON, 3600, {"pm25": 30.0})
    network.settle()
    assert network.hour("east", NOON, "pm25") == (30.0,)


def test_daily_frames_do_not_become_hours(network: Network) -> None:
    network.reading("east-1", midnight(DAY), 86400, {"pm25": 10.0})
    network.settle()
    assert network.hour("east", midnight(DAY), "pm25, minutes[1]") == (None, 0)


@pytest.mark.parametrize(
    ("utc_hour", "day", "edition", "iaqi"),
    [(15, dt.date(2026, 2, 28), "hj633-2012", 100), (16, dt.date(2026, 3, 1), "hj633-2026", 114)],
)
def test_edition_switches_at_16_utc_which_is_local_midnight(
    network: Network, utc_hour: int, day: dt.date, edition: str, iaqi: int
) -> None:
    moment = dt.datetime(2026, 2, 28, utc_hour, tzinfo=dt.UTC)
    network.reading("east-1", moment, 3600, {"pm25": 75.0})
    network.settle()
    assert network.hour("east", moment, "edition, iaqi_pm25") == (edition, iaqi)
    assert network.day("east", day, "edition, hours[1]") == (edition, 1)
    assert network.app.execute("select count(*) from air_day where site_id = 'east'").fetchone() == (1,)


@pytest.mark.parametrize("family", ["stack", "plant", "vehicle"])
def test_hours_without_readings_and_those_of_vehicles_leave_the_queue(network: Network, family: str) -> None:
    network.site("other", kind=family, evaluated=False)
    network.device("other", "other", family=family)
    network.mark("other", NOON)
    assert network.settle() == Settled(claimed=1)


def test_crash_in_the_middle_leaves_queue_and_statistics_as_they_were(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.hours("east-1", DAY, {"pm25": 30.0})

    def crash(*_: object) -> None:
        raise RuntimeError("crash")

    with monkeypatch.context() as patch:
        patch.setattr("store.settlement.release", crash)
        with pytest.raises(RuntimeError):
            network.settle()
    assert network.app.execute("select count(*) from air_hour").fetchone() == (0,)
    assert network.settle().hours == 48


def test_second_settler_waits_and_then_sees_the_newer_reading(network: Network, database: Any) -> None:
    network.reading("east-1", NOON, 3600, {"pm25": 30.0})
    with connect(database.url("lantian_app")) as first:
        first.execute("select pg_advisory_xact_lock(4226015)")
        network.app.execute("set lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            network.settle()
    assert network.settle().hours == 2


def test_hours_far_apart_are_settled_together(network: Network) -> None:
    for year in (2015, 2016, 2024):
        network.reading("east-1", dt.datetime(year, 7, 1, 3, tzinfo=dt.UTC), 3600, {"pm25": float(year)})
    assert network.settle().hours == 6
    assert network.hour(AREA, dt.datetime(2024, 7, 1, 3, tzinfo=dt.UTC), "pm25") == (2024.0,)
