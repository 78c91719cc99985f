"""Every statement of every panel and variable, run as Grafana would run it, as the role that reads the views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from grafana_sql import Range, UnknownMacroError, Values, expanded, with_variables
from seeding import seed

from dashboards.annotation import DUST, FOLDER
from dashboards.panel import Panel, panel_queries
from dashboards.query import load_sql
from dashboards.render import DASHBOARDS

Connection = psycopg.Connection[tuple[Any, ...]]
NOW = dt.datetime.now(dt.UTC).replace(microsecond=123000)
#: Types that Grafana's data source turns into numbers, texts, times or booleans.
NUMBERS = {20, 21, 23, 700, 701, 1700}
TEXTS = {25, 705, 1042, 1043}
TIMES = {1184}
BOOLEANS = {16}
CASES = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels if panel.sql]
IDS = [f"{dashboard.uid}-{panel.title}" for dashboard, panel in CASES]
#: Panels that rest on nothing but the registry have rows without any reading.
EMPTY_VALUES: Values = {
    **dict.fromkeys(("area", "year", "vehicle", "warning", "line", "pollutant"), ""),
    **{key: [] for key in ("kind", "site", "family", "enterprise", "outlet", "township", "station")},
}
#: Panels about the database itself, which is there even when it is empty.
ALWAYS_ROWS = {
    *(("system", name) for name in ("received", "balance", "waiting", "size", "queues", "tables", "connections")),
    ("targets", "status_counts"),
}
SPANS = (Range(NOW - dt.timedelta(hours=48), NOW), Range(NOW - dt.timedelta(days=400), NOW, "12h"))


@pytest.fixture(scope="module")
def empty_reader(module_database: Any) -> Iterator[Connection]:
    """The reader's connection to a migrated database without a county."""
    with psycopg.connect(module_database().url("lantian_reader"), autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="module")
def reader(module_database: Any) -> Iterator[Connection]:
    """The reader's connection to a seeded county."""
    database = module_database()
    seed(database.url("lantian_owner"), database.url("lantian_app"), NOW)
    with psycopg.connect(database.url("lantian_reader"), autocommit=True) as conn:
        yield conn


def seeded_values(conn: Connection, dashboard: Any) -> Values:
    """What Grafana has chosen in every variable after loading the dashboard: the stored choice, all, or the first."""
    values: dict[str, str | list[str]] = {}
    for variable in dashboard.variables:
        statement = with_variables(dashboard.variable_sql(variable), values)
        rows = conn.execute(statement.encode()).fetchall()
        options = [value for _, value in rows]
        if variable.multiple:
            chosen = [value for _, value in variable.chosen if value in options]
            values[variable.name] = chosen or options
        else:
            values[variable.name] = options[0] if options else ""
    return values


def run(conn: Connection, panel: Panel, folder: str, values: Values, span: Range) -> list[tuple[list[Any], list[Any]]]:
    """Columns (name, type) and rows of each query of a panel."""
    results = []
    for sql in panel_queries(panel, folder):
        cursor = conn.execute(expanded(sql, values, span).encode())
        assert cursor.description is not None
        results.append(([(column.name, column.type_code) for column in cursor.description], cursor.fetchall()))
    return results


def check_series(columns: list[Any], rows: list[Any]) -> None:
    """What a time series needs: a time, numbers, at most one name of the series, ordered, no twins."""
    names = [name for name, _ in columns]
    assert names[0] == "time"
    assert columns[0][1] in TIMES
    words = [name for name, kind in columns if kind in TEXTS]
    assert words in ([], ["metric"])
    assert all(kind in NUMBERS for name, kind in columns if name not in ("time", "metric"))
    if words:
        assert len(columns) == 3
        assert all(row[1] for row in rows), "a series without a name"
    moments = [row[0] for row in rows]
    assert None not in moments
    assert moments == sorted(moments)
    keys = [(row[0], row[names.index("metric")] if words else "") for row in rows]
    assert len(set(keys)) == len(keys)


