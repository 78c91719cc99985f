"""Straw-fire points over MQTT: read by the rules of their register, entered once, corrected by further versions."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from domain.error import RejectError
from domain.family import FAMILIES
from domain.register_table import STRAW_FIRE
from ingest.answer import outcome_answer, rejection_answer
from ingest.assembly import assemble
from ingest.registry import Registry
from ingest.wire.reading import Source
from ingest.wire.straw_fire import decode_straw_fire
from store.batch import write_batch
from store.batch_note import fold_notes
from store.connection import Connection, connect
from store.ledger import read_balance
from store.register import Author, Change, read_history, read_register, write_changes
from store.registry import NewDevice, NewSite, upsert_device, upsert_site
from store.straw_fire import fire_id

NOW = dt.datetime(2026, 10, 5, 6, 0, tzinfo=dt.UTC)
POINT = {
    "seen_at": "2026-10-05T13:20:00+08:00",
    "longitude": 111.134567,
    "latitude": 37.318765,
    "source": "satellite",
    "township": "金罗镇",
}
CHECKED = {**POINT, "result": "属实", "checked_by": "张三", "checked_at": "2026-10-05T05:50:00Z"}
NAME = "20261005T132000-111.13457-37.31876-satellite"


def sent(*points: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"v": 1, "seq": 7, "ack": True, "points": points or [POINT], **more}, ensure_ascii=False).encode()


def refusal(payload: bytes) -> RejectError:
    with pytest.raises(RejectError) as caught:
        decode_straw_fire(payload, Source("s", FAMILIES["air"]))
    return caught.value


def test_a_point_in_the_words_of_the_register() -> None:
    decoded = decode_straw_fire(sent(CHECKED), Source("s", FAMILIES["air"]))
    (point,) = decoded.fires
    assert point.seen_at == dt.datetime(2026, 10, 5, 5, 20, tzinfo=dt.UTC)
    assert (point.longitude, point.latitude, point.source) == (111.13457, 37.31876, "satellite")
    assert (point.township, point.result, point.checked_by) == ("金罗镇", "confirmed", "张三")
    assert (decoded.seq, decoded.wants_reply, decoded.readings, fire_id(point)) == (7, True, [], NAME)
    spoken = decode_straw_fire(sent({**POINT, "source": "无人机", "result": "待核查"}), Source("s", FAMILIES["air"]))
    assert (spoken.fires[0].source, spoken.fires[0].result) == ("drone", "pending")


@pytest.mark.parametrize(
    ("payload", "reason", "named"),
    [
        (b"{", "malformed", "JSON"),
        (sent(v=2), "bad_field", "v 2"),
        (sent(wind=3), "bad_field", "wind"),
        (sent({**POINT, "colour": "red"}), "bad_field", "colour"),
        (sent({key: value for key, value in POINT.items() if key != "latitude"}), "bad_field", "latitude"),
        (json.dumps({"v": 1, "points": []}).encode(), "empty", "1 to 1000"),
        (sent(*[POINT] * 1001), "too_large", "1001"),
        (sent({**POINT, "seen_at": "2026-10-05T13:20:00"}), "bad_time", "seen_at"),
        (sent({**POINT, "seen_at": "yesterday"}), "bad_time", "seen_at"),
        (sent({**POINT, "longitude": "111"}), "bad_value", "longitude"),
        (sent({**POINT, "longitude": 37.3, "latitude": 111.1}), "bad_value", "73 to 136"),
        (sent({**POINT, "source": "radar"}), "bad_value", "satellite"),
        (sent({**POINT, "result": "maybe"}), "bad_value", "confirmed"),
        (sent({**POINT, "result": "confirmed"}), "bad_field", "checked_by"),
        (sent({**CHECKED, "checked_at": "2026-10-05T13:19:00+08:00"}), "bad_value", "before seen_at"),
        (sent({**POINT, "note": "a\u0000b"}), "bad_value", "control"),
        (sent({**POINT, "note": "x" * 201}), "bad_value", "note"),
        (sent(POINT, {**POINT, "latitude": 1}), "bad_value", "points[1]"),
    ],
)
def test_bad_points_are_rejected_with_the_reason(payload: bytes, reason: str, named: str) -> None:
    error = refusal(payload)
    assert error.reason == reason
    assert named in error.detail


@pytest.fixture
def writer(database: Any) -> Iterator[Connection]:
    """A writer's connection; two sources of fire points and a camera are registered."""
    with connect(database.url("lantian_app")) as conn:
        conn.execute("insert into area (id, name_zh) values ('zy', '测试县')")
        upsert_site(conn, NewSite("s1", "zy", "video", "高清视频"))
        for name in ("satellite-1", "drone-1"):
            upsert_device(conn, NewDevice(name, "s1", "straw_fire", "air"))
        upsert_device(conn, NewDevice("camera-1", "s1", "link", "air"))
    with connect(database.url("lantian_writer")) as conn:
        yield conn


