"""Credentials and TLS against the real broker: own branch only, revoked at once, certificates checked both ways."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mqtt_device import Client, handshake_refusal, wait_for

from app.command.device import access_text, write_certificate
from app.service.access import DeviceAccess, local_access
from app.service.address import BrokerAddress
from app.service.authority import Authority
from app.service.listener import TlsListener, parsed_listener
from app.service.local import LocalServices
from app.service.port import free_port
from app.settings import Settings
from domain.error import ConfigurationError

NOT_AUTHORISED = 0x87
DELIVERED = (0, 16)
NOBODY = "Not authorized"


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass
class Site:
    """A broker of our own with a TLS listener and what changes its credentials."""

    services: LocalServices
    access: DeviceAccess
    folder: Path

    @property
    def ca(self) -> Path:
        return self.access.authority.certificate_file

    def tls(self, address: BrokerAddress) -> BrokerAddress:
        """The same account on the TLS listener."""
        assert self.services.broker is not None
        assert self.services.broker.tls is not None
        return replace(address, host="127.0.0.1", port=self.services.broker.tls.port)

    def pair(self, device: str) -> tuple[Path, Path]:
        """Files of a new certificate for a device."""
        files = write_certificate(self.access, device, 30, self.folder / device)
        return files[0], files[1]


def site_with(folder: Path, cache: Path, certificates: str) -> Iterator[Site]:
    home = folder / f"tls-{certificates}"
    listener = TlsListener("127.0.0.1", free_port(0), certificates)
    with LocalServices(home, cache, database=False, broker_port=0, autosave_s=1, tls=listener) as services:
        access = DeviceAccess(services, services.user, lambda: services.broker.pid if services.broker else None)
        yield Site(services, access, home / "out")


@pytest.fixture(scope="module")
def plain(scratch: Path, runtime_cache: Path) -> Iterator[Site]:
    yield from site_with(scratch, runtime_cache, "none")


@pytest.fixture(scope="module")
def strict(scratch: Path, runtime_cache: Path) -> Iterator[Site]:
    yield from site_with(scratch, runtime_cache, "required")


@pytest.fixture(scope="module")
def identity(scratch: Path, runtime_cache: Path) -> Iterator[Site]:
    yield from site_with(scratch, runtime_cache, "identity")


def test_a_device_reaches_its_own_branch_and_nothing_else(plain: Site) -> None:
    own, other = plain.access.create("own", now()), plain.access.create("other", now())
    collector = Client(plain.services.broker_for("collector"), client_id="listening")
    collector.subscribe("lt/v1/#")
    device, neighbour = Client(own), Client(other)
    assert device.publish("lt/v1/zy/json/own/data", b"mine") in DELIVERED
    assert device.publish("lt/v1/zy/json/own/state", b"on") in DELIVERED
    forbidden = [
        *("lt/v1/zy/json/other/data", "lt/v1/zy/json/own/cmd", "lt/v1/zy/json/own/reply", "lt/v1/zy/json/data"),
        *("lt/v1/zy/json/own/data/more", "lt/v2/zy/json/own/data", "own", "$CONTROL/dynamic-security/v1"),
    ]
    assert [device.publish(topic, b"no") for topic in forbidden] == [NOT_AUTHORISED] * len(forbidden)

    device.subscribe("lt/v1/zy/json/other/cmd", "lt/v1/+/+/+/data", "#", "$SYS/#", "lt/v1/zy/json/own/cmd")
    assert collector.publish("lt/v1/zy/json/other/cmd", b"secret") in DELIVERED
    assert neighbour.publish("lt/v1/zy/json/other/data", b"secret") in DELIVERED
    assert collector.publish("lt/v1/zy/json/own/cmd", b"for you") in DELIVERED
    assert wait_for(lambda: ("lt/v1/zy/json/own/cmd", b"for you") in device.messages)
    assert {topic for topic, _ in device.messages} == {"lt/v1/zy/json/own/cmd"}
    assert wait_for(lambda: len(collector.messages) >= 5)
    assert {payload for _, payload in collector.messages} == {b"mine", b"on", b"secret", b"for you"}
    for client in (device, neighbour, collector):
        client.close()


def test_anonymous_and_wrong_passwords_are_refused(plain: Site) -> None:
    address = plain.access.create("known", now())
    assert Client(replace(address, username="", password="")).refused == NOBODY
    assert Client(replace(address, password="guess")).refused == NOBODY
    assert Client(replace(address, username="nobody")).refused == NOBODY
    assert Client(replace(plain.tls(address), username="", password=""), ca=plain.ca).refused == NOBODY


def test_rotation_and_revocation_end_open_connections_at_once(plain: Site) -> None:
    first, bystander = plain.access.create("turner", now()), plain.access.create("bystander", now())
    device, calm = Client(first), Client(bystander)
    with pytest.raises(ConfigurationError, match="has an account already"):
        plain.access.create("turner", now())
    second = plain.access.rotate("turner", now())
    assert device.ended.wait(5)
    assert Client(first).refused == NOBODY
    device = Client(second)
    assert device.refused is None
    assert plain.access.revoke("turner", now())
    assert device.ended.wait(5)
    assert Client(second).refused == NOBODY
    assert not plain.access.revoke("turner", now())
    assert not calm.ended.is_set()
    assert calm.publish("lt/v1/zy/json/bystander/data") in DELIVERED
    calm.close()


def test_a_collector_that_is_away_keeps_its_messages_through_a_change(plain: Site) -> None:
    account = plain.services.broker_for("collector")
    collector = Client(account, client_id="away", keep=True)
    collector.subscribe("lt/v1/#")
    collector.close()
    device = Client(plain.access.create("patient", now()))
    assert device.publish("lt/v1/zy/json/patient/data", b"kept") == 0
    device.close()
    plain.access.revoke("patient", now())
    back = Client(account, client_id="away", keep=True)
    assert back.session_present
    assert wait_for(lambda: (b"kept") in [payload for _, payload in back.messages])
    back.close()


def test_tls_checks_the_authority_and_the_name(plain: Site, tmp_path: Path) -> None:
    address = plain.tls(plain.access.create("safe", now()))
    client = Client(address, ca=plain.ca)
    assert client.publish("lt/v1/zy/json/safe/data") in DELIVERED
    client.close()
    stranger = Authority(tmp_path / "stranger")
    stranger.ensure(["localhost"], now())
    assert "CERTIFICATE_VERIFY_FAILED" in str(handshake_refusal(address, stranger.certificate_file))
    assert "Hostname mismatch" in str(handshake_refusal(address, plain.ca, "elsewhere.example"))
    assert handshake_refusal(address, plain.ca, "localhost") is None
    assert Client(address).refused is not None  # no TLS spoken to a listener with TLS


def test_on_the_tls_listener_nobody_takes_a_session_over(plain: Site) -> None:
    collector = Client(plain.services.broker_for("collector"), client_id="lantian-collector", keep=True)
    thief = Client(
        plain.tls(plain.access.create("thief", now())), client_id="lantian-collector", ca=plain.ca, keep=True
    )
    assert thief.refused is None
    assert not thief.session_present
    assert not collector.ended.wait(0.3)
    thief.close()
    collector.close()


def test_a_certificate_is_needed_besides_the_password(strict: Site, tmp_path: Path) -> None:
    address = strict.tls(strict.access.create("guarded", now()))
    pair = strict.pair("guarded")
    assert Client(address, ca=strict.ca).refused is not None
    assert Client(replace(address, password="guess"), ca=strict.ca, pair=pair).refused == NOBODY
    foreign = Authority(tmp_path / "foreign")
    foreign.ensure(["localhost"], now())
    forged = foreign.issue("guarded", now())
    files = tmp_path / "forged.crt", tmp_path / "forged.key"
    files[0].write_text(forged.certificate)
    files[1].write_text(forged.key)
    assert Client(address, ca=strict.ca, pair=files).refused is not None
    device = Client(address, ca=strict.ca, pair=pair)
    assert device.publish("lt/v1/zy/json/guarded/data") in DELIVERED
    strict.access.revoke("guarded", now())
    assert device.ended.wait(5)
    again = strict.tls(strict.access.create("guarded", now()))
    assert Client(again, ca=strict.ca, pair=pair).refused is not None
    assert pair[1].stat().st_mode & 0o777 == 0o600


def test_a_certificate_alone_says_who_it_is_until_it_is_revoked(identity: Site) -> None:
    anyone = identity.tls(BrokerAddress("", 0, "", ""))
    pair, other = identity.pair("gauge"), identity.pair("neighbour")
    device = Client(anyone, client_id="whatever", ca=identity.ca, pair=pair)
    calm = Client(anyone, ca=identity.ca, pair=other)
    assert device.publish("lt/v1/zy/json/gauge/data") in DELIVERED
    assert device.publish("lt/v1/zy/json/neighbour/data") == NOT_AUTHORISED
    assert "holds until" in access_text("gauge", identity.access.read("gauge"))
    assert identity.access.revoke("gauge", now())
    assert device.ended.wait(5)
    assert Client(anyone, ca=identity.ca, pair=pair).refused is not None
    assert "revoked" in access_text("gauge", identity.access.read("gauge"))
    assert calm.publish("lt/v1/zy/json/neighbour/data") in DELIVERED
    calm.close()


def served(site: Site) -> str:
    """The certificate that the broker shows."""
    address = site.tls(BrokerAddress("", 0, "", ""))
    return ssl.get_server_certificate((address.host, address.port))


def test_the_brokers_certificate_is_rotated_while_it_runs(plain: Site) -> None:
    listener = plain.services.broker.tls if plain.services.broker else None
    assert listener is not None
    address, before = plain.tls(plain.access.create("renewed", now())), served(plain)
    old, topic = plain.ca.read_text(), "lt/v1/zy/json/renewed/data"
    sender = Client(address, ca=plain.ca)
    assert sender.publish(topic) in DELIVERED
    plain.access.authority.renew_server(listener.names, now())
    plain.access.apply()
    assert wait_for(lambda: served(plain) != before)
    assert sender.publish(topic) in DELIVERED  # on the connection that was open before
    client = Client(address, ca=plain.ca)
    assert client.refused is None
    client.close()
    sender.close()
    plain.access.authority.rotate(listener.names, now())
    plain.access.apply()
    kept = plain.folder.parent / "old.crt"
    kept.write_text(old)
    assert wait_for(lambda: handshake_refusal(address, kept) is not None)
    client = Client(address, ca=plain.ca)
    assert client.refused is None
    client.close()


def test_certificates_are_kept_and_renewed_in_time(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    authority.ensure(["mqtt.example", "10.0.0.1"], now())
    first, root = authority.server_certificate(), authority.certificate()
    authority.ensure(["mqtt.example"], now())
    assert authority.server_certificate() == first
    authority.ensure(["mqtt.example", "new.example"], now())
    second = authority.server_certificate()
    assert second != first
    authority.ensure(["new.example"], now() + dt.timedelta(days=800))
    assert authority.server_certificate() != second
    assert authority.certificate() == root
    assert {path.stat().st_mode & 0o777 for path in authority.folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("address", "certificates"), [("8883", "none"), ("0.0.0.0:", "none"), ("[::]:99999", "none"), (":1:8883", "no")]
)
def test_a_wrong_listener_is_named(address: str, certificates: str) -> None:
    with pytest.raises(ConfigurationError, match="broker_tls_"):
        parsed_listener(address, certificates, "")


def test_a_broker_elsewhere_has_no_credentials_here(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, broker_host="mqtt.example", broker_credentials_file=tmp_path / "x")
    with pytest.raises(ConfigurationError, match=r"mqtt\.example"):
        local_access(settings)
    with pytest.raises(ConfigurationError, match="lantian up"):
        local_access(Settings(home=tmp_path))


def test_strangers_who_fill_the_tls_listener_do_not_keep_the_platform_out(scratch: Path, runtime_cache: Path) -> None:
    listener = TlsListener("127.0.0.1", free_port(0), connections=3)
    with (
        LocalServices(scratch / "crowd", runtime_cache, database=False, broker_port=0, tls=listener) as services,
        ExitStack() as stack,
    ):

        def told(at: int) -> bytes | None:
            """What a further connection is told within a moment: nothing while it is held, its end when refused."""
            one = stack.enter_context(socket.create_connection(("127.0.0.1", listener.port), 5))
            one.settimeout(0.5 if at < 3 else 5)
            try:
                return one.recv(1)
            except TimeoutError:
                return None
            except ConnectionResetError:
                return b""

        assert [told(at) for at in range(5)] == [None, None, None, b"", b""]
        collector = Client(services.broker_for("collector"), client_id="inside")
        assert collector.refused is None
        assert collector.publish("lt/v1/zy/json/own/cmd") in DELIVERED
        collector.close()
