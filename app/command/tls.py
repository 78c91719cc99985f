"""`lantian tls`: the certificate authority and the broker's certificate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from app.service.access import DeviceAccess, local_access
from app.service.authority import Authority
from app.service.listener import TlsListener
from app.settings import load_settings
from domain.error import ConfigurationError


@click.group("tls")
def command() -> None:
    """Show, make and rotate the certificates of the local broker (setting broker_tls_address)."""


def _opened() -> tuple[DeviceAccess, TlsListener]:
    settings = load_settings()
    listener = settings.tls_listener()
    if listener is None:
        raise ConfigurationError("setting broker_tls_address is not set; expected ADDRESS:PORT, such as 0.0.0.0:8883")
    return local_access(settings), listener


@command.command("create")
def create() -> None:
    """Make the authority and the broker's certificate where they are missing; `lantian up` does the same."""
    access, listener = _opened()
    access.authority.ensure(listener.names, dt.datetime.now(dt.UTC))
    click.echo(description(access.authority))


@command.command("show")
def show() -> None:
    """Show what there is and until when it holds."""
    click.echo(description(_opened()[0].authority))


@command.command("authority")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def authority(file: Path) -> None:
    """Write the authority's certificate to FILE: what every device must trust."""
    found = _opened()[0].authority
    if not found.exists:
        raise ConfigurationError("found no certificate authority; run: lantian tls create")
    file.write_bytes(found.certificate_file.read_bytes())


@command.command("rotate")
@click.option(
    "--authority", "whole", is_flag=True, help="Replace the authority too: every device needs the new ca.crt."
)
@click.confirmation_option(prompt="Replace certificates of the running broker?")
def rotate(whole: bool) -> None:
    """Replace the broker's key and certificate; new connections see it at once."""
    access, listener = _opened()
    now = dt.datetime.now(dt.UTC)
    access.authority.ensure(listener.names, now)
    if whole:
        access.authority.rotate(listener.names, now)
    else:
        access.authority.renew_server(listener.names, now)
    access.apply()
    click.echo(description(access.authority))


def description(authority: Authority) -> str:
    """The authority and the broker's certificate in words."""
    if not authority.exists:
        return f"no certificate authority in {authority.folder} yet; run: lantian tls create"
    root, server = authority.certificate(), authority.server_certificate()
    held = [each for each in authority.issued() if each.revoked_at is None]
    return "\n".join(
        [
            f"authority {root.subject.rfc4514_string()} until {root.not_valid_after_utc:%Y-%m-%d}",
            f"          trusted by devices as {authority.certificate_file}",
            f"broker    {server.serial_number:x} until {server.not_valid_after_utc:%Y-%m-%d}",
            f"devices   {len(held)} certificates hold, {len(authority.issued()) - len(held)} are revoked",
        ]
    )