def carried(conn: Connection, *payloads: bytes, device: str = "satellite-1", at: dt.datetime = NOW) -> list[str]:
    """Outcomes of messages on the branch of a device, in one batch."""
    registry = Registry()
    registry.refresh(conn, 0.0)
    protocol = "link" if device == "camera-1" else "straw_fire"
    arrivals = [(f"lt/v1/zy/{protocol}/{device}/data", each, at) for each in payloads]
    assembled = assemble(arrivals, registry, collector="test", opened_at=at)
    return write_batch(conn, assembled.batch, registry.devices).outcomes


def history(database: Any) -> list[tuple[str, str, str, str | None]]:
    with connect(database.url("lantian_app")) as conn:
        rows = read_history(conn, STRAW_FIRE, NAME)
    return [(row["action"], row["changed_by"], row["result"], row["checked_by"]) for row in rows]


def test_a_point_is_entered_once_and_its_check_is_another_version(writer: Connection, database: Any) -> None:
    assert carried(writer, sent()) == ["stored"]
    assert carried(writer, sent(), sent()) == ["duplicate", "duplicate"]
    assert carried(writer, sent(CHECKED), sent(), device="drone-1") == ["revised", "duplicate"]
    assert carried(writer, sent(CHECKED)) == ["duplicate"]
    assert history(database) == [
        ("add", "device satellite-1", "pending", None),
        ("correct", "device drone-1", "confirmed", "张三"),
    ]
    shown = "select township, source_zh, result_zh, checked_by, hours_to_check from screen.register_straw_fire"
    with connect(database.url("lantian_reader")) as conn:
        assert conn.execute(shown).fetchall() == [("金罗镇", "卫星", "属实", "张三", 0.5)]


def test_a_message_of_many_points(writer: Connection, database: Any) -> None:
    other = {**POINT, "latitude": 37.5}
    assert carried(writer, sent(POINT, other, POINT)) == ["stored"]
    assert carried(writer, sent(POINT, other)) == ["duplicate"]
    assert carried(writer, sent(POINT, {**POINT, "latitude": 37.6})) == ["stored"]
    assert carried(writer, sent({**other, "note": "更正"}, {**POINT, "latitude": 37.7})) == ["revised"]
    with connect(database.url("lantian_app")) as conn:
        assert len(read_register(conn, STRAW_FIRE)) == 4


def test_what_a_person_did_is_not_undone(writer: Connection, database: Any) -> None:
    carried(writer, sent())
    with connect(database.url("lantian_app")) as conn:
        entry = read_register(conn, STRAW_FIRE)[NAME]
        found = {**entry, "result": "none", "checked_by": "李四"}
        write_changes(conn, STRAW_FIRE, [Change("correct", found, 1)], Author("clerk", "现场核查"))
    assert carried(writer, sent(), sent({**POINT, "note": "again"})) == ["duplicate", "duplicate"]
    with connect(database.url("lantian_app")) as conn:
        entry = read_register(conn, STRAW_FIRE)[NAME]
        assert (entry["result"], entry["version"]) == ("none", 2)
        write_changes(conn, STRAW_FIRE, [Change("retire", entry, 2)], Author("clerk", "重复"))
    assert carried(writer, sent(CHECKED)) == ["duplicate"]
    assert [row[0] for row in history(database)] == ["add", "correct", "retire"]