def check_table(panel: Panel, columns: list[Any], rows: list[Any]) -> None:
    """Only types that Grafana shows, no column twice, and what the panel type needs."""
    names = [name for name, _ in columns]
    assert len(set(names)) == len(names)
    strange = [column for column in columns if column[1] not in NUMBERS | TEXTS | TIMES | BOOLEANS]
    assert not strange
    numbers = [name for name, kind in columns if kind in NUMBERS]
    view = panel.visualisation
    if view.type in ("gauge", "bargauge") or (view.type == "stat" and not _shows_text(panel)):
        assert numbers
    if view.type == "bargauge" and view.options["reduceOptions"]["values"]:  # type: ignore[index]
        assert len(columns) == 2
        assert columns[0][1] in TEXTS
        assert columns[1][1] in NUMBERS
    elif view.type in ("stat", "gauge", "bargauge"):
        assert len(rows) <= 1
    if view.type == "geomap":
        assert {"纬度", "经度", view.options["layers"][0]["config"]["style"]["color"]["field"]} <= set(numbers)
    for override in view.overrides:
        if override["matcher"]["id"] == "byRegexp":  # type: ignore[index]
            continue
        assert override["matcher"]["options"] in names, f"no column for override {override['matcher']}"  # type: ignore[index]


def _shows_text(panel: Panel) -> bool:
    options = panel.visualisation.options["reduceOptions"]
    return isinstance(options, dict) and bool(options["fields"])


@pytest.mark.parametrize(("dashboard", "panel"), CASES, ids=IDS)
def test_panel_runs_on_an_empty_database(empty_reader: Connection, dashboard: Any, panel: Panel) -> None:
    values = seeded_values(empty_reader, dashboard)
    assert values == {name: EMPTY_VALUES[name] if name != "year" else str(_year()) for name in values}
    for columns, rows in run(empty_reader, panel, dashboard.folder, values, SPANS[0]):
        assert bool(rows) == ((dashboard.folder, panel.sql[0]) in ALWAYS_ROWS)
        assert columns


def _year() -> int:
    return dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).year


@pytest.mark.parametrize(("dashboard", "panel"), CASES, ids=IDS)
@pytest.mark.parametrize("span", SPANS, ids=["two days", "long"])
def test_panel_has_data_of_the_right_shape(reader: Connection, dashboard: Any, panel: Panel, span: Range) -> None:
    results = run(reader, panel, dashboard.folder, seeded_values(reader, dashboard), span)
    for columns, rows in results:
        assert rows
        if panel.visualisation.format == "time_series":
            check_series(columns, rows)
        else:
            check_table(panel, columns, rows)
    if panel.visualisation.format == "time_series":
        series = {row[1] for columns, rows in results for row in rows if columns[1][0] == "metric"}
        series |= {name for columns, _ in results for name, _ in columns if name not in ("time", "metric", "value")}
        named = {
            override["matcher"]["options"]  # type: ignore[index]
            for override in panel.visualisation.overrides
            if override["matcher"]["id"] == "byName"  # type: ignore[index]
        }
        assert named <= series


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_variables_offer_texts_and_values(reader: Connection, dashboard: Any) -> None:
    values: dict[str, str | list[str]] = seeded_values(reader, dashboard)
    for variable in dashboard.variables:
        cursor = reader.execute(with_variables(dashboard.variable_sql(variable), values).encode())
        assert cursor.description is not None
        assert [column.name for column in cursor.description] == ["__text", "__value"]
        rows = cursor.fetchall()
        assert rows
        assert len({value for _, value in rows}) == len(rows)
        stored = [pair for pair in variable.chosen if pair not in rows]
        assert not stored, f"{variable.name} starts with choices that the list does not have"


def _rows(reader: Connection, folder: str, name: str) -> list[Any]:
    dashboard, panel = next(case for case in CASES if case[0].folder == folder and case[1].sql == (name,))
    return run(reader, panel, folder, seeded_values(reader, dashboard), SPANS[0])[0][1]


def _of(uid: str) -> Any:
    return next(dashboard for dashboard in DASHBOARDS if dashboard.uid == uid)


def _named_rows(reader: Connection, folder: str, name: str) -> list[dict[str, Any]]:
    dashboard = next(each for each in DASHBOARDS if each.folder == folder)
    return _shown(reader, dashboard, name, seeded_values(reader, dashboard))


def test_hints_of_the_wind_are_weighted_and_name_the_worst_sector(reader: Connection) -> None:
    assert {row[1:3] for row in _rows(reader, "micro", "hints")} == {("西南", 80)}
    rose = dict(_rows(reader, "micro", "rose"))
    assert rose["西南"] == 95
    assert len(rose) == 15  # the sector without a mean is no bar
    surface = {row[0]: row[1:] for row in _rows(reader, "micro", "surface")}
    assert surface["西南"] == (50, None, 50, 50, 50)
    assert surface["北西北"] == (50, None, 50, None, None)


