"""`lantian doctor` on certificates: days left, what ends soon or has ended; the certificate of a broker elsewhere."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from pathlib import Path
from socket import create_server

import pytest

from app.service.authority import Authority
from app.service.certificate_check import certificate_findings, served_findings
from app.settings import Settings
from domain.error import ServiceError

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def day(number: int) -> dt.datetime:
    return NOW + dt.timedelta(days=number)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, broker_tls_address="127.0.0.1:8883")


@pytest.fixture
def authority(settings: Settings) -> Authority:
    made = Authority(settings.home / "tls")
    made.ensure(["localhost", "127.0.0.1"], NOW)
    return made


def seen(settings: Settings, now: dt.datetime) -> dict[str, tuple[str, str]]:
    return {one.subject: (one.verdict, one.found) for one in certificate_findings(settings, now)}


def test_without_tls_there_is_nothing_to_check(tmp_path: Path) -> None:
    assert list(certificate_findings(Settings(home=tmp_path), NOW)) == []
    (missing,) = certificate_findings(Settings(home=tmp_path, broker_tls_address="127.0.0.1:8883"), NOW)
    assert (missing.verdict, missing.found) == ("warn", "not made yet")


def test_days_left(settings: Settings, authority: Authority) -> None:
    authority.issue("long", NOW)
    authority.issue("short", NOW, days=40)
    assert seen(settings, NOW) == {
        "authority": ("ok", "3650 days left, until 2036-02-27"),
        "broker certificate": ("ok", "820 days left, until 2028-05-29"),
        "device certs": ("ok", "2 hold, the first ends in 40 days"),
    }


def test_what_ends_soon_and_what_has_ended(settings: Settings, authority: Authority) -> None:
    for name, days in (("old", 5), ("renewed", 5), ("gone", 5), ("fine", 3000)):
        authority.issue(name, NOW, days=days)
    authority.issue("renewed", NOW, days=3000)
    authority.revoke("gone", NOW)
    assert seen(settings, day(6))["device certs"] == ("warn", "1 of 3 end soon or have ended: old (-1 days)")
    assert seen(settings, day(790))["broker certificate"] == ("ok", "30 days left, until 2028-05-29")
    assert seen(settings, day(791))["broker certificate"][0] == "warn"
    assert seen(settings, day(821))["broker certificate"] == ("fail", "ended on 2028-05-29")
    assert seen(settings, day(3471))["authority"] == ("warn", "179 days left, until 2036-02-27")
    assert seen(settings, day(3651))["authority"] == ("fail", "ended on 2036-02-27")


def test_the_certificate_of_a_broker_elsewhere(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority, stranger = Authority(tmp_path / "there"), Authority(tmp_path / "stranger")
    for one in (authority, stranger):
        one.ensure(["localhost"], now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
    with create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                accepted, _ = listener.accept()
                try:
                    context.wrap_socket(accepted, server_side=True).close()
                except OSError:
                    accepted.close()

        thread = threading.Thread(target=serve)
        thread.start()
        named = {"home": tmp_path, "broker_host": "127.0.0.1", "broker_port": listener.getsockname()[1]}
        named["broker_credentials_file"] = tmp_path / "broker.toml"
        good = Settings(broker_ca_file=authority.certificate_file, **named)
        found = {one.subject: (one.verdict, one.found.split(",")[0]) for one in served_findings(good, now)}
        with pytest.raises(ServiceError, match="shows no certificate that holds"):
            list(served_findings(Settings(broker_ca_file=stranger.certificate_file, **named), now))
        thread.join()
    assert found == {"authority": ("ok", "3649 days left"), "broker certificate": ("ok", "819 days left")}
