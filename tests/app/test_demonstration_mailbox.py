"""Mailboxes of the demonstration's enterprises: a notice is taken although nobody listens; accounts are made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.link import Broker, MqttChannel
from alerting.message import Message
from app.demonstration_mailbox import open_mailboxes
from app.service.account import enterprise_account
from app.service.local import LocalServices
from app.service.state import ProcessState, State, write_state
from app.settings import Settings
from domain.error import ServiceError


@pytest.fixture(scope="module")
def services(scratch: Path, runtime_cache: Path) -> Iterator[LocalServices]:
    with LocalServices(scratch / "mailbox", runtime_cache, database=False, broker_port=0, autosave_s=1) as running:
        assert running.broker is not None
        # Where access looks for the broker that it tells of new accounts.
        write_state(running, State(phase="running", processes=[ProcessState("mosquitto", running.broker.pid)]))
        yield running


def notice(enterprise: str) -> Message:
    return Message("k1", "demo", enterprise, "减排", "减排\n编号 k1", {"key": "k1"}, "zhongyang", enterprise, 1)


def test_a_notice_is_kept_for_an_enterprise_with_a_mailbox_only(services: LocalServices) -> None:
    settings, now = Settings(home=services.folder), dt.datetime.now(dt.UTC)
    known = services.broker_for("notifier")
    channel = MqttChannel(Broker(known.host, known.port, known.username, known.password), "notifier-test", timeout_s=5)
    assert open_mailboxes(settings, "zhongyang", ["fuyu-coking"], now) == ["fuyu-coking"]
    channel.send(notice("fuyu-coking"))
    with pytest.raises(ServiceError, match="no session"):
        channel.send(notice("zhongyang-steel"))
    account = services.credential_file.load().devices[enterprise_account("fuyu-coking")]
    assert open_mailboxes(settings, "zhongyang", ["fuyu-coking"], now) == ["fuyu-coking"]
    assert services.credential_file.load().devices[enterprise_account("fuyu-coking")] == account
    channel.close()


def test_nothing_is_made_at_a_broker_of_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    elsewhere = replace(settings, broker_host="mqtt.example.org", broker_credentials_file=tmp_path / "accounts.toml")
    assert open_mailboxes(elsewhere, "zhongyang", ["fuyu-coking"], dt.datetime.now(dt.UTC)) == []
