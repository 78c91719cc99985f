"""What the views say: the same figures as analytics and domain, the right period of a target, honest gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from analytics.rounding import half_even
from analytics.source_hint import bearings_and_distances
from dashboards.colour import STATES, STATUSES, VERDICTS
from domain.county import load_county as county_data
from domain.edition import limit_edition
from domain.level import levels
from domain.period import ZONE, local_date, midnight
from domain.pollutant import SIX
from domain.standard import limits
from store.reference import load_reference
from store.registry import load_county

Connection = psycopg.Connection[tuple[Any, ...]]
SEED = Path(__file__).parent / "seed.sql"
OPTIONS = "-c search_path=lantian,screen,public -c timezone=UTC"


@pytest.fixture(scope="module")
def owner(module_database: Any) -> Iterator[Connection]:
    """The owner's connection to a seeded county; tests that write roll back."""
    with psycopg.connect(module_database().url("lantian_owner"), options=OPTIONS) as conn:
        load_reference(conn)
        load_county(conn, county_data("zhongyang"))
        conn.execute(SEED.read_bytes())
        conn.commit()
        yield conn


@pytest.fixture
def conn(owner: Connection) -> Iterator[Connection]:
    """The seeded county; what a test writes is undone."""
    yield owner
    owner.rollback()


def one(conn: Connection, statement: str, *parameters: object) -> Any:
    """The only value of the only row."""
    (row,) = conn.execute(statement.encode(), parameters).fetchall()
    return row[0] if len(row) == 1 else row


@pytest.mark.parametrize("decimals", [0, 1])
def test_published_is_the_rounding_of_analytics(conn: Connection, decimals: int) -> None:
    generator = np.random.default_rng(7)
    ties = (np.arange(0, 400) + 0.5) / 10**decimals
    values = np.concatenate(
        [generator.uniform(0, 700, 500), ties, ties * (1 + 1e-15), [0.15000000000000002, 0.0, 44.5]]
    )
    found = conn.execute(
        "select screen.published(v, %s) from unnest(%s::float8[]) with ordinality as t (v, at) order by at",
        (decimals, values.tolist()),
    ).fetchall()
    assert [value for (value,) in found] == half_even(values, decimals).tolist()
    assert one(conn, "select screen.published(null, 1)") is None


def test_local_time_is_that_of_domain(conn: Connection) -> None:
    for text in ("2026-11-23T15:59:59+00:00", "2026-11-23T16:00:00+00:00", "1989-07-01T03:00:00+00:00"):
        moment = dt.datetime.fromisoformat(text)
        assert one(conn, "select screen.local_day(%s)", moment) == local_date(moment)
        assert one(conn, "select screen.local_time(%s)", moment) == moment.astimezone(ZONE).replace(tzinfo=None)
    assert one(conn, "select screen.midnight(%s)", dt.date(2026, 3, 1)) == midnight(dt.date(2026, 3, 1))


def test_limits_now_are_those_of_today(conn: Connection) -> None:
    rows = conn.execute("select pollutant, averaging, value from screen.limit_now where area_class = 2").fetchall()
    edition = limit_edition(local_date(dt.datetime.now(dt.UTC)))
    keys = {pollutant.key for pollutant in SIX}
    assert {(p, a): v for p, a, v in rows} == {key: v for key, v in limits(edition).items() if key[0] in keys}


def test_every_day_has_one_limit(conn: Connection) -> None:
    for day in (
        dt.date(1999, 5, 1),
        dt.date(2026, 2, 28),
        dt.date(2026, 3, 1),
        dt.date(2031, 1, 1),
        dt.date(2050, 1, 1),
    ):
        found = one(
            conn,
            "select value from screen.limit_value where area_class = 2 and pollutant = 'pm25' and averaging = '24h'"
            " and judges_from <= %s and %s < judges_to",
            *(day, day),
        )
        assert found == limits(limit_edition(day))["pm25", "24h"]


def test_levels_are_those_of_domain(conn: Connection) -> None:
    rows = conn.execute(
        "select level, category_zh, hex from screen.aqi_level where edition = 'hj633-2026' order by level"
    ).fetchall()
    assert rows == [(level.level, level.category_zh, level.hex) for level in levels("hj633-2026")]


def test_every_target_has_one_row(conn: Connection) -> None:
    found = conn.execute("select target_id from screen.target_status where area_id = 'zhongyang'").fetchall()
    assert sorted(row[0] for row in found) == sorted(target.id for target in county_data("zhongyang").targets)


