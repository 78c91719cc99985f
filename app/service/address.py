"""Where this process finds database and broker: what the settings name, else the local services of the home folder."""

from __future__ import annotations

import tomllib

from app.service.account import check_mode
from app.service.home import BrokerAddress, Home
from app.settings import Settings, load_settings
from domain.error import ConfigurationError

__all__ = ["BrokerAddress", "app_database_url", "broker_for", "database_url"]


def database_url(settings: Settings, role: str = "lantian_app") -> str:
    """Address of the database for a role.

    Parameters
    ----------
    settings : Settings
        May name an address per role; otherwise the local database is meant.
    role : str
        ``lantian_owner``, ``lantian_writer``, ``lantian_app`` or ``lantian_reader``.

    Returns
    -------
    str
        ``postgresql://...`` with a password.
    """
    return settings.database_urls()[role] or Home(settings.home).database_url(role)


def app_database_url() -> str:
    """Address of the database for jobs and commands, by the settings in force."""
    return database_url(load_settings(), "lantian_app")


def broker_for(settings: Settings, account: str) -> BrokerAddress:
    """Address of the broker for an account.

    Parameters
    ----------
    settings : Settings
        May name a broker with a file of credentials; otherwise the local broker is meant.
    account : str
        ``collector``, ``simulator``, ``replay``, ``doctor`` or a device id.

    Returns
    -------
    BrokerAddress
        Where, who, and which certificates to trust.
    """
    if settings.broker_host is None:
        return Home(settings.home).broker_for(account)
    path = settings.broker_credentials_file
    if path is None:
        raise ConfigurationError(
            'broker_host is set; expected broker_credentials_file too: lines of account = "password"'
        )
    try:
        check_mode(path)
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"broker_credentials_file {path}: {error}") from error
    password = known.get(account)
    if not isinstance(password, str):
        raise ConfigurationError(
            f"broker_credentials_file {path}: found no password of {account!r}, expected one as text"
        )
    tls = str(settings.broker_ca_file) if settings.broker_ca_file else None
    return BrokerAddress(settings.broker_host, settings.broker_port, account, password, tls)
