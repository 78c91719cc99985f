"""Enterprises at the real broker, with TLS: own branch only, notices arrive, nobody listening is a failure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mqtt_device import Client, wait_for

from alerting.link import Broker, MqttChannel
from alerting.message import Message
from app.command.device import access_text
from app.service.access import DeviceAccess
from app.service.account import enterprise_account
from app.service.listener import TlsListener
from app.service.local import LocalServices
from app.service.port import free_port
from domain.error import ConfigurationError, ServiceError

NOTICE, REPLY, ACK = (f"lt/v1/zy/enterprise/mill/{stream}" for stream in ("notice", "reply", "ack"))
NOT_AUTHORISED = 0x87


@pytest.fixture(scope="module")
def services(scratch: Path, runtime_cache: Path) -> Iterator[LocalServices]:
    listener = TlsListener("127.0.0.1", free_port(0), "none")
    with LocalServices(
        scratch / "enterprise", runtime_cache, database=False, broker_port=0, autosave_s=1, tls=listener
    ) as running:
        yield running


@pytest.fixture(scope="module")
def access(services: LocalServices) -> DeviceAccess:
    return DeviceAccess(services, services.user, lambda: services.broker.pid if services.broker else None)


def message(enterprise: str = "mill") -> Message:
    body = {"key": "k1", "notices": [{"subject": "停窑"}]}
    return Message("k1", "mill-dcs", enterprise, "停窑", "停窑\n编号 k1", body, "zy", enterprise, 1)


def encrypted(services: LocalServices, access: DeviceAccess) -> Broker:
    """The platform's own account on the TLS listener."""
    assert services.broker is not None
    assert services.broker.tls is not None
    known = services.broker_for("notifier")
    port = services.broker.tls.port
    return Broker("localhost", port, known.username, known.password, access.authority.certificate_file)


def test_notices_reach_an_enterprise_over_tls_and_only_it(services: LocalServices, access: DeviceAccess) -> None:
    now, broker = dt.datetime.now(dt.UTC), encrypted(services, access)
    for name in ("mill", "oven"):
        access.create(enterprise_account(name), now)
    clients = [
        Client(
            replace(services.broker_for(enterprise_account(name)), host="localhost", port=broker.port),
            ca=access.authority.certificate_file,
        )
        for name in ("mill", "oven")
    ]
    mill, oven = clients
    mill.subscribe(NOTICE, REPLY)
    channel = MqttChannel(broker, "lantian-notifier-test", timeout_s=5)
    with pytest.raises(ServiceError, match="enterprise oven has no session"):
        channel.send(message("oven"))
    oven.subscribe(NOTICE, "lt/v1/+/enterprise/+/notice", "#", ACK)
    channel.send(message())
    assert wait_for(lambda: bool(mill.messages))
    assert json.loads(mill.messages[0][1])["notices"] == [{"subject": "停窑"}]
    assert mill.publish(ACK, b"{}") in (0, 16)
    assert mill.publish(NOTICE, b"{}") == NOT_AUTHORISED
    assert oven.publish(ACK, b"{}") == NOT_AUTHORISED
    assert oven.messages == []
    with pytest.raises(ConfigurationError, match="expected one to an enterprise"):
        channel.send(replace(message(), enterprise_id=None))
    channel.close()
    for client in clients:
        client.close()
    assert "lt/v1/+/enterprise/mill/ack" in access_text("enterprise.mill", access.read("enterprise.mill"))


def test_a_stranger_authority_and_an_absent_broker_are_failures(services: LocalServices, access: DeviceAccess) -> None:
    for broker in (
        replace(encrypted(services, access), port=free_port(0)),
        replace(encrypted(services, access), password="wrong"),
    ):
        channel = MqttChannel(broker, "lantian-notifier-lost", timeout_s=0.5)
        with pytest.raises(ServiceError, match="no connection within"):
            channel.send(message())
        channel.close()


def test_revoking_ends_an_enterprises_connection(services: LocalServices, access: DeviceAccess) -> None:
    name = enterprise_account("kiln")
    access.create(name, dt.datetime.now(dt.UTC))
    kiln = Client(services.broker_for(name))
    assert kiln.refused is None
    assert access.revoke(name, dt.datetime.now(dt.UTC))
    assert kiln.ended.wait(5)
