"""The job `quality` in the real database: what is found, what follows, what was known when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from test_settle_database import AREA, Network

from analytics import quality
from analytics.quality import CHANNEL, GAP, SPATIAL, SPIKE
from analytics.screening import MARK, PERSISTENCE
from app.job.quality import screen, screen_hours
from domain.family import AIR
from domain.flag import FAIL
from store.connection import connect
from store.quality import claim_screening, queue_screening, release_screening, screening_begins
from store.reference import load_reference
from store.review import Proposal, confirm_review, propose_review
from store.revision import decide_revision, read_effective
from store.settlement import mark_hours, read_queue_lengths

START = dt.datetime(2026, 3, 1, 0, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=3)
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


class Watched(Network):
    """The network with five sites near each other, and the job."""

    def __init__(self, owner: Any, app: Any) -> None:
        super().__init__(owner, app)
        load_reference(app)
        for at, site in enumerate(("east", "west", "north", "south", "centre")):
            if at > 1:
                self.site(site, kind="micro", evaluated=False)
                self.device(f"{site}-1", site)
            owner.execute("update site set longitude = %s, latitude = 37.3 where id = %s", (111.1 + at / 100, site))

    def minutes(self, device: str, values: list[float | None], start: dt.datetime = START) -> None:
        """PM2.5 of consecutive minutes, received two seconds after their end, as the collector stores them."""
        self.owner.cursor().executemany(
            "insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at) values"
            " (%s, %s, 60, %s, %s, '------------', %s)",
            [
                (device, start + at * MINUTE, value, "1" + "9" * 11, start + at * MINUTE + dt.timedelta(seconds=62))
                for at, value in enumerate(values)
                if value is not None
            ],
        )
        for hour in range(-(-len(values) // 60)):
            self.mark(device, start + hour * HOUR)

    def run(self, now: dt.datetime = NOW) -> dict[str, int]:
        """Settle, test, settle again; what the test did."""
        self.settle()
        done = dict(screen(self.app, now))
        self.settle()
        return done

    def findings(self, column: str = "pm25") -> list[tuple[Any, ...]]:
        return self.app.execute(
            "select device_id, extract(epoch from time - %s)::int / 60, level, failed, flag from"
            " screen.quality_finding where column_key = %s order by device_id, time, level",
            (START, column),
        ).fetchall()

    def hour_frames(self, hours: int) -> None:
        """Hour frames of every station: runs of one value, some longer than a slice of the job, and a site that is
        unlike the others from hour 18 to hour 21."""
        for at in range(hours):
            for site in ("east", "west", "north", "south", "centre"):
                odd = 200.0 if site == "centre" and 18 <= at < 22 else 0.0
                values = {"pm25": 35.5 if site == "east" else 30.0 + at % 3 + odd, "no2": 40.0, "so2": 9.0 + at % 2}
                self.reading(f"{site}-1", START + at * HOUR, 3600, values)

    def passes(self, limit: int) -> list[tuple[int, int]]:
        """Settle and test until nothing waits; results and hours queued again of each pass."""
        found = []
        while len(found) < 5:
            self.settle()
            done = screen_hours(self.app, now=NOW, limit=limit)
            found.append((done.results, done.resettled))
            if not done.hours and not any(read_queue_lengths(self.app).values()):
                break
        return found

    def newest(self) -> list[tuple[Any, ...]]:
        """What counts of every result."""
        return self.app.execute(
            "select device_id, time, level, failed, flag from (select distinct on (device_id, time, level, span_s) *"
            " from quality_result order by device_id, time, level, span_s, screened_at desc) q"
            " where flag <> repeat('2', 12) order by 1, 2, 3"
        ).fetchall()


@pytest.fixture
def network(database: Any) -> Iterator[Watched]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Watched(owner, app)


def wave(count: int) -> list[float | None]:
    return [30.0 + at % 3 for at in range(count)]


def test_a_spike_is_found_explained_and_doubted_in_its_hour(network: Watched) -> None:
    values = wave(120)
    values[30] = 400.0
    network.minutes("east-1", values)
    assert network.run() == {"hours": 2, "readings": 120, "results": 1, "resettled": 1}
    assert network.findings() == [("east-1", 30, "reading", SPIKE, 3)]
    assert network.app.execute(
        "select site_zh, column_zh, tests_zh, reason_zh, flag_zh from screen.quality_finding"
    ).fetchone() == ("站", "细颗粒物", "尖峰", "数值明显偏离前后时段的水平。", "可疑")
    # doubt stays in the statistics
    mean = (20 * (30 + 31 + 32) + 400 - 30) / 60
    assert network.hour("east", START, "pm25, flag") == (pytest.approx(mean), "3" + "9" * 11)
    assert network.hour("east", START + HOUR, "flag") == ("1" + "9" * 11,)
    assert network.hour(AREA, START, "flag") == ("3" + "9" * 11,)


def test_statistics_follow_a_test_that_fails_values(network: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(quality._SEVERITY, SPIKE, FAIL)  # as the table may say
    values = wave(60)
    values[30] = 400.0
    network.minutes("east-1", values)
    network.run()
    assert network.findings() == [("east-1", 30, "reading", SPIKE, 4)]
    mean = (20 * (30 + 31 + 32) - 30) / 59
    assert network.hour("east", START, "pm25, minutes[1], flag") == (pytest.approx(mean), 59, "1" + "9" * 11)
    assert network.hour(AREA, START, "pm25") == (pytest.approx(mean),)


def test_testing_again_finds_nothing_new(network: Watched) -> None:
    values = wave(60)
    values[30] = 400.0
    network.minutes("east-1", values)
    network.run()
    assert network.run() == {"hours": 1, "readings": 60, "results": 0, "resettled": 0}  # what the result resettled
    assert network.run() == {"hours": 0, "readings": 0, "results": 0, "resettled": 0}
    assert network.app.execute("select count(*) from quality_result").fetchone() == (1,)


@pytest.mark.parametrize("limit", [15, 50, 2000])
def test_testing_ends_and_finds_the_same_however_it_is_sliced(network: Watched, limit: int) -> None:
    network.hour_frames(40)
    done = network.passes(limit)
    assert len(done) <= 3 and done[-1] == (0, 0)
    found = network.newest()
    runs = {(device, failed[0], failed[3]) for device, _, _, failed, _ in found}
    assert runs == {("east-1", PERSISTENCE, PERSISTENCE), ("centre-1", SPATIAL, PERSISTENCE)} | {
        (f"{site}-1", 0, PERSISTENCE) for site in ("west", "north", "south", "centre")
    }
    assert len(found) == 5 * 40
    # the whole time again, then an hour in the middle alone: nothing is found anew, nothing taken back
    mark_hours(network.app, START, START + 40 * HOUR)
    assert network.passes(limit) == [(0, 0), (0, 0)]
    mark_hours(network.app, START + 19 * HOUR, START + 20 * HOUR)
    assert network.passes(limit) == [(0, 0), (0, 0)]
    assert network.newest() == found


def test_what_is_queued_while_it_is_tested_stays_for_the_next_run(network: Watched) -> None:
    hours = [int((START + at * HOUR).timestamp()) for at in range(2)]
    queue_screening(network.app, ["east", "east"], hours)
    began = screening_begins(network.app)
    claim = claim_screening(network.app, NOW, 10, before=began)
    assert claim.hours_s == tuple(hours)
    queue_screening(network.app, ["east"], hours[1:])
    release_screening(network.app, claim)
    assert claim_screening(network.app, NOW, 10, before=began).ids == ()
    assert claim_screening(network.app, NOW, 10, before=screening_begins(network.app)).hours_s == (hours[1],)


def test_what_is_put_right_is_found_no_longer_and_stays_known(network: Watched) -> None:
    values = wave(60)
    values[30] = 400.0
    network.minutes("east-1", values)
    network.run()
    [known_at] = network.app.execute("select clock_timestamp()").fetchone() or ()
    keys = ", ".join(f"'{key}', {30.0 if key == 'pm25' else 'null'}" for key in AIR.keys)
    network.owner.execute(
        "insert into revision (family, device_id, time, span_s, new_values, flag, mark, received_at, announced, status)"
        f" values ('air', 'east-1', %s, 60, jsonb_build_object({keys}), %s, '------------', now(), false, 'proposed')",
        (START + 30 * MINUTE, "1" + "9" * 11),
    )
    decide_revision(network.app, 1, True, who="张三", why="补传")
    done = network.run()
    assert (done["results"], done["resettled"]) == (1, 1)
    assert network.findings() == [] and network.hour("east", START, "flag") == ("1" + "9" * 11,)

    def flag(at: dt.datetime | None) -> str:
        between = (START + 30 * MINUTE, START + 31 * MINUTE)
        [reading] = read_effective(network.app, "air", ["east-1"], between, known_at=at)
        return reading.flag[0]

    assert (flag(known_at), flag(None)) == ("3", "1")


def test_a_review_overrules_a_test(network: Watched) -> None:
    values = wave(60)
    values[30] = 400.0
    network.minutes("east-1", values)
    network.run()
    proposal = Proposal("east-1", ("pm25",), START, START + HOUR, "valid", "张三", "烟花")
    confirm_review(network.app, propose_review(network.app, proposal), who="李四", why="属实")
    network.run()
    assert network.hour("east", START, "flag") == ("1" + "9" * 11,)
    assert len(network.findings()) == 1  # the finding stays beside the judgement


def test_a_constant_run_is_doubted_from_its_first_hour(network: Watched) -> None:
    for hour in range(16):
        value = 35.5 if 2 <= hour < 15 else 40.0 + hour
        network.reading("east-1", START + hour * HOUR, 3600, {"pm25": value})
        network.run()
        found = [row[1] // 60 for row in network.findings() if row[3] & PERSISTENCE]
        assert found == ([] if hour < 14 else list(range(2, 15)))  # twelve hours from first to last
    assert network.hour("east", START + 2 * HOUR, "pm25, flag") == (35.5, "3" + "9" * 11)
    assert network.hour("east", START + HOUR, "flag") == ("1" + "9" * 11,)


def test_a_site_unlike_its_neighbours_is_doubted_once_it_lasts(network: Watched) -> None:
    for site in ("east", "west", "north", "south"):
        network.minutes(f"{site}-1", wave(180))
    network.minutes("centre-1", [200.0 + at % 3 for at in range(180)])
    running = network.run(now=START + 185 * MINUTE)  # two hours are over, and have had ten minutes
    assert (running["hours"], running["results"]) == (10, 0)
    assert network.app.execute("select count(*) from dirty_quality").fetchone() == (5,)
    over = network.run(now=START + 190 * MINUTE)
    assert (over["hours"], over["results"], over["resettled"]) == (5, 3, 3)
    assert network.findings() == [("centre-1", 60 * hour, "hour", SPATIAL, 3) for hour in range(3)]
    assert network.hour("centre", START, "flag") == ("3" + "9" * 11,)
    assert network.hour("north", START, "flag") == ("1" + "9" * 11,)


def test_gaps_are_noted_and_doubt_nothing(network: Watched) -> None:
    values = wave(120)
    values[20:50] = [None] * 30
    network.minutes("east-1", values)
    done = network.run()
    assert (done["results"], done["resettled"]) == (1, 0)
    assert network.findings() == [("east-1", 50, "reading", GAP, 2)]
    assert network.app.execute("select flag_zh, reason_zh from screen.quality_finding").fetchone() == (
        "提示",
        "此前数据中断。",
    )
    assert network.app.execute("select flag_zh, readings from screen.quality_hour").fetchall() == []  # months ago


@pytest.mark.parametrize("hours", [4, 30])
def test_a_long_gap_stays_known_when_it_is_out_of_sight(network: Watched, hours: int) -> None:
    network.minutes("east-1", wave(60))
    later = START + (1 + hours) * HOUR
    network.minutes("east-1", wave(6 * 60), later)
    for limit in (1, 2000):
        network.passes(limit)
        assert network.findings() == [("east-1", 60 * (1 + hours), "reading", GAP, 2)]
        mark_hours(network.app, START, later + 6 * HOUR)
    assert network.app.execute("select count(*) from quality_result").fetchone() == (1,)


def test_twin_channels_and_marks(network: Watched) -> None:
    network.minutes("north-1", wave(60))
    network.owner.execute(
        "update air_reading set mark = 'M-----------', flag = '4' || substr(flag, 2) where time = %s",
        (START + 40 * MINUTE,),
    )
    network.owner.cursor().executemany(
        "insert into factor_reading (device_id, time, span_s, factor, field, value, mark, received_at)"
        " values ('north-1', %s, 60, %s, 'Avg', %s, 'N', now())",
        [(START + 10 * MINUTE, "pm25_a", 20.0), (START + 10 * MINUTE, "pm25_b", 60.0), (START, "pm25_a", 20.0)],
    )
    network.run()
    assert network.findings() == [("north-1", 10, "reading", CHANNEL, 3), ("north-1", 40, "reading", MARK, 4)]
    assert network.hour("north", START, "minutes[1]") == (59,)


def test_only_hours_of_usable_readings_are_compared(network: Watched) -> None:
    network.minutes("east-1", wave(60))
    network.owner.execute(
        "update air_reading set flag = '4' || substr(flag, 2) where time >= %s", (START + 30 * MINUTE,)
    )
    network.run()
    row = network.app.execute("select mean[1], low[1], high[1], minutes[1], mean[2] from device_hour").fetchone()
    assert row is not None and row[:4] == (31.0, 30.0, 32.0, 30) and row[4] != row[4]


def test_crash_in_the_middle_leaves_everything_as_it_was(network: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    values = wave(60)
    values[30] = 400.0
    network.minutes("east-1", values)
    network.settle()

    def crash(*_: object) -> None:
        raise RuntimeError("crash")

    with monkeypatch.context() as patch:
        patch.setattr("store.quality.release_screening", crash)
        with pytest.raises(RuntimeError):
            screen(network.app, NOW)
    for table, count in (("quality_result", 0), ("device_hour", 0), ("dirty_hour", 0), ("dirty_quality", 1)):
        assert network.app.execute(f"select count(*) from {table}").fetchone() == (count,)
    assert network.run()["results"] == 1


def test_queues_tell_of_hours_to_test_and_reviews_to_confirm(network: Watched) -> None:
    network.minutes("east-1", wave(60))
    network.settle()
    propose_review(network.app, Proposal("east-1", ("pm25",), START, START + HOUR, "invalid", "张三", "喷水"))
    network.app.execute(
        "insert into dirty_quality (site_id, hour) values ('west', date_trunc('hour', now(), 'UTC'))"  # not over yet
    )
    rows = network.app.execute(
        "select queue, waiting from screen.queue_now where waiting > 0 order by position"
    ).fetchall()
    assert rows == [("dirty_quality", 1), ("review", 1)]
