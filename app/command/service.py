"""`lantian device`: accounts of devices at the local broker."""

from __future__ import annotations

import datetime as dt
import os
import signal

import click

from app.service.account import CredentialFile
from app.service.broker import write_account_files
from app.service.home import BrokerAddress, Home
from app.service.state import read_state
from app.service.unprivileged import service_user
from app.settings import Settings, load_settings
from domain.error import ConfigurationError


@click.group("device")
def command() -> None:
    """Accounts of devices at the local broker: add or rotate, revoke, list.

    A device's user name is its id; it may publish only on its own branch, lt/v1/<county>/<protocol>/<id>/.
    """


def _local_settings() -> Settings:
    settings = load_settings()
    if not settings.broker_is_local:
        raise ConfigurationError(
            f"broker_host names {settings.broker_host}; expected a local broker: add accounts there"
        )
    if not Home(settings.home).credential_file.path.exists():
        raise ConfigurationError(f"{settings.home} holds no credentials yet; run: ./lantian up")
    return settings


def _apply(settings: Settings, file: CredentialFile) -> None:
    """Bring the broker's files up to date and let a running broker read them."""
    write_account_files(settings.home / "broker", file.load(), service_user(settings.service_user))
    for process in read_state(Home(settings.home)).processes:
        if process.name == "mosquitto" and process.pid is not None:
            os.kill(process.pid, signal.SIGHUP)


@command.command("add")
@click.argument("device")
def add(device: str) -> None:
    """Give DEVICE an account, or a new password when it has one, and print how it connects."""
    settings = _local_settings()
    home = Home(settings.home)
    home.credential_file.set_device(device, None, dt.datetime.now(dt.UTC))
    _apply(settings, home.credential_file)
    address: BrokerAddress = home.broker_for(device)
    click.echo(f"host {address.host}\nport {address.port}\nusername {address.username}\npassword {address.password}")


@command.command("revoke")
@click.argument("device")
def revoke(device: str) -> None:
    """Take the account of DEVICE away; the broker refuses its next connection."""
    settings = _local_settings()
    file = Home(settings.home).credential_file
    file.remove_device(device)
    _apply(settings, file)
    click.echo(f"{device} has no account any more")


@command.command("list")
def show() -> None:
    """List devices with accounts: id, since when, last change of the password."""
    for name, record in sorted(Home(_local_settings().home).credential_file.load().devices.items()):
        click.echo(f"{name}\t{record.created_at}\t{record.rotated_at or '-'}")
