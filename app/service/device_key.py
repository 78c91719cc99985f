"""SM4 keys of devices that encrypt (HJ 212-2025): in a file of mode 600 or the environment, in no database or log."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.service.account import check_mode
from app.service.unprivileged import write_file
from app.settings import Settings
from domain.error import ConfigurationError
from ingest.wire.hj212_sm4 import KEY_BYTES

FILE_NAME: Final = "hj212-keys.toml"
#: The newest key and the one before it: a device that is given a new one may send with the old one for a while.
KEPT: Final = 2
_HEAD: Final = "# SM4 keys of devices (HJ 212-2025), the newest first. Written by lantian device key; mode 600.\n"

Keys = dict[str, tuple[bytes, ...]]


class DeviceKeys:
    """The keys of one installation.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    further : mapping of str to tuple of bytes
        Keys from elsewhere, which go before those of the file.
    """

    def __init__(self, path: Path, further: Mapping[str, tuple[bytes, ...]] | None = None) -> None:
        self.path = path
        self._further = dict(further or {})

    def load(self) -> Keys:
        """Keys by device, the newest first; `ConfigurationError` for a file that others can read or that is broken."""
        return {**self._file(), **self._further}

    def _file(self) -> Keys:
        try:
            check_mode(self.path)
            table = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            # The text of a broken line may be a key: only the kind of the error is told.
            raise ConfigurationError(
                f"{self.path}: {type(error).__name__}; expected a TOML file of this user with device = [keys]"
            ) from None
        return {
            name: tuple(parse_key(one, f"{self.path}, {name}") for one in (each if isinstance(each, list) else [each]))
            for name, each in table.items()
        }

    def add(self, device: str, key: bytes) -> None:
        """Make `key` the newest of a device; the one before it stays good, older ones are forgotten."""

        def added(known: Keys) -> Keys:
            before = tuple(one for one in known.get(device, ()) if one != key)
            return {**known, device: (key, *before)[:KEPT]}

        self._change(added)

    def remove(self, device: str) -> bool:
        """Forget the keys of a device; whether it had any."""
        had = device in self._file()
        if had:
            self._change(lambda known: {name: keys for name, keys in known.items() if name != device})
        return had

    def _change(self, change: Callable[[Keys], Keys]) -> None:
        with self._locked():
            known = change(self._file())
            lines = [
                f"{json.dumps(name)} = [{', '.join(json.dumps(key.hex()) for key in keys)}]\n"
                for name, keys in sorted(known.items())
            ]
            write_file(self.path, _HEAD + "".join(lines))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_suffix(".lock")
        with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def device_keys(settings: Settings) -> DeviceKeys:
    """The keys that the settings mean."""
    path = settings.hj212_keys_file or settings.home / FILE_NAME
    return DeviceKeys(path, _named(settings.hj212_keys or ""))


def generated_key() -> bytes:
    """A new random key."""
    return secrets.token_bytes(KEY_BYTES)


def parse_key(text: object, where: str) -> bytes:
    """The key that 32 hexadecimal digits write; a `ConfigurationError` does not repeat the text."""
    try:
        key = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{where}: found a text of {len(str(text))} characters that is no key, expected {2 * KEY_BYTES} hexadecimal"
            " digits"
        )
    return key


def fingerprint(key: bytes) -> str:
    """What tells a key from others without telling it."""
    return hashlib.sha256(b"hj212 key " + key).hexdigest()[:12]


def _named(text: str) -> Keys:
    found: Keys = {}
    for at, item in enumerate((item for item in text.split(";") if item.strip()), 1):
        device, _, digits = item.partition("=")
        found[device.strip()] = (parse_key(digits.strip(), f"setting hj212_keys, entry {at}"),)
    return found