def test_everything_is_accounted_for_and_answered(writer: Connection, database: Any) -> None:
    late = sent({**POINT, "seen_at": "2026-10-06T13:20:00+08:00"})
    payloads = [sent(), sent(), sent(CHECKED), sent({**POINT, "source": "x"}), late, b"\xff"]
    assert carried(writer, *payloads) == ["stored", "duplicate", "revised", "rejected", "rejected", "rejected"]
    assert carried(writer, b'{"v":1}', device="camera-1") == ["rejected"]
    with connect(database.url("lantian_app")) as conn:
        balance = read_balance(conn)
        reasons = conn.execute("select reason from reject order by id").fetchall()
    assert (balance.received, balance.stored, balance.duplicate, balance.revised, balance.rejected) == (7, 1, 1, 1, 4)
    assert balance.balanced
    assert [row[0] for row in reasons] == ["bad_value", "impossible_time", "malformed", "unsupported_command"]
    registry = Registry()
    registry.refresh(writer, 0.0)
    arrivals = [("lt/v1/zy/straw_fire/drone-1/data", each, NOW) for each in (payloads[0], payloads[3])]
    assembled = assemble(arrivals, registry, collector="test", opened_at=NOW)
    decoded = assembled.decoded[0]
    assert decoded is not None
    answer = outcome_answer(assembled.batch.messages[0], decoded, "stored")
    assert answer == ("lt/v1/zy/straw_fire/drone-1/reply", b'{"v":1,"seq":7,"outcome":"stored"}')
    where, error = rejection_answer(assembled.batch.messages[1], None)
    assert where.endswith("/error") and json.loads(error)["seq"] == 7 and "radar" not in error.decode()


def test_what_the_database_refuses_is_one_reject(
    writer: Connection, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database.url("lantian_owner")) as conn:
        conn.execute("alter table lantian.register_straw_fire add check (township <> '坏镇')")
    assert carried(writer, sent({**POINT, "township": "坏镇"}), sent()) == ["rejected", "stored"]
    with connect(database.url("lantian_app")) as conn:
        assert conn.execute("select reason from reject").fetchall() == [("database_refused",)]
        assert read_balance(conn).balanced


def test_sources_and_cameras_are_as_fresh_as_their_link(writer: Connection, database: Any) -> None:
    health = (
        "select device_id, state_zh, link_zh, effective_month, due_today, last_seen_at from screen.device_health"
        " order by device_id"
    )

    def shown() -> dict[str, tuple[Any, ...]]:
        with connect(database.url("lantian_reader")) as conn:
            return {row[0]: row[1:] for row in conn.execute(health).fetchall()}

    assert shown()["camera-1"] == ("未上报", "未知", None, 0, None)
    registry = Registry()
    registry.refresh(writer, 0.0)
    for state, expected in (("online", ("正常", "在线", "在线")), ("offline", ("中断", "离线", "离线"))):
        at = dt.datetime.now(dt.UTC)
        body = json.dumps({"v": 1, "state": state, "ts": at.isoformat()}).encode()
        topics = ("lt/v1/zy/link/camera-1/state", "lt/v1/zy/straw_fire/satellite-1/state")
        assembled = assemble([(topic, body, at) for topic in topics], registry, collector="test", opened_at=at)
        assert write_batch(writer, assembled.batch, registry.devices).outcomes == ["stored", "stored"]
        fold_notes(writer)
        writer.commit()
        assert shown()["camera-1"] == (*expected[:2], None, 0, at)
        assert shown()["satellite-1"][:2] == expected[:2]
        with connect(database.url("lantian_reader")) as conn:
            statement = "select site_zh, kind, devices, link_zh, last_seen_at from screen.site_link"
            (site,) = conn.execute(statement).fetchall()
        assert site == ("高清视频", "video", 3, "部分在线" if state == "online" else "离线", at)
