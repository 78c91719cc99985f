"""Accounts and the audit trail: who may sign in is the administrator's, what was done is nobody's to change."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from app.main import main
from app.service.first_account import FIRST, ensure_first_account, first_password_file, read_first_password
from app.settings import Settings
from store.connection import connect
from tests.console.conftest import FIRST_ENTERPRISE, running_console

SHOWN = re.compile(r"<code>([A-Za-z0-9]{4}(?:-[A-Za-z0-9]{4}){3})</code>")


def test_an_administrator_makes_an_account_that_signs_in(console: Any) -> None:
    boss = console.person("boss", "administrator")
    made = boss.post(
        "/account", {"id": "Zhao", "name_zh": "赵", "role": "enterprise", "enterprise_id": FIRST_ENTERPRISE}
    )
    password = SHOWN.search(made.text)
    assert password is not None, made.text
    assert password[1] not in boss.get("/account").text
    browser = console.browser()
    assert browser.sign_in("zhao", password[1]).url.path == "/password"
    again = boss.post("/account", {"id": "zhao", "name_zh": "赵", "role": "operator"})
    assert again.status_code == 422
    assert "已经存在" in again.text
    assert "所属企业" in boss.post("/account", {"id": "qian", "name_zh": "钱", "role": "enterprise"}).text
    assert "用户名应为" in boss.post("/account", {"id": "q", "name_zh": "钱", "role": "operator"}).text
    assert "请选择角色" in boss.post("/account", {"id": "qian", "name_zh": "钱", "role": "king"}).text
    reset = SHOWN.search(boss.post("/account/zhao/password").text)
    assert reset is not None
    assert reset[1] != password[1]
    assert browser.get("/").url.path == "/sign-in"


def test_roles_change_and_the_last_administrator_stays(console: Any) -> None:
    boss, li = console.person("boss", "administrator"), console.person("li", "operator")
    assert "至少应有一个" in boss.post("/account/boss/disable").text
    assert "至少应有一个" in boss.post("/account/boss/role", {"role": "operator"}).text
    assert boss.post("/account/li/role", {"role": "administrator"}).status_code == 200
    assert li.get("/").url.path == "/sign-in"
    li.sign_in("li")
    assert li.get("/account").status_code == 200
    assert li.post("/account/boss/disable").status_code == 200
    assert boss.get("/").url.path == "/sign-in"
    assert li.post("/account/boss/enable").status_code == 200
    boss.sign_in("boss")
    done = [row[0] for row in console.rows("select action from audit_event where account_id = 'li' order by id")]
    assert done[-2:] == ["account.disable", "account.enable"]
    shown = boss.get("/audit?account=li").text
    assert "停用账号" in shown
    assert "account/boss" in shown


def test_tokens_are_shown_once_and_are_ones_own(console: Any) -> None:
    li, wang = console.person("li", "operator"), console.person("wang", "operator")
    made = li.post("/me/token", {"name": "大屏", "days": "30"})
    secret = re.search(r"lt_[\w-]{43}", made.text)
    assert secret is not None
    assert secret[0] not in li.get("/me").text
    headers = {"authorization": f"Bearer {secret[0]}"}
    assert console.browser(**headers).get("/api/v1/overview").status_code == 200
    (number,) = console.rows("select id from api_token")[0]
    assert wang.post(f"/me/token/{number}/revoke").status_code == 404
    assert "已吊销" in li.post(f"/me/token/{number}/revoke").text
    assert console.browser(**headers).get("/api/v1/overview").status_code == 401
    assert "请填写用途" in li.post("/me/token", {"name": "", "days": "30"}).text
    assert "请填写用途" in li.post("/me/token", {"name": "x", "days": "9999"}).text


@pytest.mark.parametrize("role", ["lantian_app", "lantian_owner"])
@pytest.mark.parametrize(
    "statement", ["update audit_event set action = 'a.b'", "delete from audit_event", "truncate audit_event"]
)
def test_the_audit_trail_cannot_be_changed(seeded: Any, role: str, statement: str) -> None:
    with connect(seeded.url(role)) as conn:
        conn.execute("insert into audit_event (action) values ('test.done')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_no_role_of_the_application_edits_the_audit_trail_in_any_way(seeded: Any) -> None:
    with connect(seeded.url("lantian_app")) as conn:
        conn.execute("insert into audit_event (action) values ('test.done')")
    ways = (
        *(f"update lantian.audit_event set {name} = {name}" for name in ("at", "action", "account_id")),
        *(f"{verb} lantian.audit_event" for verb in ("delete from", "truncate", "drop table")),
        *("alter table lantian.audit_event disable trigger all", "set session_replication_role = 'replica'"),
    )
    done = []
    for role in ("lantian_app", "lantian_writer", "lantian_reader"):
        for way in ways:
            with connect(seeded.url(role)) as conn:
                try:
                    conn.execute(way)  # type: ignore[arg-type]
                    done.append((role, way))
                except psycopg.errors.InsufficientPrivilege:
                    conn.rollback()
    assert done == []
    with connect(seeded.url("lantian_owner")) as conn:
        assert conn.execute("select count(*) from audit_event where action = 'test.done'").fetchone() == (1,)


@pytest.mark.parametrize("table", ["account", "session", "api_token", "sign_in", "audit_event", "stranger_refusal"])
def test_screens_and_the_collector_see_nothing_of_the_console(seeded: Any, table: str) -> None:
    for role in ("lantian_reader", "lantian_writer"):
        with connect(seeded.url(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"select from lantian.{table}")


def test_the_first_account_waits_with_a_password_in_a_file(seeded: Any, tmp_path: Any, monkeypatch: Any) -> None:
    urls = {f"database_{role}_url": seeded.url(f"lantian_{role}") for role in ("owner", "writer", "app", "reader")}
    settings = Settings(home=tmp_path / "home", **urls)
    assert ensure_first_account(settings)
    assert not ensure_first_account(settings)
    path = first_password_file(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    password = read_first_password(settings)
    assert password is not None
    with running_console(seeded, settings.home) as console:
        browser = console.browser()
        assert browser.sign_in(FIRST, password).url.path == "/password"
        secret = browser.csrf("/password")
        change = {"csrf": secret, "old": password, "new": "quite another 5", "again": "quite another 5"}
        assert browser.client.post("/password", data=change).url.path == "/"
    assert read_first_password(settings) is None


def test_accounts_from_the_command_line(seeded: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path))
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", seeded.url(f"lantian_{role}"))

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["account", *words])

    added = run("add", "li", "--name-zh", "李", "--role", "administrator")
    assert added.exit_code == 0, added.output
    password = re.search(r"password (\S+)", added.output)
    assert password is not None
    assert run("add", "li", "--name-zh", "李", "--role", "operator").exit_code == 2
    assert run("add", "ren", "--name-zh", "任", "--role", "enterprise").exit_code == 2
    assert run("add", "ren", "--name-zh", "任", "--role", "enterprise", "--enterprise", "nothing").exit_code == 2
    assert run("add", "ren", "--name-zh", "任", "--role", "enterprise", "--enterprise", FIRST_ENTERPRISE).exit_code == 0
    listed = run("list").output
    assert "管理员" in listed
    assert FIRST_ENTERPRISE in listed
    assert run("role", "li", "operator").exit_code == 2
    assert run("disable", "li").exit_code == 2
    assert run("disable", "ren").exit_code == 0
    assert "停用" in run("list").output
    assert run("disable", "ren", "--undo").exit_code == 0
    other = re.search(r"password (\S+)", run("password", "li").output)
    assert other is not None
    assert other[1] != password[1]
    with running_console(seeded, tmp_path) as console:
        assert console.browser().sign_in("li", other[1]).url.path == "/password"
        assert console.browser().sign_in("li", password[1]).status_code == 403