def test_a_due_target_shows_its_due_year_and_the_running_one(conn: Connection) -> None:
    row = one(
        conn,
        "select status, actual, period_zh, is_due_period, current_status, current_actual, current_allowed_mean,"
        " target_zh, due_zh, remark_zh from screen.target_status where target_id = 'pm25_annual'",
    )
    assert row == ("met", 30, "2025年", True, "at_risk", 31, 20.7, "≤ 30 µg/m³", "2025-12-31", "已到期")


def test_a_year_before_the_due_one_is_not_passed_off_as_it(conn: Connection) -> None:
    row = one(
        conn,
        "select status_zh, actual, period_zh, is_due_period, remark_zh from screen.target_status"
        " where target_id = 'so2_annual'",
    )
    assert row == ("暂无数据", 14, "2024年", False, "有效天数不足（200 天），不作评价")


def test_a_target_without_figure_waits_for_a_report_or_has_no_data(conn: Connection) -> None:
    statement = "select status, status_zh, actual, remark_zh from screen.target_status where target_id = %s"
    assert one(conn, statement, "coal_industry") == ("awaiting_report", "待填报", None, "尚无可评判的数据")
    assert one(conn, statement, "no2_annual") == ("no_data", "暂无数据", None, "尚无可评判的数据")
    assert one(conn, statement, "coal_total")[:3] == ("awaiting_report", "待填报", None)


def test_a_recurring_target_shows_the_latest_month(conn: Connection) -> None:
    today = local_date(dt.datetime.now(dt.UTC))
    row = one(
        conn, "select period_zh, is_due_period, due_zh from screen.target_status where target_id = 'monitor_online'"
    )
    assert row == (f"{today.year}年{today.month}月", True, "每月")


def test_status_words_are_those_of_the_panels(conn: Connection) -> None:
    words = {}
    for code, _, _ in STATUSES:
        conn.execute("update target_actual set status = %s where target_id = 'pm25_annual'", (code,))
        words[code] = one(conn, "select status_zh from screen.target_status where target_id = 'pm25_annual'")
    assert words == {code: word for code, word, _ in STATUSES}
    verdicts = conn.execute("select distinct complies_zh from screen.period where limit_value is not null").fetchall()
    assert {row[0] for row in verdicts} == {"达标", "超标"} <= {word for word, _ in VERDICTS}
    states = conn.execute("select distinct state_zh from screen.device_now").fetchall()
    assert {row[0] for row in states} == {word for word, _ in STATES}


def test_pm25_year_judges_by_the_strictest_target(conn: Connection) -> None:
    rows = conn.execute("select year, target_value, mean_published, allowed_mean from screen.pm25_year order by year")
    this = local_date(dt.datetime.now(dt.UTC)).year
    assert rows.fetchall() == [(2025, 30, 30, None), (this, 30, 31, 20.7)]


def test_cumulative_mean_ends_at_the_mean_of_the_year(conn: Connection) -> None:
    conn.execute("update air_day set pm25 = null where site_id = 'zhongyang' and extract(day from day) = 3")
    for year, mean, count in conn.execute(
        "select extract(year from day)::int, avg(pm25), count(pm25) from air_day where site_id = 'zhongyang' group by 1"
    ).fetchall():
        last = one(
            conn,
            "select cumulative_mean, valid_days, target_value from screen.pm25_daily_cumulative"
            " where year = %s and site_id = 'zhongyang' order by day desc limit 1",
            year,
        )
        assert last == (pytest.approx(mean, rel=1e-12), count, 30)
    assert one(conn, "select count(*) from screen.pm25_daily_cumulative where site_id <> 'zhongyang'") == 0


def test_a_site_now_says_how_complete_and_how_old_its_data_are(conn: Connection) -> None:
    statement = (
        "select completeness_percent, age_minutes, devices, devices_reporting, pm25, co, aqi, category_zh, primary_zh"
        " from screen.site_now where site_id = %s"
    )
    full = one(conn, statement, "ningxiang")
    assert full[0] == pytest.approx(100)
    assert full[1] == pytest.approx(1, abs=0.5)
    assert full[2:] == (1, 1, 42, 0.8, 70, "良", "细颗粒物(PM2.5)、臭氧(O3)")
    half = one(conn, statement, "jinluo")
    assert half[0] == pytest.approx(50, abs=5)
    assert half[1:4] == (pytest.approx(20, abs=0.5), 1, 0)
    silent = one(conn, statement, "wujiazhuang")
    assert silent == (0, None, 1, 0, None, None, None, None, None)
    area = one(conn, statement, "zhongyang")
    assert area[1:4] == (pytest.approx(1, abs=0.5), 4, 1)


