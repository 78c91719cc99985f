"""Group robots (企业微信, 钉钉, 飞书 and others) and SMS gateways; their addresses hold tokens and stay secret.

企业微信 and 钉钉 are spoken to directly (`alerting.group`), everything else through apprise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from alerting.group import is_group_address, post_to_group
from alerting.message import Message
from alerting.secret import ChannelSecrets, redacted
from domain.error import ConfigurationError, ServiceError

_REASON: Final = 300
#: Forms of apprise that take every answer 200 for a success, which these two send with a refusal in the body.
_REFUSED: Final = ("wecombot://", "dingtalk://")


class Robot:
    """Sends to a gateway named in the file of secrets.

    Parameters
    ----------
    secrets : ChannelSecrets
        Addresses of gateways.
    time_s : callable
        Unix time.
    timeout_s : float
        Longest wait.
    """

    def __init__(self, secrets: ChannelSecrets, *, time_s: Callable[[], float], timeout_s: float = 15) -> None:
        self._secrets = secrets
        self._time_s = time_s
        self._timeout_s = timeout_s

    def send(self, message: Message) -> None:
        """Post a message to a group; the contact's address is the name of the gateway."""
        self._notify(message.address, self._address(message.address), message)

    def _address(self, name: str) -> str:
        address = self._secrets.gateways.get(name)
        if address is None:
            known = ", ".join(sorted(self._secrets.gateways)) or "none"
            raise ConfigurationError(f"gateway {name!r}: not in alert_secrets_file; known are {known}")
        if address.startswith(_REFUSED):
            raise ConfigurationError(f"gateway {name!r}: expected the https address that the robot's page shows")
        return address

    def _notify(self, name: str, address: str, message: Message) -> None:
        try:
            if is_group_address(address):
                post_to_group(address, message, time_s=self._time_s, timeout_s=self._timeout_s)
            else:
                _notify_through_apprise(address, message)
        except ServiceError as error:
            said = redacted(str(error), address)[:_REASON]
        except ConfigurationError as error:
            raise ConfigurationError(f"gateway {name!r}: {error}") from error
        else:
            return
        # Outside the handler, so that no cause with the unredacted text hangs on.
        raise ServiceError(f"gateway {name!r}: {said}")

    def close(self) -> None:
        """Nothing stays open between messages."""


class Sms(Robot):
    """Sends to a telephone number; the contact's address is ``gateway:number``."""

    def send(self, message: Message) -> None:
        """Send a text message."""
        name, _, number = message.address.partition(":")
        if not number:
            raise ConfigurationError(f"SMS address of {message.contact_id}: expected gateway:number")
        self._notify(name, self._address(name).replace("{to}", quote(number, safe="+")), message)


def _notify_through_apprise(address: str, message: Message) -> None:
    import apprise  # noqa: PLC0415 - slow to import, and only needed where a gateway is used

    gateway = apprise.Apprise()
    if not gateway.add(address):
        raise ConfigurationError("apprise does not know this kind of address")
    with apprise.LogCapture(level=logging.WARNING) as log:  # type: ignore[no-untyped-call]
        taken = gateway.notify(title=message.subject_zh, body=message.text_zh)
        said = " ".join(log.getvalue().split())
    if not taken:
        raise ServiceError(said or "refused the message")
