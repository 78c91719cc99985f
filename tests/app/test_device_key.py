"""Keys of devices that encrypt: where they are kept, what is shown of them, which are accepted for how long."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.main import main
from app.service.device_key import DeviceKeys, device_keys, fingerprint
from app.settings import Settings, load_settings
from domain.county import load_county
from domain.error import ConfigurationError
from firmware_sim.frame_hj212 import Header, encrypted_frame, segment
from ingest.registry import Registry
from ingest.topic import parse_topic
from store.connection import connect
from store.registry import NewDevice, NewSite, upsert_device, upsert_site
from store.registry import load_county as enter_county

Run = Callable[..., str]
KEY, OTHER, THIRD = b"0" * 16, b"1" * 16, bytes(range(16))


@pytest.fixture
def lantian(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    with connect(database.url("lantian_app")) as conn:
        enter_county(conn, load_county("zhongyang"))
        upsert_site(conn, NewSite("s1", "zhongyang", "stack", "烟囱"))
        upsert_device(conn, NewDevice("logger", "s1", "hj212", "stack", mn="M1"))
        upsert_device(conn, NewDevice("other", "s1", "json", "stack"))

    def run(*arguments: object, status: int = 0, said: str | None = None) -> str:
        result = CliRunner().invoke(main, [str(each) for each in arguments], input=said)
        assert result.exit_code == status, result.output + repr(result.exception)
        return result.output

    return run


def test_the_newest_key_and_the_one_before_it_are_kept(tmp_path: Path) -> None:
    keys = DeviceKeys(tmp_path / "deep" / "keys.toml")
    assert keys.load() == {}
    for key in (KEY, OTHER, OTHER, THIRD):
        keys.add("a.b", key)
    keys.add("c", KEY)
    assert keys.load() == {"a.b": (THIRD, OTHER), "c": (KEY,)}
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert keys.remove("c") and not keys.remove("c")
    assert set(keys.load()) == {"a.b"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(f'logger = "{KEY.hex()}"\n')
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="640"):
        DeviceKeys(path).load()
    path.chmod(0o600)
    assert DeviceKeys(path).load() == {"logger": (KEY,)}


@pytest.mark.parametrize("content", [f'logger = "{KEY.hex()}0"', f"logger = {OTHER.hex()}", 'logger = "xy"', "\xff"])
def test_a_broken_file_is_named_and_its_text_is_not(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        DeviceKeys(path).load()
    assert str(path) in str(caught.value)
    assert KEY.hex() not in str(caught.value) and OTHER.hex() not in str(caught.value)


def test_keys_of_the_environment_go_before_the_file(tmp_path: Path) -> None:
    settings = load_settings(
        {"LANTIAN_HOME": str(tmp_path), "LANTIAN_HJ212_KEYS": f"logger={OTHER.hex()}; second={THIRD.hex()}"}
    )
    DeviceKeys(tmp_path / "hj212-keys.toml").add("logger", KEY)
    assert device_keys(settings).load() == {"logger": (OTHER,), "second": (THIRD,)}
    assert OTHER.hex() not in repr(settings)
    with pytest.raises(ConfigurationError, match="entry 1"):
        device_keys(Settings(home=tmp_path, hj212_keys="logger=123"))


def test_the_command_shows_a_key_once(lantian: Run, tmp_path: Path) -> None:
    assert "no key" in lantian("device", "key", "logger", "show")
    digits = lantian("device", "key", "logger", "create").split()[0]
    key = bytes.fromhex(digits)
    shown = lantian("device", "key", "logger", "show")
    assert fingerprint(key) in shown and digits not in shown.upper()
    said = lantian("device", "key", "logger", "set", said=f"{KEY.hex()}\n")
    assert said.count(fingerprint(key)) == 1 and KEY.hex() not in said
    assert "before it, still accepted" in said
    assert "no key, expected" in lantian("device", "key", "logger", "set", said="zz\n", status=2)
    for stranger in ("nobody", "other"):
        assert "only these have keys" in lantian("device", "key", stranger, "create", status=2)
    assert "removed" in lantian("device", "key", "logger", "remove")
    assert "expected one to remove" in lantian("device", "key", "logger", "remove", status=2)


def test_the_collectors_registry_follows_the_file(
    lantian: Run, database: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = DeviceKeys(tmp_path / "keys.toml")
    registry = Registry(keys.load)
    topic = parse_topic("lt/v1/zhongyang/hj212/logger/data")
    with connect(database.url("lantian_writer")) as conn:

        def known(now_s: float) -> tuple[bytes, ...]:
            registry.refresh(conn, now_s)
            return registry.source(topic, registry.devices["logger"].registered_at).keys

        assert known(0) == ()
        keys.add("logger", KEY)
        assert known(31) == (KEY,)
        keys.path.chmod(0o644)
        assert known(62) == (KEY,)
        assert "not read again" in caplog.text and KEY.hex() not in caplog.text
        keys.path.chmod(0o600)
        keys.remove("logger")
        assert known(93) == ()


def test_decode_with_a_file_of_keys(lantian: Run, tmp_path: Path) -> None:
    keys = DeviceKeys(tmp_path / "keys.toml")
    keys.add("logger", OTHER)
    header = Header("20260301120000001", "M1", flag=9)
    frames = tmp_path / "frames.txt"
    frames.write_bytes(encrypted_frame(segment("2011", "DataTime=20260301120000;a34004-Rtd=48.5", header), KEY))
    closed = json.loads(lantian("decode", "hj212", frames))
    assert (closed["code"], closed["length_ok"], closed["crc_ok"], closed["MN"]) == ("encrypted", False, False, "M1")
    assert json.loads(lantian("decode", "hj212", "--keys", keys.path, frames))["code"] == "wrong_key"
    keys.add("logger", KEY)
    opened = json.loads(lantian("decode", "hj212", "--keys", keys.path, frames))
    assert (opened["ok"], opened["version"], opened["values"][0]["value"]) == (True, 2025, 48.5)