def test_completeness_counts_only_pollutants_that_the_site_reports(conn: Connection) -> None:
    conn.execute("update air_hour set so2 = null, no2 = null, co = null, o3 = null where site_id = 'ningxiang'")
    assert one(conn, "select completeness_percent from screen.site_now where site_id = 'ningxiang'") == 100
    conn.execute("update air_day set hours = array[24, 12, 0, 0, 0, 0]::smallint[] where site_id = 'ningxiang'")
    row = one(
        conn,
        "select completeness_percent, hours_due from screen.completeness where site_id = 'ningxiang'"
        " and day = screen.today() - 1",
    )
    assert row == (75, 24)


def test_places_around_a_station_lie_where_analytics_puts_them(conn: Connection) -> None:
    generator = np.random.default_rng(11)
    places = np.column_stack([generator.uniform(110.9, 111.5, 60), generator.uniform(37.1, 37.6, 60)])
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into site (id, area_id, kind, name_zh, longitude, latitude)"
            " values (%s, 'zhongyang', 'stack', '点', %s, %s)",
            [(f"place-{at:02}", *place) for at, place in enumerate(places.tolist())],
        )
    station = one(conn, "select longitude, latitude from screen.air_site where site_id = 'micro-jinluo-1'")
    rows = conn.execute(
        "select place_id, bearing, distance_km, sector, probability_percent from screen.upwind_place"
        " where site_id = 'micro-jinluo-1' and pollutant = 'pm25' and days = 7 and place_id like 'place-%' order by 1"
    ).fetchall()
    bearings, distances = bearings_and_distances(station, places)
    near = distances <= 30
    assert 0 < near.sum() < 60
    assert [row[0] for row in rows] == [f"place-{at:02}" for at in np.flatnonzero(near)]
    assert [row[1] for row in rows] == pytest.approx(bearings[near].tolist(), abs=1e-9)
    assert [row[2] for row in rows] == pytest.approx(distances[near].tolist(), rel=1e-9)
    sectors = np.round(bearings[near] / 22.5).astype(int) % 16
    assert [row[3] for row in rows] == sectors.tolist()
    assert len(set(sectors.tolist())) > 8
    chances = dict(
        conn.execute(
            "select sector, probability_percent from screen.pollution_rose"
            " where site_id = 'micro-jinluo-1' and pollutant = 'pm25' and days = 7"
        ).fetchall()
    )
    assert [row[4] for row in rows] == [chances[sector] for sector in sectors.tolist()]


def test_retired_sites_and_devices_are_not_shown(conn: Connection) -> None:
    conn.execute("update site set retired_at = now() where id = 'ningxiang'")
    conn.execute("update device set retired_at = now() where id = 'jinluo-air'")
    assert one(conn, "select count(*) from screen.site_now where site_id = 'ningxiang'") == 0
    assert one(conn, "select count(*) from screen.device_now where device_id = 'jinluo-air'") == 0


def test_rejects_show_no_payload_and_say_the_reason_in_chinese(conn: Connection) -> None:
    cursor = conn.execute("select * from screen.reject_recent order by id")
    assert cursor.description is not None
    assert "payload" not in [column.name for column in cursor.description]
    words = conn.execute("select reason_zh, site_zh from screen.reject_recent order by id").fetchall()
    assert words == [("CRC 校验错误", "枝柯站"), ("设备未登记", None)]


def test_every_view_belongs_to_the_owner_and_only_views_are_granted(conn: Connection) -> None:
    rows = conn.execute(
        "select relname, relkind, relowner::regrole::text, has_table_privilege('lantian_reader', oid, 'select')"
        " from pg_class where relnamespace = 'screen'::regnamespace"
    ).fetchall()
    assert rows
    assert {row[1:] for row in rows} == {("v", "lantian_owner", True)}
    granted = conn.execute(
        "select relname from pg_class where relnamespace = 'lantian'::regnamespace and relkind in ('r', 'p', 'v')"
        " and has_table_privilege('lantian_reader', oid, 'select')"
    ).fetchall()
    assert granted == []