def test_places_are_named_where_high_values_came_from(reader: Connection) -> None:
    rows = [row for row in _rows(reader, "micro", "upwind") if row[2] == "烧结机头" and row[3] == "西南"]
    assert rows and {(row[1], row[5]) for row in rows} == {("山西中阳钢铁有限公司", 80)}
    assert min(row[4] for row in rows) == pytest.approx(6.27, abs=0.01)  # 4.42 km west, 4.45 km south
    assert not [row for row in _rows(reader, "micro", "upwind") if row[3] == "北"]


def test_particles_without_dust_stand_beside_the_measured_ones(reader: Connection) -> None:
    rows = {(row[0], row[1]): (row[2], row[3]) for row in _rows(reader, "targets", "pollutants_year")}
    mean = next(pair for key, pair in rows.items() if "PM10" in key[0] and key[1] == "平均值")
    assert mean == (61, 57)
    assert all(without is None for key, (_, without) in rows.items() if "PM10" not in key[0])


def test_only_the_newest_rolling_period_of_a_kind_is_shown(reader: Connection) -> None:
    rows = _rows(reader, "targets", "rolling")
    assert [(row[0], row[4], row[5], row[7]) for row in rows] == [
        ("滚动12个月", 61, 57, pytest.approx(100 * 61 / 60)),
        ("三年", 61, 57, pytest.approx(100 * 61 / 60)),
    ]


def test_dust_that_counts_is_marked_on_graphs(reader: Connection) -> None:
    sql = load_sql(FOLDER, DUST.sql, {})
    rows = reader.execute(expanded(sql, {"area": "zhongyang"}, SPANS[0]).encode()).fetchall()
    assert [row[2:] for row in rows] == [("沙尘（全部站点）：总站函", "沙尘")]


def test_ranking_compares_with_the_year_before(reader: Connection) -> None:
    ((rank, _, _, index, before, change, change_rank, *_),) = _rows(reader, "targets", "ranking")
    assert (rank, change_rank) == (1, 1)
    assert change == pytest.approx(100 * (index - before) / before, abs=0.6)
    assert change == pytest.approx(11.1)


def test_rankings_show_weighted_and_dustless_twins(reader: Connection) -> None:
    (station,) = _named_rows(reader, "targets", "ranking")
    (township,) = _named_rows(reader, "targets", "township_ranking")
    view = reader.execute(
        "select composite, composite_without_dust, weighted, weighted_without_dust from screen.site_ranking"
        " where site_id = 'ningxiang' and start = date_trunc('year', screen.today()::timestamp)::date and kind = 'year'"
    ).fetchone()
    for row in (station, township):  # the township has this one station, so its mean is the station's
        assert tuple(row[name] for name in ("综合指数", "剔除沙尘", "加权指数", "加权剔除沙尘")) == view
        assert (row["加权名次"], row["加权变化名次"], row["加权变化率"]) == (1, 1, pytest.approx(11.1))
    assert station["综合指数"] - station["剔除沙尘"] == pytest.approx(4 / 60, abs=0.01)  # PM10 of the seed: 4 less
    assert (township["乡镇"], township["站点数"], township["依据"]) == ("宁乡镇", 1, "标准站")


def _at(reader: Connection, dashboard: Any, township: list[str]) -> Values:
    """What is chosen once a township is, in the lists that follow it too."""
    values: dict[str, str | list[str]] = {}
    for variable in dashboard.variables:
        rows = reader.execute(with_variables(dashboard.variable_sql(variable), values).encode()).fetchall()
        offered = [value for _, value in rows]
        chosen = [value for _, value in variable.chosen if value in offered] or offered
        values[variable.name] = chosen if variable.multiple else offered[0]
        if variable.name == "township":
            values[variable.name] = township
    return values


def _shown(reader: Connection, dashboard: Any, name: str, values: Values) -> list[dict[str, Any]]:
    panel = next(panel for panel in dashboard.panels if panel.sql == (name,))
    ((columns, rows),) = run(reader, panel, dashboard.folder, values, SPANS[0])
    return [dict(zip((column for column, _ in columns), row, strict=True)) for row in rows]


WITH_TOWNSHIP = [each for each in DASHBOARDS if any(variable.name == "township" for variable in each.variables)]


