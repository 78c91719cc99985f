"""The broker as configured: who is let in, who may write where, what is kept; and that data survive restarts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from app.service.home import BrokerAddress, Home
from app.service.local import LocalServices
from app.service.probe import kept_while_away, login_refusal, publish_refusal
from domain.error import ServiceError

Addresses = Callable[[str], BrokerAddress]


def test_anonymous_and_wrong_password_are_refused(broker: Addresses) -> None:
    address = broker("collector")
    assert login_refusal(address, address.password) is None
    assert login_refusal(address, None) is not None
    assert login_refusal(address, "wrong") is not None
    assert login_refusal(replace(address, username="nobody"), address.password) is not None


@pytest.mark.parametrize(
    ("account", "topic", "allowed"),
    [
        ("collector", "lt/v1/c/json/d/reply", True),
        ("collector", "lt/v1/c/json/d/error", True),
        ("collector", "lt/v1/c/json/d/cmd", True),
        ("collector", "lt/v1/c/json/d/data", False),
        ("simulator", "lt/v1/c/hj212/d/data", True),
        ("simulator", "lt/v1/c/hj212/d/state", True),
        ("simulator", "lt/v1/c/hj212/d/reply", False),
        ("replay", "lt/v1/c/json/d/data", True),
        ("replay", "lt/v1/c/json/d/cmd", False),
        ("doctor", "lt/v1/c/json/d/data", False),
        ("doctor", "lt/v1/doctor/x", True),
    ],
)
def test_accounts_write_only_where_they_must(broker: Addresses, account: str, topic: str, allowed: bool) -> None:
    assert (publish_refusal(broker(account), topic) is None) is allowed


def test_device_reaches_only_its_own_branch(device_account: Addresses) -> None:
    address = device_account("acl-device-1")
    device_account("acl-device-2")
    assert publish_refusal(address, "lt/v1/c/json/acl-device-1/data") is None
    assert publish_refusal(address, "lt/v1/c/json/acl-device-1/state") is None
    assert publish_refusal(address, "lt/v1/c/json/acl-device-1/reply") is not None
    assert publish_refusal(address, "lt/v1/c/json/acl-device-2/data") is not None
    assert publish_refusal(address, "lt/v1/c/json/acl-device-1/data/x") is not None


def test_revoked_and_rotated_passwords_stop_working(services: LocalServices, device_account: Addresses) -> None:
    old = device_account("acl-device-3")
    new = device_account("acl-device-3")
    assert login_refusal(new, new.password) is None
    assert login_refusal(old, old.password) is not None
    extra = services.ensure_account("acl-extra")
    assert services.ensure_account("acl-extra") == extra
    assert login_refusal(extra, extra.password) is None
    services.remove_account("acl-extra")
    assert login_refusal(extra, extra.password) is not None


def test_more_than_the_brokers_defaults_is_kept(broker: Addresses) -> None:
    assert kept_while_away(broker("doctor"), 1200) == 1200


def test_roles_are_no_superusers(services: LocalServices, database: object) -> None:
    with psycopg.connect(services.database_url("lantian_app")) as connection:
        rows = connection.execute("select rolname from pg_roles where rolname like 'lantian%' and rolsuper").fetchall()
        assert rows == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create table public.mine (n int)")


def test_services_restart_with_data_on_other_ports(scratch: Path, runtime_cache: Path) -> None:
    """Crash and clean stop keep rows and passwords; a taken port is replaced, and told."""
    home = scratch / "restart"
    settings = {"durable": True, "database_port": 0, "broker_port": 0}
    with LocalServices(home, runtime_cache, **settings) as services:
        with psycopg.connect(services.database_url("lantian_owner"), autocommit=True) as connection:
            connection.execute("create table public.kept (n int)")
            connection.execute("insert into public.kept values (1)")
        first = services.ports()
        with pytest.raises(ServiceError, match="running already"):
            LocalServices(home, runtime_cache).start()
        services.kill_database()
        services.kill_broker()
        assert services.restart_missing() == ["postgres", "mosquitto"]
        assert services.ports() == first
        url = services.database_url("lantian_owner")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("insert into public.kept values (2)")
    assert Home(home).keeper() is None
    said: list[str] = []
    with socket.create_server(("127.0.0.1", first["database"])), socket.create_server(("127.0.0.1", first["broker"])):
        again = LocalServices(home, runtime_cache, reporter=_Remarks(said), **settings)
        with again:
            second = again.ports()
            with psycopg.connect(again.database_url("lantian_app")) as connection:
                assert connection.execute("select current_setting('fsync')").fetchone() == ("on",)
            with psycopg.connect(again.database_url("lantian_owner")) as connection:
                assert connection.execute("select n from public.kept order by n").fetchall() == [(1,), (2,)]
            assert login_refusal(again.broker_for("doctor"), again.broker_for("doctor").password) is None
    assert second["database"] != first["database"]
    assert second["broker"] != first["broker"]
    assert len([text for text in said if "is taken" in text]) == 2


class _Remarks:
    def __init__(self, said: list[str]) -> None:
        self._said = said

    def step(self, text: str) -> None:
        pass

    def part(self, done: float) -> None:
        pass

    def say(self, text: str) -> None:
        self._said.append(text)
