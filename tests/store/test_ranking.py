"""Ranking of stations by hand: sums of concentration over limit, ties, change against the same month of last year."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from store.connection import Connection, connect
from store.ranking import add_weights, read_ranking, read_townships, read_weights
from store.reference import load_reference
from store.register import Author

MAY = dt.date(2025, 5, 1)
#: Limits of 2012 for the composite index: SO2 60, NO2 40, PM10 70, PM2.5 35, CO 4 (P95), O3 160 (P90).
STATISTICS = {"so2": "mean", "no2": "mean", "pm10": "mean", "pm25": "mean", "co": "p95", "o3": "p90"}
LIMITS = {"so2": 60, "no2": 40, "pm10": 70, "pm25": 35, "co": 4, "o3": 160}


def month(conn: Connection, site: str, start: dt.date, share: float, *, without: str | None = None) -> None:
    """A month in which every statistic is `share` of its limit."""
    for pollutant, statistic in STATISTICS.items():
        if pollutant != without:
            conn.execute(
                "insert into period_statistic (site_id, kind, start, pollutant, statistic, value, valid_days, days,"
                " valid, limit_edition) values (%s, 'month', %s, %s, %s, %s, 28, 31, true, '2012')",
                (site, start, pollutant, statistic, share * LIMITS[pollutant]),
            )


def test_stations_are_ranked_with_their_change(clerk: Connection, database: Any) -> None:
    with clerk.transaction():
        load_reference(clerk)
    clerk.execute("insert into area (id, name_zh) values ('x', '县')")
    for site in ("a", "b", "c", "d"):
        clerk.execute(
            "insert into site (id, area_id, kind, name_zh, township) values (%s, 'x', 'ambient', %s, %s)",
            (site, site, f"{site} 镇"),
        )
    month(clerk, "a", MAY, 0.5)
    month(clerk, "a", dt.date(2024, 5, 1), 0.4)
    month(clerk, "b", MAY, 0.4)
    month(clerk, "b", dt.date(2024, 5, 1), 0.5)
    month(clerk, "c", MAY, 0.4)
    month(clerk, "d", MAY, 0.1, without="o3")
    rows = read_ranking(clerk, "month", MAY)
    assert [(row.site_id, row.composite, row.rank, row.change_percent, row.change_rank) for row in rows] == [
        ("b", 2.4, 1, -20.0, 1), ("c", 2.4, 1, None, None), ("a", 3.0, 3, 25.0, 2)
    ]  # fmt: skip
    assert [row.weighted for row in rows] == [2.4, 2.4, 3.0] and {row.weights_zh for row in rows} == {"各项均为1"}
    assert [(row.composite_without_dust, row.rank_without_dust) for row in rows] == [(2.4, 1), (2.4, 1), (3.0, 3)]
    assert rows[0].township == "b 镇" and round(rows[0].completeness_percent, 1) == 90.3
    with connect(database.url("lantian_reader")) as conn:
        assert len(conn.execute("select * from screen.site_ranking").fetchall()) == 5


@pytest.fixture
def stations(clerk: Connection) -> Connection:
    """Three stations of an area, and the words and limits of the standards."""
    with clerk.transaction():
        load_reference(clerk)
    clerk.execute("insert into area (id, name_zh) values ('x', '县')")
    for site in ("a", "b", "c"):
        clerk.execute("insert into site (id, area_id, kind, name_zh) values (%s, 'x', 'ambient', %s)", (site, site))
    return clerk


def test_weights_are_dated_rows_that_people_add_to(stations: Connection) -> None:
    """PM2.5 of a at its limit, all else nothing; b: all six at 0.3 of it. With 3 and the others 1: 3 and 2.4."""
    for site, own, others in (("a", 1.0, 0.0), ("b", 0.3, 0.3)):
        month(stations, site, MAY, others)
        fine = "update period_statistic set value = %s where site_id = %s and pollutant = 'pm25'"
        stations.execute(fine, (own * 35, site))
    plain = [(row.site_id, row.composite, row.weighted, row.rank) for row in read_ranking(stations, "month", MAY)]
    assert plain == [("a", 1.0, 1.0, 1), ("b", 1.8, 1.8, 2)]
    ones = dict.fromkeys(("pm25", "pm10", "so2", "no2", "co", "o3"), 1.0)
    author = Author("李工", "市局〔2025〕9号")
    add_weights(stations, dt.date(2025, 6, 1), ones | {"pm25": 99.0}, author)  # from June: does not count in May
    add_weights(stations, dt.date(2025, 5, 31), ones | {"pm25": 50.0}, author)  # replaced the same day
    add_weights(stations, dt.date(2025, 5, 31), ones | {"pm25": 3.0}, author)
    rows = read_ranking(stations, "month", MAY)
    assert [(row.site_id, row.composite, row.rank, row.weighted, row.weighted_rank) for row in rows] == [
        ("b", 1.8, 2, 2.4, 1), ("a", 1.0, 1, 3.0, 2)
    ]  # fmt: skip
    assert rows[0].weights_zh == "PM2.5×3"
    sets = read_weights(stations)
    assert [(each.first_day.year, each.weights["pm25"], each.counts) for each in sets] == [
        (1970, 1.0, True), (2025, 50.0, False), (2025, 3.0, True), (2025, 99.0, True), (2026, 3.0, True)
    ]  # fmt: skip
    assert sets[2].author == author
    with stations.transaction():
        load_reference(stations)  # the shipped sets do not come again
    assert len(read_weights(stations)) == 5
    with pytest.raises(Exception, match="permission denied"):
        stations.execute("update index_weight set pm25 = 1")


def test_the_change_is_one_of_the_air_not_of_the_limits(stations: Connection) -> None:
    """The limits fall on 2026-03-01 (PM2.5 35 to 30, PM10 70 to 60): the same air is no change."""
    month(stations, "a", MAY, 0.6)
    month(stations, "a", dt.date(2026, 5, 1), 0.6)
    stations.execute("update period_statistic set limit_edition = '2026-transitional' where start = '2026-05-01'")
    row = read_ranking(stations, "month", dt.date(2026, 5, 1))[0]
    assert row.composite == 3.8  # 4 x 0.6 + 0.7 + 0.7
    assert (row.change_percent, row.weighted_change_percent) == (0.0, 0.0)
    assert row.weighted == round(3 * 0.7 + 0.7 + 0.6 + 2 * 0.6 + 0.6 + 2 * 0.6, 2)
    assert read_ranking(stations, "month", MAY)[0].composite == 3.6


def test_without_dust_stands_beside(stations: Connection) -> None:
    """PM10 of a 0.9 of its limit with dust and 0.2 without: before b with dust, after it without."""
    for site, share in (("a", 0.5), ("b", 0.55), ("c", 0.6)):
        month(stations, site, MAY, share)
    stations.execute("update period_statistic set value = 0.9 * 70 where site_id = 'a' and pollutant = 'pm10'")
    dust = "insert into period_without_dust (site_id, kind, start, pollutant, statistic, value, valid_days, valid)"
    stations.execute(f"{dust} values ('a', 'month', %s, 'pm10', 'mean', 14, 20, false)", (MAY,))
    stations.execute(f"{dust} values ('c', 'month', %s, 'pm25', 'mean', null, 0, false)", (MAY,))
    rows = read_ranking(stations, "month", MAY)
    measured = {row.site_id: (row.composite, row.rank) for row in rows}
    assert measured == {"a": (3.4, 2), "b": (3.3, 1), "c": (3.6, 3)}
    clean = {
        row.site_id: (row.composite_without_dust, row.rank_without_dust, row.weighted_without_dust) for row in rows
    }
    assert clean == {"a": (2.7, 1, 2.7), "b": (3.3, 2, 3.3), "c": (None, None, None)}


def test_a_township_is_the_mean_of_its_stations(stations: Connection) -> None:
    """North: 0.4 and 0.5 of the limits, its micro station left out. South: a micro station at 0.3 alone."""
    stations.execute("update site set township = '北乡' where id in ('a', 'b')")
    for site, township in (("m", "北乡"), ("n", "南乡")):
        stations.execute(
            "insert into site (id, area_id, kind, name_zh, township) values (%s, 'x', 'micro', %s, %s)",
            (site, site, township),
        )
    for site, share in (("a", 0.4), ("b", 0.5), ("c", 0.1), ("m", 0.9), ("n", 0.3)):
        month(stations, site, MAY, share)
    for site, share in (("a", 0.5), ("b", 0.5)):
        month(stations, site, dt.date(2024, 5, 1), share)
    found = [
        (row.township, row.stations, row.reference, row.composite, row.rank, row.change_percent, row.weighted_rank)
        for row in read_townships(stations, "month", MAY)
    ]
    assert found == [("南乡", 1, False, 1.8, 1, None, 1), ("北乡", 2, True, 2.7, 2, -10.0, 2)]
