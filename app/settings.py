"""Every setting of Lantian: defaults, then one TOML file, then the environment; read once, checked once, frozen."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Final, get_args, get_type_hints
from urllib.parse import urlsplit

from app.service.account import check_mode
from app.service.folder import CHECKOUT, cache_folder, home_folder
from app.service.listener import NONE, TlsListener, parsed_listener
from domain.error import ConfigurationError

PREFIX: Final = "LANTIAN_"
CONFIG: Final = "LANTIAN_CONFIG"
#: Variables with our prefix that are no settings.
_OTHER_VARIABLES: Final = (CONFIG,)
#: The county whose data set has simulated stations and a simulated industry.
DEMONSTRATION: Final = "zhongyang"
#: The database refuses to drop anything younger (store/migrations/0105_retention.sql).
RETENTION_FLOOR_DAYS: Final = 30
#: A week is still written to: late messages, corrections, statistics.
COMPRESSION_FLOOR_DAYS: Final = 7
_TRUTHS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _bounded(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _secret() -> Any:
    return field(default=None, repr=False, metadata={"secret": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings in force; docs/settings.md explains each. None means: not named, the local service or the default."""

    home: Path = field(default_factory=home_folder)
    cache: Path = field(default_factory=cache_folder)
    service_user: str | None = None
    county: str = "zhongyang"
    database_owner_url: str | None = _secret()
    database_writer_url: str | None = _secret()
    database_app_url: str | None = _secret()
    database_reader_url: str | None = _secret()
    database_port: int = _bounded(55432, 1, 65535)
    broker_host: str | None = None
    broker_port: int = _bounded(1883, 1, 65535)
    broker_ca_file: Path | None = None
    broker_credentials_file: Path | None = None
    broker_max_queued_messages: int = _bounded(1_000_000, 1_000, 100_000_000)
    broker_autosave_s: int = _bounded(30, 1, 3600)
    broker_tls_address: str | None = None
    broker_tls_certificates: str = NONE
    broker_tls_names: str | None = None
    broker_max_connections: int = _bounded(10_000, 1, 1_000_000)
    collectors: int = _bounded(1, 1, 32)
    collector_batch_size: int = _bounded(500, 1, 50_000)
    collector_batch_age_s: float = _bounded(0.2, 0.01, 30)
    device_messages_per_s: float = _bounded(100, 0.1, 1_000_000)
    device_burst: int = _bounded(100_000, 100, 100_000_000)
    hj212_keys_file: Path | None = None
    hj212_keys: str | None = _secret()
    gateway_address: str = "0.0.0.0"  # noqa: S104 - loggers come from outside; without a port nothing listens
    gateway_port: int = _bounded(0, 0, 65535)
    gateway_max_connections: int = _bounded(10_000, 1, 1_000_000)
    gateway_max_in_flight: int = _bounded(10_000, 1, 60_000)
    gateway_idle_s: float = _bounded(3900, 10, 7 * 86400)
    dispatchers: int = _bounded(1, 0, 16)
    alert_secrets_file: Path | None = None
    alert_webhook_origins: str | None = None
    settle_interval_s: float = _bounded(5, 0.1, 60)
    retention_raw_frame_days: int = _bounded(0, 0, 36_500)
    retention_quality_result_days: int = _bounded(0, 0, 36_500)
    archive_dir: Path | None = None
    compress_reading_days: int = _bounded(0, 0, 36_500)
    compress_raw_frame_days: int = _bounded(0, 0, 36_500)
    warning_automatic: bool = False
    console: bool = True
    console_address: str = "127.0.0.1"
    console_port: int = _bounded(8088, 1, 65535)
    console_public_url: str | None = None
    console_proxies: str | None = None
    console_tls_certificate: Path | None = None
    console_tls_key: Path | None = None
    exchange: bool = False
    public: bool = False
    public_address: str = "127.0.0.1"
    public_port: int = _bounded(8089, 1, 65535)
    public_url: str | None = None
    public_proxy: str | None = None
    public_requests_per_minute: int = _bounded(120, 1, 100_000)
    simulator: bool = True
    simulator_history: str = "year"
    simulator_seed: int = _bounded(1, 0, 2**31)
    simulator_scenario: str | None = None
    metrics_address: str = "127.0.0.1"
    metrics_port: int = _bounded(0, 0, 65535)
    grafana_url: str | None = None
    grafana_token: str | None = _secret()
    grafana_token_file: Path | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            low, high = each.metadata.get("low"), each.metadata.get("high")
            if low is not None and high is not None and not low <= value <= high:
                raise ConfigurationError(f"setting {each.name}: found {value}, expected a number from {low} to {high}")
        named = [name for name, url in self.database_urls().items() if url]
        if 0 < len(named) < len(self.database_urls()):
            absent = [name for name in self.database_urls() if name not in named]
            raise ConfigurationError(
                f"settings name the database of {', '.join(named)} but not that of {', '.join(absent)}; "
                "expected database_owner_url, _writer_url, _app_url and _reader_url, or none of them"
            )
        if (self.broker_host is None) != (self.broker_credentials_file is None):
            raise ConfigurationError("expected broker_host and broker_credentials_file together, or neither of them")
        self._check_retention()
        self.tls_listener()
        self._check_console()
        if self.simulator_history not in ("year", "none"):
            try:
                dt.date.fromisoformat(self.simulator_history)
            except ValueError as error:
                raise ConfigurationError(
                    f"setting simulator_history: found {self.simulator_history!r}, expected year, none or YYYY-MM-DD"
                ) from error

    def _check_retention(self) -> None:
        for name in ("retention_raw_frame_days", "retention_quality_result_days"):
            days = getattr(self, name)
            if 0 < days < RETENTION_FLOOR_DAYS:
                expected = f"0 (for ever) or at least {RETENTION_FLOOR_DAYS}"
                raise ConfigurationError(f"setting {name}: found {days}, expected {expected}")

        for name in ("compress_reading_days", "compress_raw_frame_days"):
            days = getattr(self, name)
            if 0 < days < COMPRESSION_FLOOR_DAYS:
                expected = f"0 (never) or at least {COMPRESSION_FLOOR_DAYS}"
                raise ConfigurationError(f"setting {name}: found {days}, expected {expected}")

    def compression_days(self) -> dict[str, int]:
        """Age in days from which on chunks are compressed, by what they hold (`store.compression`)."""
        return {"reading": self.compress_reading_days, "raw_frame": self.compress_raw_frame_days}

    def _check_console(self) -> None:
        if (self.console_tls_certificate is None) != (self.console_tls_key is None):
            raise ConfigurationError(
                "expected console_tls_certificate and console_tls_key together, or neither of them"
            )
        for name in ("console_public_url", "public_url"):
            url = getattr(self, name)
            if url is not None and not (url.startswith(("http://", "https://")) and urlsplit(url).netloc):
                raise ConfigurationError(f"setting {name}: found {url!r}, expected https://NAME or http://NAME")

    def database_urls(self) -> dict[str, str | None]:
        """Addresses named for each role; None where the local database is meant."""
        return {
            "lantian_owner": self.database_owner_url,
            "lantian_writer": self.database_writer_url,
            "lantian_app": self.database_app_url,
            "lantian_reader": self.database_reader_url,
        }

    def tls_listener(self) -> TlsListener | None:
        """The local broker's listener with TLS, None when there is none."""
        if self.broker_tls_address is None:
            return None
        names = self.broker_tls_names or ""
        listener = parsed_listener(self.broker_tls_address, self.broker_tls_certificates, names)
        return replace(listener, connections=self.broker_max_connections)

    @property
    def demonstrates(self) -> bool:
        """Whether the simulated demonstration county is played: its stations, its industry, its story."""
        return self.simulator and self.simulator_scenario is None and self.county == DEMONSTRATION

    @property
    def database_is_local(self) -> bool:
        """Whether Lantian runs the database itself."""
        return self.database_owner_url is None

    @property
    def broker_is_local(self) -> bool:
        """Whether Lantian runs the broker itself."""
        return self.broker_host is None

    def read_grafana_token(self) -> str | None:
        """The token for Grafana, from the environment or its file of mode 600; None when neither is named."""
        if self.grafana_token or self.grafana_token_file is None:
            return self.grafana_token
        try:
            check_mode(self.grafana_token_file)
            return self.grafana_token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"grafana_token_file {self.grafana_token_file}: {error.strerror}") from error


