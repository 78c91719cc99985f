"""`lantian gateway` from the outside: settings, passwords, doctor, its place among the processes of `lantian up`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.command import gateway as command_module
from app.command.gateway import command
from app.service.gateway_check import gateway_findings
from app.service.supervisor import child_commands
from app.settings import Settings
from ingest.gateway.identity import is_password
from store.connection import connect
from store.gateway import read_loggers
from store.registry import NewDevice, NewSite, upsert_device, upsert_site


@pytest.fixture
def registered(database: Any) -> None:
    with connect(database.url("lantian_app")) as conn:
        conn.execute("insert into area (id, name_zh) values ('gwc', '测试县')")
        upsert_site(conn, NewSite("s1", "gwc", "micro", "测试点"))
        upsert_device(conn, NewDevice("gwc-1", "s1", "hj212", "air", mn="GWC1"))
        upsert_device(conn, NewDevice("gwc-2", "s1", "hj212", "air", mn="GWC2"))
        upsert_device(conn, NewDevice("gwc-3", "s1", "json", "air"))


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_without_a_port_nothing_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path))
    result = CliRunner().invoke(command, [])
    assert result.exit_code != 0
    assert "gateway_port" in str(result.exception)
    assert "gateway" not in child_commands(Settings(home=tmp_path))
    assert child_commands(Settings(home=tmp_path, gateway_port=9002))["gateway"] == ["gateway"]


def test_a_password_is_kept_as_a_digest_and_cleared(
    database: Any, registered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_module, "app_database_url", lambda: database.url("lantian_app"))

    def stored() -> str | None:
        with connect(database.url("lantian_writer")) as conn:
            return read_loggers(conn)[0]["GWC1"].access_password

    assert CliRunner().invoke(command, ["password", "gwc-1"], input="214365\n").exit_code == 0
    digest = stored()
    assert digest is not None
    assert "214365" not in digest
    assert is_password(digest, "214365")
    assert not is_password(digest, "123456")
    assert CliRunner().invoke(command, ["password", "gwc-1", "--clear"]).exit_code == 0
    assert stored() is None
    refused = CliRunner().invoke(command, ["password", "gwc-3"], input="214365\n")
    assert "gwc-3" in str(refused.exception)
    refused = CliRunner().invoke(command, ["password", "gwc-1"], input="a;b\n")
    assert "1 to 24" in str(refused.exception)


def test_doctor_says_whose_password_is_not_checked(
    database: Any, registered: None, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.service.gateway_check.database_url", lambda _settings: database.url("lantian_app"))
    assert list(gateway_findings(Settings())) == []
    found = {
        each.subject: each for each in gateway_findings(Settings(gateway_address="127.0.0.1", gateway_port=listening))
    }
    assert found["gateway"].verdict == "ok"
    assert found["gateway passwords"].verdict == "warn"
    assert "0 of 2" in found["gateway passwords"].found
    many = Settings(gateway_address="127.0.0.1", gateway_port=1, gateway_max_connections=1_000_000)
    found = {each.subject: each for each in gateway_findings(many)}
    assert found["gateway"].verdict == "fail"
