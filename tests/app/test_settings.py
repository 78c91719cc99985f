"""Settings: where they come from, what is refused, and that every one is documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.service.address import broker_for, database_url
from app.settings import Settings, load_settings
from domain.error import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
URLS = {
    f"LANTIAN_DATABASE_{role.upper()}_URL": f"postgresql://{role}@db/x" for role in ("owner", "writer", "app", "reader")
}


def written(folder: Path, text: str, mode: int = 0o644) -> dict[str, str]:
    path = folder / "lantian.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"LANTIAN_CONFIG": str(path)}


def test_environment_wins_over_file_and_file_over_default(tmp_path: Path) -> None:
    environment = written(
        tmp_path, 'county = "other"\ncollector_batch_size = 7\nhome = "data"\nsettle_interval_s = 2\n'
    )
    settings = load_settings({**environment, "LANTIAN_COLLECTOR_BATCH_SIZE": "9", "LANTIAN_SIMULATOR": "off"})
    assert (settings.county, settings.collector_batch_size, settings.settle_interval_s) == ("other", 9, 2.0)
    assert settings.home == tmp_path / "data"
    assert settings.simulator is False
    assert settings.broker_port == 1883


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colector_batch_size = 5", "did you mean collector_batch_size"),
        ("zzz = 5", "docs/settings.md"),
        ('broker_port = "high"', "expected a whole number"),
        ("broker_port = 70000", "from 1 to 65535"),
        ("broker_port = true", "expected a whole number"),
        ("simulator = 1", "expected true or false"),
        ("retention_raw_frame_days = 29", "expected 0 (for ever) or at least 30"),
        ("compress_reading_days = 6", "expected 0 (never) or at least 7"),
        ('simulator_history = "long"', "YYYY-MM-DD"),
        ('broker_host = "mqtt.example"', "broker_credentials_file together"),
        ("county = ", "lantian.toml"),
    ],
)
def test_wrong_file_is_refused_with_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load_settings(written(tmp_path, text))


def test_unknown_variable_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="LANTIAN_SETTLE_INTERVAL_S"):
        load_settings({"LANTIAN_SETTLE_INTERVAL": "3"})


def test_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load_settings({"LANTIAN_CONFIG": str(tmp_path / "none.toml")})


def test_secret_in_readable_file_is_refused(tmp_path: Path) -> None:
    text = 'grafana_token = "s"\n'
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_settings(written(tmp_path, text))
    assert load_settings(written(tmp_path, text, 0o600)).read_grafana_token() == "s"


def test_secrets_are_not_shown() -> None:
    settings = load_settings({**URLS, "LANTIAN_GRAFANA_TOKEN": "topsecret"})
    assert "topsecret" not in repr(settings)
    assert "postgresql://" not in repr(settings)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"LANTIAN_DATABASE_PORT": "x", "LANTIAN_GRAFANA_TOKEN": "topsecret"})
    assert "topsecret" not in str(caught.value)


def test_named_services_are_addressed(tmp_path: Path) -> None:
    credentials = tmp_path / "broker.toml"
    credentials.write_text('collector = "word"\n')
    credentials.chmod(0o600)
    named = {"LANTIAN_BROKER_HOST": "mqtt.example", "LANTIAN_BROKER_CREDENTIALS_FILE": str(credentials)}
    settings = load_settings({**URLS, **named, "LANTIAN_BROKER_PORT": "8883", "LANTIAN_BROKER_CA_FILE": "/ca.pem"})
    assert database_url(settings, "lantian_writer") == URLS["LANTIAN_DATABASE_WRITER_URL"]
    address = broker_for(settings, "collector")
    assert (address.host, address.port, address.password, address.tls) == ("mqtt.example", 8883, "word", "/ca.pem")
    with pytest.raises(ConfigurationError, match="'doctor'"):
        broker_for(settings, "doctor")
    credentials.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        broker_for(settings, "collector")


def test_half_named_database_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="lantian_reader"):
        load_settings({name: url for name, url in URLS.items() if "READER" not in name})


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert documented == [each.name for each in fields(Settings)]
