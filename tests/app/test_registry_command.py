"""`lantian site|device|enterprise` on a real database: import, export, retire, strangers, replay, health."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.main import main
from domain.county import load_county
from domain.network import SITE_KINDS
from ingest.assembly import assemble
from ingest.registry import Registry
from ingest.wire.hj212 import encode_frame
from store.batch import write_batch
from store.batch_note import fold_notes
from store.connection import connect
from store.registration import read_entries
from store.registry import load_county as enter_county

Run = Callable[..., Result]
MN = "141129000000000000009999"


@pytest.fixture
def lantian(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `lantian` against a database with the demonstration county."""
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "240")
    with connect(database.url("lantian_app")) as conn:
        enter_county(conn, load_county("zhongyang"))

    def run(*arguments: object, status: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        assert result.exit_code == status, result.output + repr(result.exception)
        return result

    return run


def entries(database: Any, table: str) -> dict[str, dict[str, Any]]:
    with connect(database.url("lantian_app")) as conn:
        return read_entries(conn, table)


def collected(database: Any, *arrivals: tuple[str, bytes, dt.datetime]) -> list[str]:
    """Outcomes of messages that go the collector's way."""
    registry = Registry()
    with connect(database.url("lantian_writer")) as conn:
        registry.refresh(conn, time.monotonic())
        done = assemble(arrivals, registry, collector="test", opened_at=dt.datetime.now(dt.UTC))
        outcomes = write_batch(conn, done.batch, registry.devices).outcomes
        fold_notes(conn)
        conn.commit()
    return outcomes


@pytest.mark.parametrize("table", ["enterprise", "site", "device"])
def test_an_export_is_imported_without_a_change(lantian: Run, database: Any, tmp_path: Path, table: str) -> None:
    before = entries(database, table)
    for options in ((), ("--english",)):
        lantian(table, "export", "--output", tmp_path / "out.csv", *options)
        said = lantian(table, "import", tmp_path / "out.csv").output
        assert said.strip() == f"0 added, 0 changed, {len(before)} as they were"
    assert entries(database, table) == before
    (tmp_path / "gbk.csv").write_bytes((tmp_path / "out.csv").read_text(encoding="utf-8").encode("gb18030"))
    assert "0 added, 0 changed" in lantian(table, "import", tmp_path / "gbk.csv").output


def test_nothing_is_written_unless_all_is_good(lantian: Run, database: Any, tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    text = "编号,名称,类型,企业\nn1,新一站,排放口,山西中阳钢铁有限公司\nn2,新二站,怪站,\n"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    said = lantian("site", "import", file, status=2).output
    assert "sites.csv line 3, column 类型 (kind): found '怪站', expected one of" in said
    assert "1 bad lines, 1 good ones; nothing was written" in said
    assert "n1" not in entries(database, "site")
    assert "1 added" in lantian("site", "import", file, "--partial", status=2).output
    assert entries(database, "site")["n1"]["enterprise_id"] == "zhongyang-steel"


def test_devices_without_readings(lantian: Run, database: Any, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    text = "编号,点位,协议,MN\ncam-1,n1,仅链路,\nsat-1,n1,秸秆火点,\nsat-2,n1,秸秆火点,M1\n"
    lantian("site", "add", "n1", "--name", "城北工地视频", "--kind", "视频", "--township", "金罗镇")
    file.write_text(text, encoding="utf-8")
    assert "expected nothing because protocol is straw_fire" in lantian("device", "import", file, status=2).output
    file.write_text(text.replace("M1", ""), encoding="utf-8")
    assert "3 added" in lantian("device", "import", file).output
    found = entries(database, "device")
    assert [found[name]["protocol"] for name in ("cam-1", "sat-1", "sat-2")] == ["link", "straw_fire", "straw_fire"]
    health = lantian("device", "health", "--site", "n1").output
    assert "未上报" in health and "100.0%" not in health


def test_add_change_show_list_and_retire(lantian: Run, database: Any) -> None:
    lantian("site", "add", "n1", "--name", "新站", "--kind", "微站", "--township", "金罗镇")
    options = ("--site", "n1", "--protocol", "hj212", "--mn", MN, "--unit-preset", "hj212-2017")
    lantian("device", "add", "n1-air", *options, "--unit", "a34004=ug/m3", "--unit", "a21005=mg/m3")
    entry = entries(database, "device")["n1-air"]
    assert (entry["units"]["a34004"], entry["units"]["a21005"], entry["mn"]) == ("µg/m³", "mg/m³", MN)
    assert "registered already" in lantian("device", "add", "n1-air", *options, status=2).output
    assert "column --mn" in lantian("device", "add", "n1-b", *options, status=2).output
    lantian("device", "change", "n1-air", "--interval-s", "300")
    changed = entries(database, "device")["n1-air"]
    assert (changed["interval_s"], changed["units"]) == (300, entry["units"])
    assert "a34004=µg/m³" in lantian("device", "show", "n1-air").output
    assert MN in lantian("device", "list").output

    assert "retire them first" in lantian("site", "retire", "n1", status=2).output
    with connect(database.url("lantian_app")) as conn:
        conn.execute("update device set retired_at = now() where id = 'n1-air'")
    lantian("site", "retire", "n1")
    assert "n1-air" not in lantian("device", "list").output
    assert "n1-air" in lantian("device", "list", "--all").output
    assert "belongs to n1, which is retired" in lantian("device", "retire", "n1-air", "--undo", status=2).output
    lantian("site", "retire", "n1", "--undo")
    lantian("device", "retire", "n1-air", "--undo")
    assert entries(database, "device")["n1-air"]["retired_at"] is None


def test_what_people_changed_survives_the_county_data_set(lantian: Run, database: Any) -> None:
    lantian("device", "change", "ningxiang-air", "--interval-s", "300", "--unit-preset", "hj212-2017")
    lantian("site", "change", "jinluo", "--name", "金罗新站")
    before = entries(database, "device"), entries(database, "site")
    with connect(database.url("lantian_app")) as conn:
        conn.execute("update device set interval_s = 900 where id = 'jinluo-air'")
        enter_county(conn, load_county("zhongyang"))
    assert (entries(database, "device"), entries(database, "site")) == before
    assert before[0]["ningxiang-air"]["interval_s"] == 300
    assert before[1]["jinluo"]["name_zh"] == "金罗新站"


def test_a_stranger_waits_is_approved_and_replayed(lantian: Run, database: Any) -> None:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    local = (now - dt.timedelta(minutes=5)).astimezone(dt.timezone(dt.timedelta(hours=8)))
    body = f"QN={local:%Y%m%d%H%M%S}000;ST=22;CN=2011;PW=1;MN={MN};Flag=5;CP=&&DataTime={local:%Y%m%d%H%M%S};"
    frames = [encode_frame(f"{body}a34004-Rtd={value},a34004-Flag=N&&") for value in (20, 21)]
    arrivals = [("lt/v1/zhongyang/hj212/new-1/data", frame, now) for frame in frames[:1]]
    arrivals.append(("lt/v1/elsewhere/json/new-2/data", b"{}", now))
    assert collected(database, *arrivals) == ["rejected", "rejected"]
    said = lantian("device", "pending").output
    assert all(word in said for word in ("new-1", MN, "22 ", "待登记", "new-2"))

    site = ("--site", "jinluo", "--unit-preset", "ambient-field")
    assert "of the area in the topic" in lantian("device", "approve", "new-2", "--site", "jinluo", status=2).output
    assert "new-2" not in entries(database, "device")
    assert "rejected as unknown" in lantian("device", "approve", "nobody", *site, status=2).output
    said = lantian("device", "approve", "new-1", *site, "--family", "air", "--span-s", "0").output
    assert "1 messages" in said
    assert "lantian reject replay" in said
    entry = entries(database, "device")["new-1"]
    assert (entry["protocol"], entry["mn"], entry["units"]["a34004"]) == ("hj212", MN, "µg/m³")
    assert "已登记，待重放" in lantian("device", "pending").output
    assert "registered already" in lantian("device", "approve", "new-1", *site, status=2).output

    lantian("reject", "replay", "--reason", "unknown_device")
    with connect(database.url("lantian_app")) as conn:
        assert conn.execute("select pm25 from air_reading where device_id = 'new-1'").fetchall() == [(20.0,)]
    assert "new-1" not in lantian("device", "pending").output


def json_reading(
    device: str, moment: dt.datetime, received: dt.datetime, **values: float
) -> tuple[str, bytes, dt.datetime]:
    body = {"v": 1, "ts": moment.isoformat(), "span": 60, "values": values or {"pm25": 30.0}}
    return f"lt/v1/zhongyang/json/{device}/data", json.dumps(body).encode(), received


def test_health_on_figures_counted_by_hand(lantian: Run, database: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    midnight = now.astimezone(dt.timezone(dt.timedelta(hours=8))).replace(hour=0, minute=0, second=0, microsecond=0)
    minute = now.replace(second=0, microsecond=0) - dt.timedelta(minutes=2)
    lag = dt.timedelta(seconds=72)
    device, registered = "micro-jinluo-1", max(midnight, now - dt.timedelta(minutes=10, seconds=30))
    with connect(database.url("lantian_owner")) as conn:
        conn.execute("update device set registered_at = %s where id = %s", (registered, device))
    good = [json_reading(device, minute - dt.timedelta(minutes=back), minute + lag) for back in range(4)]
    bad = json_reading(device, minute, minute + lag + dt.timedelta(seconds=1), nonsense=1.0)
    bad = (bad[0], b'{"v":1}', bad[2])
    assert collected(database, *good, good[0], bad) == [*["stored"] * 4, "duplicate", "rejected"]
    with connect(database.url("lantian_reader")) as conn:
        cursor = conn.execute("select * from screen.device_health where device_id = %s", (device,))
        names = [column.name for column in cursor.description or ()]
        health = dict(zip(names, cursor.fetchone() or (), strict=True))
        stored = conn.execute("select count(*) from screen.device_health").fetchone()
    today = sum(minute - dt.timedelta(minutes=back) >= midnight for back in range(4))
    due = int((now - registered).total_seconds() // 60)
    assert health["due_today"] in (due, due + 1)
    assert health["readings_today"] == today
    if minute + lag >= midnight:
        assert (health["messages_today"], health["messages_month"]) == (6, 6)
        assert health["duplicate_today"] == pytest.approx(100 / 6)
        assert health["reject_month"] == pytest.approx(100 / 6)
    if today == 4 and health["due_today"] >= 4:
        assert health["transmission_today"] == pytest.approx(400 / health["due_today"])
        assert (health["validity_today"], health["effective_today"]) == (100.0, health["transmission_today"])
    assert health["skew_s"] == pytest.approx(12.0)
    assert health["last_error"].startswith("bad_field")
    assert stored == (len(load_county("zhongyang").devices),)
    said = lantian("device", "health").output
    assert all(word in said for word in (device, "12.0 s", "bad_field"))


def test_a_mean_over_ten_minutes_is_due_every_ten_minutes(lantian: Run, database: Any) -> None:
    local = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=8)))
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with connect(database.url("lantian_owner")) as conn:
        conn.execute(
            "update device set registered_at = %s, span_s = case id when 'micro-jinluo-1' then 600 else 60 end,"
            " interval_s = 60 where id in ('micro-jinluo-1', 'micro-jinluo-2')",
            (first - dt.timedelta(hours=3),),
        )
        due = conn.execute(
            "select device_id, due_month, extract(epoch from now() - %s) from screen.device_health"
            " where device_id in ('micro-jinluo-1', 'micro-jinluo-2') order by 1",
            (first,),
        ).fetchall()
        conn.execute("update device set registered_at = now() where id = 'micro-jinluo-1'")
        ratios = conn.execute(
            "select due_today, transmission_today, effective_month from screen.device_health"
            " where device_id = 'micro-jinluo-1'"
        ).fetchall()
    assert [row[1] for row in due] == [int(due[0][2] // 600), int(due[0][2] // 60)]
    assert ratios == [(0, None, None)]


def test_values_that_are_not_usable_lower_the_validity(lantian: Run, database: Any) -> None:
    now = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    body = {"v": 1, "ts": now.isoformat(), "span": 60, "values": {"pm25": 30.0, "pm10": 50.0}, "marks": {"pm10": "D"}}
    topic = "lt/v1/zhongyang/json/micro-jinluo-2/data"
    hour = {**body, "span": 3600}
    sent = [(topic, json.dumps(each).encode(), now) for each in (body, hour)]
    assert collected(database, *sent) == ["stored", "stored"]
    with connect(database.url("lantian_app")) as conn:
        counted = conn.execute("select messages, readings, carried, usable from device_day").fetchall()
    assert counted == [(2, 1, 2, 1)]  # the hour mean is not of the span that the device is due with


def test_english_export_is_plain_csv(lantian: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(lantian("site", "export", "--english").output)))
    assert {"ningxiang", "micro-jinluo-1"} <= {row["id"] for row in rows}
    assert {row["kind"] for row in rows} <= set(SITE_KINDS)