_TYPES: Final[Mapping[str, Any]] = get_type_hints(Settings)
_SECRETS: Final = {each.name for each in fields(Settings) if each.metadata.get("secret")}


def _unknown(name: str, known: list[str], where: str) -> ConfigurationError:
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.75)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; all settings are listed in docs/settings.md"
    return ConfigurationError(f"{where}: unknown setting {name!r}{hint}")


def _typed(name: str, value: object, where: str, folder: Path) -> object:
    """`value` as the type that field `name` has; text from the environment is read as that type."""
    hint = _TYPES[name]
    kind = next(each for each in get_args(hint) if each is not type(None)) if isinstance(hint, UnionType) else hint
    try:
        if kind is Path and isinstance(value, str) and value:
            return (folder / Path(value).expanduser()).absolute()
        if kind is bool and isinstance(value, str):
            return _TRUTHS[value.lower()]
        if kind in (int, float) and isinstance(value, str):
            return kind(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is kind and value != "":
            return value
    except (KeyError, ValueError):
        pass
    words = {Path: "a path", bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    shown = "(secret)" if name in _SECRETS else repr(value)
    raise ConfigurationError(f"{where}: setting {name}: found {shown}, expected {words[kind]}")


def _from_file(path: Path) -> dict[str, object]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"settings file {path}: {error}") from error
    for name in table:
        if name not in _TYPES:
            raise _unknown(name, list(_TYPES), str(path))
    if _SECRETS & table.keys():
        check_mode(path)
    return {name: _typed(name, value, str(path), path.parent) for name, value in table.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    known = {f"{PREFIX}{name.upper()}": name for name in _TYPES}
    found: dict[str, object] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES:
            continue
        if variable not in known:
            raise _unknown(variable, list(known), "environment")
        if value:
            found[known[variable]] = _typed(known[variable], value, f"environment variable {variable}", Path.cwd())
    return found


def config_file(environment: Mapping[str, str]) -> Path | None:
    """The settings file: what LANTIAN_CONFIG names (it must exist), else the checkout's lantian.toml if any."""
    named = environment.get(CONFIG)
    if named:
        return Path(named).expanduser().absolute()
    beside = CHECKOUT / "lantian.toml"
    return beside if beside.exists() else None


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings in force.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Variables, by default those of the process. ``LANTIAN_<NAME>`` wins over the file; an empty one counts as unset.

    Returns
    -------
    Settings
        Checked; `ConfigurationError` names an unknown key and the nearest known ones, a wrong value and what was
        expected, or a file with secrets that others can read.
    """
    variables = os.environ if environment is None else environment
    path = config_file(variables)
    values = _from_file(path) if path else {}
    merged: dict[str, Any] = {**values, **_from_environment(variables)}
    return Settings(**merged)
