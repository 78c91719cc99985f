"""`lantian device key`: the SM4 keys of devices that encrypt (HJ 212-2025)."""

from __future__ import annotations

import sys

import click

from app.registry_command import registry
from app.service.device_key import DeviceKeys, device_keys, fingerprint, generated_key, parse_key
from app.settings import load_settings
from domain.error import ConfigurationError
from store.registration import read_entries

ACTIONS = ("create", "set", "show", "remove")


@click.command("key")
@click.argument("device", metavar="ID")
@click.argument("action", type=click.Choice(ACTIONS))
def command(device: str, action: str) -> None:
    """Make, enter, show or remove the key with which the device ID encrypts its frames.

    A key that was made is shown once; `show` tells fingerprints only. The key before the newest stays good, so that a
    device can be given a new one without losing a frame. The collector looks every 30 seconds.
    """
    keys = device_keys(load_settings())
    if action in ("create", "set"):
        _check_device(device)
    if action == "create":
        key = generated_key()
        keys.add(device, key)
        click.echo(key.hex().upper())
        click.echo("the key is not shown again", err=True)
    elif action == "set":
        text = click.prompt("SM4 key", hide_input=True, confirmation_prompt=sys.stdin.isatty())
        keys.add(device, parse_key(text.strip(), "SM4 key"))
        click.echo(described_keys(keys, device))
    elif action == "show":
        click.echo(described_keys(keys, device))
    elif not keys.remove(device):
        raise ConfigurationError(f"{keys.path} holds no key of device {device!r}, expected one to remove")
    else:
        click.echo(f"{device}: key removed; its encrypted frames are rejected within 30 s")


def described_keys(keys: DeviceKeys, device: str) -> str:
    """What there is for a device, without anything secret."""
    known = keys.load().get(device, ())
    if not known:
        return f"{device}: no key; its frames must be in clear"
    words = ("in use", "before it, still accepted")
    return "\n".join(f"{device}: key {fingerprint(key)} {word}" for key, word in zip(known, words, strict=False))


def _check_device(device: str) -> None:
    with registry("read the devices") as conn:
        entry = read_entries(conn, "device").get(device)
    if entry is None or entry["retired_at"] is not None or entry["protocol"] != "hj212":
        raise ConfigurationError(f"found no device {device!r} of protocol hj212 in service; only these have keys")