def test_a_township_narrows_stations_map_and_lists(reader: Connection) -> None:
    air, enterprise, micro = (_of(uid) for uid in ("lantian-air", "lantian-enterprise", "lantian-micro"))
    assert [air, enterprise, micro] == WITH_TOWNSHIP
    everywhere, here = seeded_values(reader, air), _at(reader, air, ["金罗镇"])
    assert set(everywhere["township"]) >= {"宁乡镇", "金罗镇", "—"}
    assert {"ningxiang", "jinluo", "zhongyang"} <= set(everywhere["site"])
    assert here["site"] == ["zhongyang", "jinluo"]  # the county's mean stays to compare with
    for name in ("sites", "completeness"):
        assert [row["站点"] for row in _shown(reader, air, name, here)] == ["中阳县", "金罗站"]
    marked = {row["乡镇"] for row in _shown(reader, air, "map", here)}
    assert marked == {"金罗镇"}
    assert {row["乡镇"] for row in _shown(reader, air, "map", everywhere)} > marked
    mapped = _shown(reader, micro, "map", _at(reader, micro, ["宁乡镇"]))
    assert {row["乡镇"] for row in mapped} == {"宁乡镇"}
    assert _shown(reader, micro, "counts", _at(reader, micro, ["宁乡镇"]))[0]["微站"] == 3


def test_all_townships_leave_nothing_out(reader: Connection) -> None:
    """Stations and enterprises without a township, and an enterprise with a line but no place, stay in the lists."""
    air, enterprise = _of("lantian-air"), _of("lantian-enterprise")
    sites = reader.execute(
        "select site_id from screen.air_site where area_id = 'zhongyang' and kind in ('area', 'ambient', 'park')"
    ).fetchall()
    assert set(seeded_values(reader, air)["site"]) == {site for (site,) in sites}
    enterprises = reader.execute(
        "select enterprise_id from screen.outlet where area_id = 'zhongyang' and enterprise_id is not null"
        " union select enterprise_id from screen.production_line where area_id = 'zhongyang'"
    ).fetchall()
    assert set(seeded_values(reader, enterprise)["enterprise"]) == {each for (each,) in enterprises}
    assert "seed-only-line" in _at(reader, enterprise, ["—"])["enterprise"]
    assert "seed-only-line" not in _at(reader, enterprise, ["金罗镇"])["enterprise"]


@pytest.mark.parametrize("township", ["宁乡镇", "没有站点的乡镇"])
@pytest.mark.parametrize("dashboard", WITH_TOWNSHIP, ids=lambda dashboard: dashboard.uid)
def test_every_panel_runs_for_one_township_and_for_one_without_stations(
    reader: Connection, dashboard: Any, township: str
) -> None:
    values = _at(reader, dashboard, [township])
    for panel in (panel for panel in dashboard.panels if panel.sql):
        for columns, _ in run(reader, panel, dashboard.folder, values, SPANS[0]):
            assert columns
    if township != "宁乡镇":
        lists = {
            "air": ("map",),
            "enterprise": ("outlets", "months", "counts"),
            "micro": ("map", "stations", "counts", "peaks", "quality_findings"),
        }
        for name in lists[dashboard.folder]:
            assert _shown(reader, dashboard, name, values) == []


def test_a_name_with_a_quote_stays_a_name(reader: Connection) -> None:
    dashboard, panel = next(case for case in CASES if case[1].sql == ("sites",))
    values = {"area": "o'brien", "site": ["it's", "x'); drop table lantian.air_hour; --"], "kind": ["area"]}
    assert run(reader, panel, dashboard.folder, values, SPANS[0])[0][1] == []


def test_reader_may_read_views_only(reader: Connection) -> None:
    for table in ("air_hour", "reject", "air_reading", "device"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select * from lantian.{table} limit 1".encode())
    for statement in ("create table screen.x (a int)", "delete from screen.area"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement.encode())


def test_expander_refuses_what_grafana_refuses() -> None:
    with pytest.raises(UnknownMacroError, match="Unknown macro __timeRange"):
        expanded("select $__timeRange(hour)", {}, SPANS[0])
    with pytest.raises(UnknownMacroError, match="interval"):
        expanded("select $__timeGroup(hour,$nothing)", {}, SPANS[0])


def test_expander_writes_what_grafana_writes() -> None:
    span = Range(dt.datetime(2026, 11, 23, 0, 0, tzinfo=dt.UTC), dt.datetime(2026, 11, 24, 1, 2, 3, 450000, dt.UTC))
    assert expanded("$__timeFilter(hour)", {}, span) == (
        "hour BETWEEN '2026-11-23T00:00:00Z' AND '2026-11-24T01:02:03.45Z'"
    )
    assert expanded("$__timeGroupAlias(hour,$__interval,NULL)", {}, span) == (
        "time_bucket('3600.000s',hour) AS \"time\""
    )
    assert expanded("any (array[${site:sqlstring}]::text[])", {"site": ["a", "b'c"]}, span) == (
        "any (array['a','b''c']::text[])"
    )
