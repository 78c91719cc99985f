"""Ranking of stations by hand: sums of concentration over limit, ties, change against the same month of last year."""

from __future__ import annotations

import datetime as dt
from typing import Any

from store.connection import Connection, connect
from store.ranking import read_ranking
from store.reference import load_reference

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
    assert rows[0].township == "b 镇" and round(rows[0].completeness_percent, 1) == 90.3
    with connect(database.url("lantian_reader")) as conn:
        assert len(conn.execute("select * from screen.site_ranking").fetchall()) == 5
