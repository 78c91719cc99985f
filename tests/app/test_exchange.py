"""Exchange with neighbours: files and messages against a real database and a real broker."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from alerting.link import Broker
from app.exchange import export_exchange, import_exchange
from app.main import main
from app.service.account import neighbour_account
from app.service.exchange_link import ExchangeAgent, topic
from domain.county import load_county
from domain.error import ConfigurationError
from domain.exchange import Exchange, ExchangeHour, ExchangeWarning, encode_csv, encode_json
from store.connection import connect
from store.exchange import Receipt, add_neighbour, read_neighbours, retire_neighbour
from store.reference import load_reference
from store.registry import load_county as store_county

SEED = Path(__file__).parents[1] / "dashboards" / "seed.sql"
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime.now(dt.UTC)
LAST = NOW.replace(minute=0, second=0, microsecond=0) - HOUR
WARNING = ExchangeWarning("7", "orange", LAST, LAST, LAST + 48 * HOUR, None)


def hour(back: int = 0, pm25: float | None = 40, site: str = "liulin") -> ExchangeHour:
    return ExchangeHour(site, "柳林县", LAST - back * HOUR, (pm25, 80.0, 12.0, 30.0, 0.8, 90.0))


def sent(*hours: ExchangeHour, warnings: tuple[ExchangeWarning, ...] = (), county: str = "liulin") -> bytes:
    return encode_json(Exchange(county, hours, warnings))


@pytest.fixture
def county(database: Any) -> Any:
    """A county with statistics that has the neighbour liulin."""
    with connect(database.url("lantian_owner")) as conn:
        load_reference(conn)
        store_county(conn, load_county("zhongyang"))
        conn.execute(SEED.read_bytes())
        add_neighbour(conn, "liulin", "柳林县", "141125")
    return database


@pytest.fixture
def app(county: Any) -> Iterator[Any]:
    with connect(county.url("lantian_app"), autocommit=True) as conn:
        yield conn


def taken(conn: Any, content: bytes, **more: Any) -> Receipt:
    with conn.transaction():
        return import_exchange(conn, content, "test", NOW, **more)


def rows(conn: Any, statement: str) -> list[tuple[Any, ...]]:
    return conn.execute(statement).fetchall()


def test_what_is_known_is_recognised_and_corrections_are_versions(app: Any) -> None:
    first = sent(hour(0), hour(1), warnings=(WARNING,))
    assert taken(app, first) == Receipt("liulin", 3, 3, 0, 0, 0)
    assert taken(app, first) == Receipt("liulin", 3, 0, 3, 0, 0)
    lifted = ExchangeWarning("7", "orange", LAST, LAST, LAST + 48 * HOUR, LAST)
    later = sent(hour(0, 62.5), hour(1), hour(2), warnings=(lifted,))
    assert taken(app, later) == Receipt("liulin", 4, 1, 1, 2, 0)
    versions = rows(app, "select hour, version, pm25 from neighbour_hour order by hour desc, version")
    assert versions == [(LAST, 1, 40), (LAST, 2, 62.5), (LAST - HOUR, 1, 40), (LAST - 2 * HOUR, 1, 40)]
    # What screens show is the newest version, rounded and indexed by our own rules: 62.5 is printed as 62.
    assert rows(app, "select pm25, aqi, level, primary_zh from screen.neighbour_now") == [
        (62, 102, 3, "细颗粒物(PM2.5)")
    ]
    assert rows(app, "select warning, version, in_force from screen.neighbour_warning") == [("7", 2, False)]
    ledger = rows(
        app, "select received, stored, duplicate, revised, rejected from screen.exchange_receipt order by receipt_id"
    )
    assert ledger == [(3, 3, 0, 0, 0), (3, 0, 3, 0, 0), (4, 1, 1, 2, 0)]


def test_wrong_rows_are_rejected_one_by_one(app: Any) -> None:
    content = json.loads(sent(hour(0), hour(1)))
    content["hours"][0]["pm25"] = -3
    assert taken(app, json.dumps(content).encode()) == Receipt("liulin", 2, 1, 0, 0, 1)
    (faults,) = rows(app, "select faults from exchange_receipt")[0]
    assert faults == ["hours row 1: pm25: found '-3', expected a number from 0 to 10000 or nothing"]


def test_a_missing_item_makes_the_index_NA_as_for_our_own_stations(app: Any) -> None:
    taken(app, sent(hour(0, None)))
    assert rows(app, "select aqi, aqi_available, level from neighbour_hour") == [(None, 72, None)]


def test_who_is_no_neighbour_is_refused(app: Any) -> None:
    for content, more in (
        (sent(hour(), county="elsewhere"), {}),
        (sent(hour(), county="zhongyang"), {}),
        (sent(hour()), {"expected": "elsewhere"}),
    ):
        with pytest.raises(ConfigurationError):
            taken(app, content, **more)
    with pytest.raises(ConfigurationError, match="a county of this system"):
        add_neighbour(app, "zhongyang", "中阳县", None)
    assert retire_neighbour(app, "liulin", NOW)
    with pytest.raises(ConfigurationError, match="registered neighbour"):
        taken(app, sent(hour()))
    assert rows(app, "select count(*) from exchange_receipt") == [(0,)]


def test_nothing_of_the_own_county_changes(app: Any) -> None:
    tables = (
        "air_hour",
        "air_day",
        "site",
        "area",
        "period_statistic",
        "dirty_hour",
        "dirty_day",
        "target_actual",
        "warning",
    )

    def everything() -> list[Any]:
        return [
            rows(app, f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {name} t")
            for name in tables
        ]

    before = everything()
    taken(app, sent(hour(0, 499), warnings=(WARNING,)))
    assert everything() == before
    for view in ("air_site", "site_now", "area", "warning_now", "public_site", "air_hour"):
        assert not [row for row in rows(app, f"select * from screen.{view}") if "liulin" in row]


def test_received_rows_can_only_be_added_to(app: Any) -> None:
    taken(app, sent(hour()))
    for statement in ("update neighbour_hour set pm25 = 1", "delete from neighbour_hour",
                      "delete from exchange_receipt", "update neighbour_warning set level = 'red'",
                      "delete from neighbour"):  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            app.execute(statement)


def test_what_is_exported_is_what_the_public_sees(app: Any) -> None:
    found = export_exchange(app, "zhongyang", LAST - 5 * HOUR, LAST + HOUR)
    view = rows(app, "select site_id, hour, pm25 from screen.public_hour where hour < date_trunc('hour', now())"
                     " and hour >= date_trunc('hour', now()) - interval '6 hours'"
                     " order by kind_order, site_id, hour")  # fmt: skip
    assert [(one.site, one.hour, one.values[0]) for one in found.hours] == view
    assert len(view) == 12
    assert found.warnings == ()


def test_commands_carry_files_both_ways(county: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", county.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["exchange", *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    (tmp_path / "liulin.csv").write_bytes(encode_csv(Exchange("liulin", (hour(0), hour(1))), "hours"))
    words = run("import", str(tmp_path / "liulin.csv"))
    assert "received 2 = stored 2 + duplicate 0 + revised 0 + rejected 0" in words
    assert "柳林县" in run("list")
    run("export", "-o", str(tmp_path / "ours.json"))
    exported = json.loads((tmp_path / "ours.json").read_bytes())
    assert exported["county"] == "zhongyang"
    assert {row["site"] for row in exported["hours"]} == {"zhongyang", "ningxiang", "jinluo"}
    assert run("add", "lishi", "--name-zh", "离石区").startswith("neighbour lishi")
    refused = CliRunner().invoke(main, ["exchange", "import", str(tmp_path / "ours.json")])
    assert refused.exit_code == 2


@contextmanager
def running(agent: ExchangeAgent) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def published(account: Any, where: str, content: bytes) -> None:
    sender = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    sender.username_pw_set(account.username, account.password)
    sender.connect(account.host, account.port)
    sender.loop_start()
    sender.publish(where, content, qos=1).wait_for_publish(10)
    sender.disconnect()
    sender.loop_stop()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def test_two_counties_exchange_at_one_broker(
    county: Any, services: Any, _template: str, broker: Any, device_account: Any
) -> None:
    """Zhongyang serves the broker; Liulin, with a database of its own, connects as its neighbour."""
    credentials = services.credential_file.load()
    services.cluster.create_database(credentials, "test_liulin", _template)
    theirs = services.database_url("lantian_owner", "test_liulin")
    with connect(theirs) as conn:
        load_reference(conn)
        conn.execute("insert into area (id, name_zh) values ('liulin', '柳林县')")
        conn.execute("insert into site (id, area_id, kind, name_zh) values ('liulin', 'liulin', 'area', '柳林县')")
        conn.execute(
            "insert into air_hour (site_id, hour, pm25, minutes, flag, edition) values ('liulin',"
            " date_trunc('hour', now()) - interval '1 hour', 71.4, array_fill(60::smallint, array[12]),"
            " repeat('1', 12), 'hj633-2026')"
        )
        add_neighbour(conn, "zhongyang", "中阳县", None)

    def agent(name: str, address: Any, url: str) -> ExchangeAgent:
        link = Broker(address.host, address.port, address.username, address.password)
        return ExchangeAgent(link, name, lambda: connect(url), lambda: dt.datetime.now(dt.UTC), every_s=0.5)

    neighbour = device_account(neighbour_account("liulin"))
    here = agent("zhongyang", broker("exchange"), county.url("lantian_app"))
    there = agent("liulin", neighbour, services.database_url("lantian_app", "test_liulin"))
    with (
        running(here),
        running(there),
        connect(county.url("lantian_app"), autocommit=True) as ours,
        connect(services.database_url("lantian_app", "test_liulin"), autocommit=True) as other,
    ):
        until(lambda: rows(ours, "select pm25 from screen.neighbour_now") == [(71,)])
        until(lambda: rows(other, "select count(distinct site_id) from neighbour_hour") == [(3,)])
        assert read_neighbours(other)[0].hour == LAST
        # What is no document stops nobody.
        for content in (b"garbage", b"{}", sent(hour(), county="lishi")):
            published(neighbour, topic("liulin"), content)
        with connect(theirs) as conn:
            conn.execute("update air_hour set pm25 = 75")
        until(lambda: rows(ours, "select pm25, aqi_available from screen.neighbour_now") == [(75, 114)])
        assert rows(ours, "select version from neighbour_hour order by version") == [(1,), (2,)]
        # What was sent once is not sent again: only the correction came.
        assert rows(ours, "select received from exchange_receipt order by id") == [(1,), (1,)]
    services.cluster.drop_database(credentials, "test_liulin")


def test_a_neighbour_publishes_as_itself_alone(broker: Any, device_account: Any) -> None:
    account, heard, ready = device_account(neighbour_account("liulin")), [], threading.Event()
    listener = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    own = broker("exchange")
    listener.username_pw_set(own.username, own.password)
    listener.on_connect = lambda client, *_: client.subscribe("lt/v1/+/exchange/data", qos=1)
    listener.on_subscribe = lambda *_: ready.set()
    listener.on_message = lambda _client, _data, message: heard.append(message.topic)
    listener.connect(own.host, own.port)
    listener.loop_start()
    assert ready.wait(10)
    for county in ("zhongyang", "lishi", "liulin"):
        published(account, topic(county), b"{}")
    until(lambda: len(heard) > 0)
    assert heard == [topic("liulin")]
    listener.disconnect()
    listener.loop_stop()
