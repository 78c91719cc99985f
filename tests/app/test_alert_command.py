"""Commands of alerts, contacts, notices and deliveries, as people type them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from alert_scene import furnish, rows
from click.testing import CliRunner

from app.main import main
from domain.alert import MAJOR, channel_policies
from store.alert import AlertKey, raise_alert
from store.connection import Connection, connect
from store.delivery import Lane, claim_message, note_failed
from store.outbox import Notice, announce

Run = Callable[..., str]
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    furnish(database)
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "240")

    def invoke(*arguments: object, fails: bool = False) -> str:
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        assert (result.exit_code != 0) == fails, result.output
        return result.output

    return invoke


@pytest.fixture
def desk(database: Any, run: Run) -> Any:
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


def raised(conn: Connection) -> int:
    key = AlertKey("stack_exceedance_hour", "site", "mill-1")
    alert = raise_alert(conn, key, severity=MAJOR, subject_zh="超标：磨坊", body_zh="12", evidence={"pm": 12}, now=NOW)
    assert alert is not None
    return alert


def test_an_alert_is_handled_from_list_to_close(run: Run, desk: Connection) -> None:
    alert = raised(desk)
    assert "超标：磨坊" in run("alert", "list")
    assert "处理中" in run("alert", "ack", alert, "--comment", "已联系")
    run("alert", "assign", alert, "李四")
    run("alert", "comment", alert, "现场核查")
    assert "does not allow: acknowledge" in run("alert", "ack", alert, fails=True)
    assert "已关闭" in run("alert", "close", alert)
    assert "超标：磨坊" not in run("alert", "list")
    assert "李四" in run("alert", "list", "--all")
    shown = run("alert", "show", alert)
    assert [word in shown for word in ("产生", "通知", "确认", "指派", "现场核查", "关闭")] == [True] * 6


def test_mutes_need_a_known_kind_and_a_future_end(run: Run) -> None:
    assert "expected one of" in run(
        "alert", "mute", "nonsense", "--until", "2099-01-01 08:00", "--why", "x", fails=True
    )
    assert "expected a moment after" in run(
        "alert", "mute", "micro_peak", "--until", "2020-01-01 08:00", "--why", "x", fails=True
    )
    run("alert", "mute", "micro_peak", "--source", "site", "m1", "--until", "2099-01-01 08:00", "--why", "检修")
    assert "2099-01-01 08:00" in run("alert", "mutes")
    run("alert", "unmute", 1)
    assert "检修" not in run("alert", "mutes")


def test_rules_are_changed_with_a_reason_and_keep_their_versions(run: Run) -> None:
    assert "micro_excess >= 2.0" in run("alert", "rules") or "micro_excess >= 2" in run("alert", "rules")
    run("alert", "rule", "micro_peak", "threshold=3", "hold_s=600", "tells=operator enterprise", "--why", "误报多")
    assert "micro_excess >= 3" in run("alert", "rules")
    history = run("alert", "rules", "micro_peak")
    assert "误报多" in history
    assert len([line for line in history.splitlines() if line[0].isdigit()]) == 2
    for wrong in (("threshold=1",), ("severity=9",), ("nonsense=1",), ("threshold",), ("measure=x",), ("tells=all",)):
        assert "expected" in run("alert", "rule", "micro_peak", *wrong, "--why", "x", fails=True)
    assert "micro_excess >= 3" in run("alert", "rules")


def test_contacts_go_out_and_come_back_the_same(run: Run, desk: Connection, tmp_path: Path) -> None:
    run(
        "contact", "add", "oven-boss", "--name", "焦化厂长", "--enterprise", "oven", "--step", 2, "--hours",
        "08:00-20:00", "--mail", "a@oven.example;b@oven.example", "--sms", "city:13900000000", "--kinds", "order alert",
        "--severity-floor", "重要",
    )  # fmt: skip
    assert "08:00-20:00" in run("contact", "list", "--enterprise", "oven")
    before = rows(desk, "select * from contact_channel order by 1, 2, 3")
    for name, flags in (("c.csv", ()), ("e.csv", ("--english",))):
        run("contact", "export", "-o", tmp_path / name, *flags)
        assert "5 contacts written" in run("contact", "import", tmp_path / name)
        assert rows(desk, "select * from contact_channel order by 1, 2, 3") == before
    book = openpyxl.Workbook()
    assert book.active is not None
    for line in (["编号", "姓名", "邮箱"], ["oven-boss", "新厂长", "c@oven.example"], ["x y", "坏", "n"]):
        book.active.append(line)
    book.save(tmp_path / "c.xlsx")
    assert "c.xlsx line 3, column 编号 (id)" in run("contact", "import", tmp_path / "c.xlsx", fails=True)
    assert "焦化厂长" in run("contact", "list")
    run("contact", "import", tmp_path / "c.xlsx", "--partial", fails=True)
    assert rows(desk, "select name_zh, step from contact where id = 'oven-boss'") == [("新厂长", 2)]
    run("contact", "retire", "oven-boss")
    assert "新厂长" not in run("contact", "list")
    assert "expected one" in run("contact", "retire", "oven-boss", fails=True)
    run("contact", "retire", "oven-boss", "--undo")


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--enterprise", "nobody"), ("--area", "nowhere"), ("--hours", "8-20"), ("--hours", "08:00-08:00"),
        ("--mail", "nobody"), ("--webhook", "ftp://x"), ("--sms", "139"), ("--mqtt", "mill"), ("--step", "0"),
        ("--severity-floor", "5"), ("--kinds", "A B"), ("--hours", "25:00-26:00"),
    ],
)  # fmt: skip
def test_contacts_that_cannot_be_are_refused(run: Run, option: str, text: str) -> None:
    given = {"--name": "甲", "--mail": "a@b.example"} | {option: text}
    said = run("contact", "add", "new", *(part for pair in given.items() for part in pair), fails=True)
    assert f"column {option}" in said
    assert "expected" in said


def test_a_contact_without_any_address_is_refused(run: Run) -> None:
    assert "at least one address" in run("contact", "add", "new", "--name", "甲", fails=True)


def test_a_test_notice_goes_to_one_contact_only(run: Run, desk: Connection) -> None:
    assert "1 deliveries" in run("contact", "test", "chief")
    assert rows(desk, "select contact_id, severity from delivery") == [("chief", 1)]
    assert "expected the id of one" in run("contact", "test", "nobody", fails=True)


def test_answers_and_receipts(run: Run, desk: Connection, tmp_path: Path) -> None:
    order = Notice("order", "warning:1", "x", "mill", MAJOR, "停窑", "按橙色预警", {}, NOW + dt.timedelta(hours=1))
    notice, silent = announce(desk, order, now=NOW), announce(desk, order, now=NOW)
    said = ("notice", "ack", notice, "--by", "厂长", "--measure", "停窑", "--measure", "禁运", "--comment", "电话")
    assert "answer recorded" in run(*said)
    assert "recorded before" in run(*said)
    assert "厂长" in run("notice", "list", "--enterprise", "mill")
    assert "按橙色预警" in run("notice", "show", notice)
    assert "found no notice 99" in run("notice", "ack", 99, fails=True)
    text = run("notice", "receipts", "--about", "warning:1")
    lines = text.lstrip("\ufeff").splitlines()
    assert lines[0].startswith("通知编号,类别,事由")
    assert [line.split(",")[0] for line in lines[1:]] == [str(notice), str(silent)]
    assert "停窑、禁运" in lines[1]
    assert lines[1].endswith("是")
    assert lines[2].endswith(",")
    run("notice", "receipts", "-o", tmp_path / "r.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").active
    assert sheet is not None
    assert sheet.max_row == 3


def test_dead_deliveries_are_listed_and_replayed(run: Run, desk: Connection) -> None:
    announce(desk, Notice("order", "warning:1", "x", "mill", MAJOR, "停窑", ""), now=NOW)
    assert "neither numbers" in run("delivery", "replay", fails=True)
    claim = claim_message(desk, Lane("w", ("mqtt",), 1, dt.timedelta(minutes=1)), channel_policies(), now=NOW)
    assert claim is not None
    note_failed(desk, claim, error="没有会话 [mqtt]", due_at=None, now=NOW)
    assert "没有会话 [mqtt]" in run("delivery", "list", "--state", "dead")
    assert "dead" in run("delivery", "show", claim.items[0].delivery_id)
    assert "1 deliveries" in run("delivery", "replay", "--all")
    assert "没有会话" in run("delivery", "list", "--state", "waiting")
    assert "no try yet" in run("delivery", "show", 99, fails=True)
