"""Public disclosure against a real database as role lantian_reader, through ASGI."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.public.app import public_app
from console.public.board import LOOK_S
from console.public.desk import PublicDesk
from console.public.rate import Buckets, asker
from domain.level import LEVELS
from domain.period import ZONE
from store.connection import connect
from store.pool import Pool

ROOT = Path(__file__).parents[2]
SEED = ROOT / "tests/dashboards/seed.sql"
HOUR = dt.timedelta(hours=1)


class Public:
    """The application, a clock that the test moves, and whoever asks."""

    def __init__(self, database: Any, **changes: Any) -> None:
        self.seconds = 1000.0
        self.database = database
        self.desk = PublicDesk(
            pool=Pool(database.url("lantian_reader"), size=2),
            now=lambda: dt.datetime.now(dt.UTC),
            county="zhongyang",
            county_zh="中阳县",
            **{"per_minute": 10_000, **changes},
        )
        self.app = public_app(self.desk, lambda: self.seconds)

    def ask(self, *ways: str, address: str = "192.0.2.1", method: str = "GET", **headers: str) -> Any:
        """Answers to requests made at the same time; the only one for a single way."""

        async def all_of_them() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app, client=(address, 4711), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://air.test", headers=headers) as client:
                return list(await asyncio.gather(*(client.request(method, f"/public{way}") for way in ways)))

        answers = asyncio.run(all_of_them())
        return answers[0] if len(ways) == 1 else answers

    def rows(self, name: str) -> Any:
        answer = self.ask(f"/api/v1/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    def write(self, statement: str, *parameters: object) -> None:
        with connect(self.database.url("lantian_owner")) as conn:
            conn.execute(statement, parameters)  # type: ignore[arg-type]

    def read(self, statement: str) -> Any:
        with connect(self.database.url("lantian_reader")) as conn:
            return conn.execute(statement).fetchall()  # type: ignore[call-overload]


@pytest.fixture
def bare(seeded: Any) -> Iterator[Callable[..., Public]]:
    """Makes applications on a county without readings; their pools are closed."""
    made = []

    def make(**changes: Any) -> Public:
        found = Public(seeded, **changes)
        found.desk.pool.open()
        made.append(found)
        return found

    yield make
    for one in made:
        one.desk.pool.close()


@pytest.fixture
def public(bare: Callable[..., Public]) -> Public:
    """An application on a county with statistics."""
    found = bare()
    with connect(found.database.url("lantian_owner")) as conn:
        conn.execute(SEED.read_bytes())
    return found


def of(rows: Any, site: str) -> Any:
    return next(row for row in rows if row["site_id"] == site)


def test_dashboard_interface_and_page_say_the_same(public: Public) -> None:
    newest = "(select max(hour) from air_hour where site_id = 'ningxiang')"
    public.write(
        "update air_hour set pm25 = 62.5, co = 1.25, aqi = 107, aqi_available = 107, level = 3, iaqi_pm25 = 107,"
        f" primary_pollutants = array['pm25'] where hour = {newest} and site_id in ('ningxiang', 'zhongyang')"
    )
    sql = (ROOT / "dashboards/sql/air/sites.sql").read_text(encoding="utf-8")
    sql = sql.replace("${area:sqlstring}", "'zhongyang'").replace("${site:sqlstring}", "'ningxiang'")
    with connect(public.database.url("lantian_reader")) as conn:
        cursor = conn.execute(sql.encode())
        shown = dict(zip([each.name for each in cursor.description or ()], cursor.fetchone() or (), strict=True))
        (area_aqi,) = conn.execute(
            (ROOT / "dashboards/sql/air/area_aqi.sql").read_text().replace("${area:sqlstring}", "'zhongyang'").encode()
        ).fetchone() or (None,)
    row = of(public.rows("now"), "ningxiang")
    names = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3": "o3", "AQI": "aqi"}
    assert {key: shown[key] for key in names} == {key: row[column] for key, column in names.items()}
    # 62.5 is a tie and goes to the even number; one decimal for carbon monoxide, likewise.
    assert (row["pm25"], row["co"], row["aqi"], row["iaqi_pm25"]) == (62, 1.2, 107, 107)
    assert (
        (shown["级别"], shown["首要污染物"])
        == (row["category_zh"], row["primary_zh"])
        == ("轻度污染", "细颗粒物(PM2.5)")
    )
    assert dt.datetime.fromisoformat(row["hour"]) == shown["小时"]
    assert area_aqi == of(public.rows("now"), "zhongyang")["aqi"] == 107
    page = public.ask("/site/ningxiang").text
    assert "<b>107</b>" in page
    assert "<td>62</td><td>107</td>" in page
    assert "<td>1.2</td>" in page
    assert list(row["sensitive"]) == [
        {
            "pollutant": "pm25",
            "groups_zh": "患有心血管系统疾病或呼吸系统疾病（如哮喘）的人、青少年儿童、户外活动频繁的人以及老年人",
        }
    ]
    assert LEVELS[2].advice_zh in page


def test_days_are_those_of_the_dashboards(public: Public) -> None:
    rows = [row for row in public.rows("days") if row["site_id"] == "ningxiang"]
    view = public.read("select day::text, pm25, o3_8h, aqi from screen.air_day where site_id = 'ningxiang'"
                       " and day < screen.today() and day >= screen.today() - 30 order by day desc")  # fmt: skip
    assert [(row["day"], row["pm25"], row["o3_8h"], row["aqi"]) for row in rows] == view
    assert len(rows) == 30


def test_missing_is_NA_and_not_monitored_is_a_stroke(public: Public) -> None:
    public.write("update air_hour set co = null, iaqi_co = null where site_id = 'ningxiang'")
    public.write("update air_day set co = null, hours[5] = 0 where site_id = 'ningxiang'")
    public.write(
        "update air_hour set o3 = null, aqi = null, level = null, primary_pollutants = '{}', aqi_available = 70"
        " where site_id = 'ningxiang' and hour = (select max(hour) from air_hour)"
    )
    row = of(public.rows("now"), "ningxiang")
    assert (row["co"], row["iaqi_co"], row["o3"], row["iaqi_o3"]) == ("/", "/", "NA", "NA")
    assert {row[key] for key in ("aqi", "primary_zh", "level", "level_zh", "category_zh", "colour_zh")} == {"NA"}
    assert (row["pm25"], row["advice_zh"]) == (42, None)
    # A station that has fallen silent: everything that it monitors is missing.
    silent = of(public.rows("now"), "jinluo")
    assert {silent[key] for key in ("pm25", "so2", "aqi")} == {"NA"}


def test_below_51_nothing_is_primary(public: Public) -> None:
    public.write("update air_hour set aqi = 50, level = 1, primary_pollutants = '{}' where site_id = 'ningxiang'")
    assert of(public.rows("now"), "ningxiang")["primary_zh"] == "—"


def test_csv_has_the_rows_of_json(public: Public) -> None:
    for name in ("now", "hours", "days", "emissions", "sites", "levels"):
        answer = public.ask(f"/api/v1/{name}.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        rows = public.rows(name)
        assert found == [
            {key: "" if row[key] is None else str(row[key]) for key in row if not isinstance(row[key], list)}
            for row in rows
        ]
        assert found


def test_hours_are_24_and_of_one_site_when_asked(public: Public) -> None:
    rows = public.ask("/api/v1/hours?site=jinluo").json()["rows"]
    assert [row["site_id"] for row in rows] == ["jinluo"] * 24
    moments = [dt.datetime.fromisoformat(row["hour"]) for row in rows]
    assert all(later - earlier == HOUR for later, earlier in itertools.pairwise(moments))
    assert [row["aqi"] for row in rows[:12]] == ["NA"] * 12
    assert public.ask("/api/v1/hours?site=micro-ningxiang-1").status_code == 404


def test_an_unknown_site_is_kept_nowhere(public: Public) -> None:
    for number in range(50):
        assert public.ask(f"/api/v1/hours?site=x{number}").status_code == 404
        assert public.ask(f"/site/x{number}").status_code == 404
    assert not public.app.state.board._kept.answers


def test_warning_with_advice(public: Public) -> None:
    assert public.rows("warnings") == []
    assert "预警生效中" not in public.ask("/").text
    public.write(
        "insert into warning (area_id, state, highest_level, starts_at, ends_at, opened_at, issued_at, changed_at,"
        " rules)"
        " values ('zhongyang', 'orange', 'orange', now(), now() + interval '3 days', now(), now(), now(),"
        " 'warning-2024')"
    )
    public.seconds += LOOK_S
    (row,) = public.rows("warnings")
    assert (row["level"], row["advice_zh"]) == ("orange", LEVELS[4].advice_zh)
    page = public.ask("/").text
    assert "重污染天气橙色预警生效中" in page
    assert LEVELS[4].advice_zh in page


def test_emissions_with_limits(public: Public) -> None:
    rows = public.rows("emissions")
    over = [row for row in rows if row["verdict_zh"] == "超标"]
    assert len(over) == 1
    assert (over[0]["pollutant"], over[0]["converted"], over[0]["limit"]) == ("pm", 12.0, 10.0)
    assert {row["site_id"] for row in rows} == {"seed-sinter-stack"}
    page = public.ask("/emission").text
    assert "限值 10" in page
    assert page.count('<span class="tag now">超标</span>') == 1
    heads = [page.index(word) for word in ("颗粒物<br>", "二氧化硫<br>", "氮氧化物<br>", "氨<br>")]
    assert heads == sorted(heads)


def test_empty_county_says_so(bare: Callable[..., Public]) -> None:
    empty = bare()
    page = empty.ask("/")
    assert page.status_code == 200
    for words in ("目前没有可发布的小时数据", "暂无预报", "近24小时没有自动监测数据", "近24小时没有AQI"):
        assert words in page.text
    assert {row["aqi"] for row in empty.rows("now")} == {"NA"}
    assert empty.ask("/api/v1/warnings.csv").text.startswith("\ufeffarea_id,")
    assert empty.ask("/emission").status_code == empty.ask("/about").status_code == 200


def test_late_data_are_named(public: Public) -> None:
    public.write("delete from air_hour where hour >= date_trunc('hour', now()) - interval '3 hours'")
    found = public.ask("/api/v1/now").json()
    assert found["late"]
    assert dt.datetime.fromisoformat(found["hour"]) < dt.datetime.now(dt.UTC) - 3 * HOUR
    assert "之后的数据尚未收到" in public.ask("/").text


def test_read_once_a_minute_whoever_asks(public: Public) -> None:
    public.ask(*["/"] * 20, *["/api/v1/now"] * 20, *["/api/v1/days.csv"] * 20)
    assert public.app.state.board.looks == 1
    public.seconds += LOOK_S - 1
    public.ask("/")
    assert public.app.state.board.looks == 1
    public.seconds += 1
    public.ask("/", "/", "/")
    assert public.app.state.board.looks == 2


def test_the_tag_changes_with_the_data_alone(public: Public) -> None:
    for way in ("/", "/api/v1/now", "/api/v1/now.csv"):
        first = public.ask(way)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert first.headers["cache-control"] == "public, max-age=60"
        public.seconds += LOOK_S
        same = public.ask(way, **{"If-None-Match": f'"other", W/{tag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    public.write("update air_hour set pm25 = 77 where site_id = 'ningxiang'")
    public.seconds += LOOK_S
    changed = public.ask("/api/v1/now", **{"If-None-Match": public.ask("/api/v1/hours").headers["etag"]})
    assert changed.status_code == 200
    assert of(changed.json()["rows"], "ningxiang")["pm25"] == 77


def test_without_the_database_the_last_figures_stay(public: Public) -> None:
    before = public.ask("/api/v1/now").json()
    public.desk.pool.close()
    public.seconds += LOOK_S
    assert public.ask("/api/v1/now").json() == before


def test_without_any_figures_it_says_so(bare: Callable[..., Public]) -> None:
    found = bare()
    found.desk.pool.close()
    answer = found.ask("/api/v1/now")
    assert (answer.status_code, answer.json()["detail"]) == (503, "数据暂时无法读取，请稍后再试")
    assert found.ask("/").status_code == 503


def test_who_asks_too_much_waits_and_nobody_else(bare: Callable[..., Public]) -> None:
    found = bare(per_minute=6)
    assert [found.ask("/about").status_code for _ in range(7)] == [200] * 6 + [429]
    refused = found.ask("/api/v1/now")
    assert refused.headers["retry-after"] == "11"
    assert found.ask("/about", address="192.0.2.2").status_code == 200
    found.seconds += 10
    assert [found.ask("/about").status_code for _ in range(2)] == [200, 429]


def test_only_our_proxy_is_believed() -> None:
    scope = {"type": "http", "client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"203.0.113.9, 198.51.100.7")]}
    assert asker(scope, None) == "10.0.0.1"
    assert asker(scope, "10.0.0.2") == "10.0.0.1"
    assert asker(scope, "10.0.0.1") == "198.51.100.7"
    scope["client"] = ("2001:db8:1:2:3::4", 1)
    assert asker(scope, None) == "2001:db8:1:2::/64"


def test_buckets_forget_the_quietest() -> None:
    seconds = [0.0]
    buckets = Buckets(1, lambda: seconds[0])
    assert buckets.wait_s("first") == 0
    assert buckets.wait_s("first") == 60
    for number in range(10_000):
        buckets.wait_s(str(number))
    assert len(buckets._left) == 10_000
    assert buckets.wait_s("first") == 0


def test_others_may_read_the_interface_and_write_nothing(public: Public) -> None:
    answer = public.ask("/api/v1/now", Origin="https://elsewhere.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    page = public.ask("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    head, whole = public.ask("/", method="HEAD"), public.ask("/")
    assert (head.status_code, head.content) == (200, b"") != (200, whole.content)
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert public.ask("/nowhere", method="HEAD").status_code == 404
    for method in ("POST", "PUT", "DELETE"):
        assert public.ask("/api/v1/now", method=method).status_code == 405
    assert public.ask("/api/v1/now", method="OPTIONS", Origin="https://elsewhere.example",
                      **{"Access-Control-Request-Method": "POST"}).status_code == 400  # fmt: skip
    for way in ("/static/console.js", "/static/../app.py", "/nowhere", "/api/v1/nowhere"):
        assert public.ask(way).status_code == 404, way


def test_everything_is_described(public: Public) -> None:
    found = public.ask("/api/v1/openapi.json").json()
    tables = ("now", "hours", "days", "warnings", "forecast", "emissions", "sites", "levels")
    for name in tables:
        described = found["paths"][f"/public/api/v1/{name}"]["get"]
        assert described["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Table")
        assert set(public.ask(f"/api/v1/{name}").json()) == set(found["components"]["schemas"]["Table"]["properties"])
        assert f"/public/api/v1/{name}.csv" in found["paths"]
    assert "/public/" not in found["paths"]
    assert "HTTPValidationError" not in found["components"]["schemas"]
    refused = public.ask("/sta/v1.1/Things?$top=many")
    assert refused.status_code == 400
    assert set(refused.json()) == set(found["components"]["schemas"]["Fault"]["properties"])


def test_things_datastreams_observations(public: Public) -> None:
    base = "/sta/v1.1"
    things = public.ask(f"{base}/Things?$count=true").json()
    assert things["@iot.count"] == len(things["value"])
    assert {"zhongyang", "ningxiang", "jinluo"} <= {one["@iot.id"] for one in things["value"]}
    assert not any(one["@iot.id"].startswith("micro") for one in things["value"])
    of_id = {one["@iot.id"]: one for one in things["value"]}
    streams = public.ask(f"{base}/Things('ningxiang')/Datastreams").json()["value"]
    assert [one["@iot.id"] for one in streams][:2] == ["ningxiang:aqi", "ningxiang:so2"]
    way = streams[-1]["Observations@iot.navigationLink"].removeprefix("http://air.test/public")
    assert way == f"{base}/Datastreams('ningxiang:pm25')/Observations"
    view = public.read("select hour, pm25 from screen.air_hour where site_id = 'ningxiang'"
                       " and hour < date_trunc('hour', now()) order by hour desc")  # fmt: skip
    found, pages = [], 0
    link: str | None = f"{way}?$top=30&$count=true"
    while link is not None:
        page = public.ask(link).json()
        assert page["@iot.count"] == len(view)
        found += page["value"]
        pages += 1
        link = page.get("@iot.nextLink", "").removeprefix("http://air.test/public") or None
    assert pages == 3
    assert [(one["phenomenonTime"][:20], one["result"]) for one in found] == [
        (f"{hour:%Y-%m-%dT%H:%M:%SZ}", value) for hour, value in view
    ]
    assert public.ask(f"{base}/Datastreams('ningxiang:pm25')/Thing").json()["name"] == of_id["ningxiang"]["name"]


def test_observations_of_a_span(public: Public) -> None:
    way = "/sta/v1.1/Datastreams('ningxiang:pm25')/Observations"
    newest = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    low = (newest - 5 * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    high = (newest - 2 * HOUR).astimezone(ZONE).isoformat().replace("+", "%2B")
    cases = {"ge": ("lt", 3), "gt": ("le", 3)}
    for first, (last, count) in cases.items():
        chosen = f"phenomenonTime {first} {low} and phenomenonTime {last} {high}"
        found = public.ask(f"{way}?$filter={chosen}&$orderby=phenomenonTime asc").json()["value"]
        assert len(found) == count
        start = newest - (5 if first == "ge" else 4) * HOUR
        assert found[0]["phenomenonTime"][:20] == start.strftime("%Y-%m-%dT%H:%M:%SZ")
    for wrong in ("result gt 5", "phenomenonTime ge yesterday", "phenomenonTime ge 2026-13-01T00:00:00Z", "' or 1=1"):
        assert public.ask(f"{way}?$filter={wrong}").status_code == 400, wrong
    for wrong in ("$top=1001", "$skip=-1", "$orderby=result", "$top=x"):
        assert public.ask(f"{way}?{wrong}").status_code == 400, wrong
    for nothing in ("Things('x')", "Datastreams('ningxiang:level')", "Datastreams('micro-ningxiang-1:pm25')"):
        assert public.ask(f"/sta/v1.1/{nothing}").status_code == 404, nothing
    kept = public.app.state.things
    assert 0 < len(kept._answers) <= 3
