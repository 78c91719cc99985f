"""Forecasts in the real database: trained, issued, judged; official ones from files and over the broker."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from app.command.forecast import command
from app.forecast_import import forecasts, rows_from_csv, rows_from_json
from app.forecast_parameter import model_bytes, model_from_bytes
from app.job import forecast_intake
from app.job.forecast import issue, judge_issued, read_history, train
from app.service.address import BrokerAddress
from domain.error import ConfigurationError
from domain.family import AIR
from domain.period import ZONE, midnight
from store.connection import Connection, connect
from store.forecast import Issuer, insert_issuer, read_best, read_issues, read_outlook
from store.forecast_model import read_model, read_skill
from store.statistic import DayRows, HourRows, IndexRows, write_days, write_hours
from tests.analytics.test_forecast import weather_and_air

NOW = dt.datetime.now(dt.UTC).replace(minute=20, second=0, microsecond=0)
DAYS = 100
HOUR = dt.timedelta(hours=1)


def write_air(conn: Connection, site: str, last: dt.datetime, keys: tuple[str, ...]) -> None:
    """A hundred days of hours up to and with `last`."""
    made = weather_and_air(DAYS).hours
    count = DAYS * 24
    values = np.full((count, AIR.width), np.nan)
    for key in keys:
        values[:, AIR.position(key)] = made[key]
    hours = int(last.timestamp()) - 3600 * np.arange(count)[::-1]
    none: list[int | None] = [None] * count
    index = IndexRows([(None,) * 6] * count, none, none, none, [[]] * count, ["hj633-2026"] * count)
    rows = HourRows([site] * count, hours, values, np.full((count, 12), 60), ["1" * 12] * count)
    with conn.transaction():
        write_hours(conn, rows, index)


@pytest.fixture
def clerk(database: Any) -> Any:
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '县')")
        conn.execute("insert into site (id, area_id, kind, name_zh) values ('x', 'x', 'area', '县')")
        conn.execute(
            "insert into site (id, area_id, kind, name_zh, evaluated) values ('a', 'x', 'ambient', '站', true)"
        )
        yield conn


def test_trained_issued_and_judged(clerk: Connection) -> None:
    pollutants = ("pm25", "pm10", "so2", "no2", "co", "o3")
    last = NOW.replace(minute=0) - HOUR
    write_air(clerk, "a", last, pollutants)
    write_air(clerk, "x", last, tuple(key for key in AIR.keys if key != "tsp"))
    history = read_history(clerk, "a", "x", NOW - dt.timedelta(days=3), NOW)
    assert len(history) == 72 and not np.isnan(history.hours["pressure"]).all(), "weather is the area's"

    assert train(clerk, NOW) == {"fitted": 2, "too_short": 0}
    assert train(clerk, NOW + dt.timedelta(days=1)) == {"fitted": 0, "too_short": 0}
    assert {(one.site_id, one.basis) for one in read_skill(clerk)} == {("a", "training"), ("x", "training")}
    stored = read_model(clerk, "a", "direct-ridge-1")
    assert stored is not None and stored.issues > 2200
    again = model_from_bytes(stored.parameters)
    assert model_bytes(again) == stored.parameters

    assert issue(clerk, NOW)["issued"] == 2
    assert issue(clerk, NOW + HOUR / 2)["issued"] == 0, "nothing new is known"
    assert issue(clerk, NOW + 8 * HOUR) == {"issued": 0, "without_model": 0, "without_recent_hour": 2}
    asked = dt.datetime.now(dt.UTC)  # received now, whatever the time of the issue
    best = read_best(clerk, "a", max(asked, NOW))
    hours = [row for row in best if (row.kind, row.item) == ("hour", "pm25")]
    assert [row.time for row in hours] == [last + at * HOUR for at in range(1, 73)]
    assert all(row.low <= row.value <= row.high for row in best)
    days = [row.time.astimezone(ZONE).date() for row in best if (row.kind, row.item) == ("day", "aqi")]
    # Every day that ends within 76 hours: three, and a fourth when 20 of its hours are forecast.
    first = (last + HOUR).astimezone(ZONE).date()
    ends = [first + dt.timedelta(days=at) for at in range(5)]
    assert days == [day for day in ends if midnight(day + dt.timedelta(days=1)) <= last + 77 * HOUR]
    assert len(days) >= 3
    outlook = read_outlook(clerk, "x", max(asked, NOW))
    assert outlook.highest_aqi(36) is not None


def test_issued_days_are_judged_by_what_came(clerk: Connection) -> None:
    days = [dt.date(2026, 10, 1) + dt.timedelta(days=at) for at in range(20)]
    aqi: list[int | None] = [100 + 10 * (at % 3) for at in range(20)]
    values = np.full((20, 7), 50.0)
    rows = DayRows(["a"] * 20, days, values, np.full((20, 6), 24), np.full(20, 17))
    with clerk.transaction():
        write_days(clerk, rows, IndexRows([(None,) * 7] * 20, aqi, aqi, aqi_level(aqi), [[]] * 20, ["x"] * 20))
    for at in range(5, 15):
        told = [
            {"site": "a", "issued_at": f"{days[at]}T20:00", "kind": "day", "time": f"{days[at + 1]}", "item": "aqi",
             "value": (aqi[at + 1] or 0) + 5, "low": (aqi[at + 1] or 0) + (3 if aqi[at + 1] == 120 else -5)}
        ]  # fmt: skip
        (forecast,) = forecasts(
            rows_from_json(json.dumps(told).encode()),
            "lantian",
            "test",
            known_site=lambda _: True,
            now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        )
        write(clerk, forecast)
    assert judge_issued(clerk, midnight(dt.date(2026, 10, 25))) == {"judged": 1}
    (row,) = [one for one in read_skill(clerk) if one.basis == "issued"]
    assert (row.kind, row.item, row.lead, row.count, row.rmse) == ("day", "aqi", 1, 10, 5.0)
    assert row.coverage_percent == 70.0  # three days of 120 lie below the interval


def aqi_level(aqi: list[int | None]) -> list[int | None]:
    return [2 if value is not None and value <= 100 else 3 for value in aqi]


def write(conn: Connection, forecast: Any) -> None:
    from store.forecast import write_forecast  # noqa: PLC0415

    assert write_forecast(conn, forecast) is not None


CSV = """site,issued_at,kind,time,item,value,low,high,primary
x,{issued},day,{first},aqi,,150,180,pm25
x,{issued},day,{third},aqi,120,110,130,"pm25,pm10"
x,{issued},hour,{first}T05:00,pm25,88.5,,,
"""


def test_an_official_file_outranks_our_own(clerk: Connection, database: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("LANTIAN_DATABASE_APP_URL", database.url("lantian_app"))
    for role in ("owner", "writer", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    issued = dt.datetime.now(ZONE) - HOUR
    first = issued.date() + dt.timedelta(days=1)
    text = CSV.format(issued=f"{issued:%Y-%m-%dT%H:%M}", first=first, third=first + dt.timedelta(days=2))
    (tmp_path / "official.csv").write_text("\ufeff" + text, encoding="utf-8")

    def ran(*arguments: str) -> str:
        result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    with pytest.raises(ConfigurationError, match="no official issuer 'bureau'"):
        ran("import", "bureau", str(tmp_path / "official.csv"))
    ran("issuer", "add", "bureau", "--name", "市监测中心", "--by", "t")
    assert "1 forecasts imported, 0 were there" in ran("import", "bureau", str(tmp_path / "official.csv"))
    assert "0 forecasts imported, 1 were there" in ran("import", "bureau", str(tmp_path / "official.csv"))
    days = json.loads(ran("show", "x", "--json"))
    assert [(one["time"][:10], one["value"], one["low"], one["high"], one["primary"]) for one in days] == [
        (str(first), 165.0, 150.0, 180.0, ["pm25"]),
        (str(first + dt.timedelta(days=2)), 120.0, 110.0, 130.0, ["pm25", "pm10"]),
    ]
    assert json.loads(ran("show", "x", "--hours", "--json"))[0]["value"] == 88.5
    assert "市监测中心" in ran("issuer", "list") and "bureau" in ran("list")
    ran("issuer", "retire", "bureau")
    assert "no forecast is in use" in ran("show", "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"site": "nowhere"}, "found site 'nowhere'"),
        ({"kind": "week"}, "found kind 'week'"),
        ({"item": "so2"}, "found item 'so2'"),
        ({"time": "2026-13-01"}, "expected YYYY-MM-DD"),
        ({"issued_at": "soon"}, "found 'soon'"),
        ({"issued_at": "2027-01-01T00:00"}, "found issue time"),
        ({"time": "2027-01-01"}, "at most ten days"),
        ({"value": 600.0}, "numbers from 0 to 500"),
        ({"value": None}, "found no value"),
        ({"low": 170.0}, "low <= value <= high"),
        ({"primary": "pm2.5"}, "found primary pm2.5"),
    ],
)
def test_what_cannot_be_a_forecast_is_named(change: dict[str, object], message: str) -> None:
    row = {"site": "x", "issued_at": "2026-11-20T17:00", "kind": "day", "time": "2026-11-21", "item": "aqi",
           "value": 160.0} | change  # fmt: skip
    with pytest.raises(ConfigurationError, match=f"row 1.*{message}"):
        forecasts(
            rows_from_json(json.dumps([row]).encode()),
            "b",
            "t",
            known_site="x".__eq__,
            now=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
        )


def test_files_and_messages_that_hold_no_forecast() -> None:
    with pytest.raises(ConfigurationError, match="expected also kind, time, item, value"):
        rows_from_csv("site,issued_at\n", "f.csv")
    with pytest.raises(ConfigurationError, match="line 2, column low: found 'x'"):
        rows_from_csv("site,issued_at,kind,time,item,value,low\nx,,day,,aqi,1,x\n", "f.csv")
    for payload in (b"{}", b"\xff", b'[{"site": "x"}]', b'[{"sight": 1}]'):
        with pytest.raises(ConfigurationError, match="no list of forecast values"):
            rows_from_json(payload)


def test_official_forecasts_over_the_broker(
    clerk: Connection,
    broker: Callable[[str], BrokerAddress],
    device_account: Callable[[str], BrokerAddress],
    monkeypatch: Any,
) -> None:
    insert_issuer(clerk, Issuer("fc-bureau", "市监测中心", "official", 10, 36), "t")
    monkeypatch.setattr(forecast_intake, "broker_for", lambda _settings, account: broker(account))
    now = dt.datetime.now(dt.UTC)
    forecast_intake.take_official(clerk, now)  # from now on the broker keeps what comes
    address = device_account("fc-bureau")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="fc-bureau", protocol=mqtt.MQTTv5)
    client.username_pw_set(address.username, address.password)
    answers: list[tuple[str, dict[str, object]]] = []
    client.on_message = lambda _c, _d, message: answers.append((message.topic, json.loads(message.payload)))
    client.connect(address.host, address.port)
    client.loop_start()
    try:
        client.subscribe([("lt/v1/x/forecast/fc-bureau/reply", 1), ("lt/v1/x/forecast/fc-bureau/error", 1)])
        day = {"site": "x", "issued_at": now.isoformat(), "kind": "day", "time": f"{now.astimezone(ZONE).date()}",
               "item": "aqi", "value": 130}  # fmt: skip
        for payload in ([day], [day], [day | {"site": "nowhere"}]):
            client.publish("lt/v1/x/forecast/fc-bureau/issue", json.dumps(payload), qos=1).wait_for_publish(5)
        assert forecast_intake.take_official(clerk, now) == {"stored": 1, "known": 1, "refused": 1}
        deadline = dt.datetime.now() + dt.timedelta(seconds=10)  # noqa: DTZ005
        while len(answers) < 3 and dt.datetime.now() < deadline:  # noqa: DTZ005
            client.loop_misc()
    finally:
        client.disconnect()
        client.loop_stop()
    assert [(topic.rpartition("/")[2], answer["outcome"]) for topic, answer in answers] == [
        ("reply", "stored"), ("reply", "known"), ("error", "refused")
    ]  # fmt: skip
    assert "nowhere" in str(answers[2][1]["reason"])
    (one,) = read_issues(clerk, "x")
    assert one.issuer_id == "fc-bureau" and one.origin == "lt/v1/x/forecast/fc-bureau/issue"
    assert forecast_intake.take_official(clerk, now) == {"stored": 0, "known": 0, "refused": 0}
