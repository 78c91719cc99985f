"""`lantian device credential` and `lantian tls` without a running broker: files, messages, what is never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509

from app.main import main
from app.service.home import Home
from domain.county import load_county
from store.connection import connect
from store.registry import load_county as enter_county

Run = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home folder as a stopped `lantian up` leaves it."""
    found = Home(tmp_path / "home")
    (found.folder / "broker").mkdir(parents=True)
    found.credential_file.ensure()
    found.remember_ports(broker=1883)
    return found


@pytest.fixture
def lantian(database: Any, home: Home, monkeypatch: pytest.MonkeyPatch) -> Run:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(home.folder))
    monkeypatch.setenv("LANTIAN_BROKER_TLS_ADDRESS", "0.0.0.0:8883")
    monkeypatch.setenv("LANTIAN_BROKER_TLS_NAMES", "mqtt.bureau.example, 10.1.2.3")
    with connect(database.url("lantian_app")) as conn:
        enter_county(conn, load_county("zhongyang"))

    def run(*arguments: object, status: int = 0) -> str:
        result = CliRunner().invoke(main, [str(each) for each in arguments])
        assert result.exit_code == status, result.output + repr(result.exception)
        return result.output

    return run


def test_a_password_is_shown_once(lantian: Run, home: Home) -> None:
    assert "not in service" not in lantian("device", "credential", "jinluo-air", "show")
    assert "register it" in lantian("device", "credential", "nobody", "create", status=2)
    said = lantian("device", "credential", "jinluo-air", "create")
    password = home.credential_file.load().devices["jinluo-air"].password
    assert f"password {password}" in said
    assert "TLS  mqtt.bureau.example:8883" in said
    assert password not in lantian("device", "credential", "jinluo-air", "show")
    assert "jinluo-air:$7$" in (home.folder / "broker" / "passwords").read_text()
    assert "rotate" in lantian("device", "credential", "jinluo-air", "create", status=2)
    assert password not in lantian("device", "credential", "jinluo-air", "rotate")
    assert "credentials are revoked" in lantian("device", "retire", "jinluo-air")
    assert "jinluo-air" not in (home.folder / "broker" / "passwords").read_text()
    assert "expected some to revoke" in lantian("device", "credential", "jinluo-air", "revoke", status=2)
    assert "register it" in lantian("device", "credential", "jinluo-air", "create", status=2)


def test_authority_and_certificates(lantian: Run, home: Home, tmp_path: Path) -> None:
    assert "found no certificate authority" in lantian(
        "device", "credential", "jinluo-air", "certificate", "--output", tmp_path, status=2
    )
    assert "tls create" in lantian("tls", "show")
    first = lantian("tls", "create")
    assert lantian("tls", "create") == first
    lantian("device", "credential", "jinluo-air", "certificate", "--output", tmp_path, "--days", 10)
    own = x509.load_pem_x509_certificate((tmp_path / "jinluo-air.crt").read_bytes())
    root = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    own.verify_directly_issued_by(root)
    assert own.subject.rfc4514_string() == "CN=jinluo-air"
    server = x509.load_pem_x509_certificate((home.folder / "tls" / "server.crt").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "mqtt.bureau.example" in names.get_values_for_type(x509.DNSName)
    assert "10.1.2.3" in [str(each) for each in names.get_values_for_type(x509.IPAddress)]

    assert "1 certificates hold" in lantian("tls", "show")
    lantian("tls", "rotate", status=1)  # nobody confirmed it
    assert lantian("tls", "show") != lantian("tls", "rotate", "--yes")
    lantian("tls", "authority", tmp_path / "same.crt")
    assert (tmp_path / "same.crt").read_bytes() == (tmp_path / "ca.crt").read_bytes()
    assert "0 certificates hold" in lantian("tls", "rotate", "--authority", "--yes")
    lantian("tls", "authority", tmp_path / "other.crt")
    assert (tmp_path / "other.crt").read_bytes() != (tmp_path / "ca.crt").read_bytes()
    assert (home.folder / "broker" / "server.key").stat().st_mode & 0o777 == 0o600


def test_without_a_listener_there_is_no_tls(lantian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANTIAN_BROKER_TLS_ADDRESS")
    assert "broker_tls_address is not set" in lantian("tls", "show", status=2)
