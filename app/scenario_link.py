"""How the devices of a scenario connect: by a few connections, each by its own, or as data loggers to a gateway."""

from __future__ import annotations

import asyncio
import datetime as dt
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.command.gateway import prepared
from app.service.access import local_access
from app.service.address import BrokerAddress, broker_for
from app.service.probe import login_refusal
from app.settings import Settings
from domain.error import ServiceError
from firmware_sim.device import Device
from firmware_sim.frame_json import state_message
from firmware_sim.link import Account, Inbox, Link, topic
from firmware_sim.logger import Logger, LoggerNet
from firmware_sim.pump import Pump
from firmware_sim.scenario_file import Scenario

#: More connections than this share one thread.
_FEW: Final = 8
#: Number of the gateway that a play brings along.
_GATEWAY: Final = 900
_START_S: Final = 30.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to connect to when it listens everywhere


@dataclass(slots=True)
class Wiring:
    """Connections of a scenario: link of each device, where everything arrives, what is to be stopped at the end."""

    links: dict[str, Link | Logger]
    inbox: Inbox
    closers: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """Stop what drives the connections, after these were stopped."""
        for closer in self.closers:
            closer()


def account(settings: Settings, name: str) -> Account:
    """An account at the broker of the settings."""
    address = broker_for(settings, name)
    trust = None if address.tls is None else Path(address.tls)
    return Account(address.host, address.port, address.username, address.password, trust)


def own_accounts(settings: Settings, devices: Sequence[Device], now: dt.datetime) -> Callable[[str], Account]:
    """The account of each device; where the broker is ours, those that have none are given one."""
    if settings.broker_is_local:
        access = local_access(settings)
        known = access.home.credential_file.load().devices
        missing = [one.id for one in devices if one.id not in known]
        for name in missing:
            access.home.credential_file.set_device(name, None, now)
        if missing:
            access.apply()
            _await_account(broker_for(settings, missing[-1]))
    return lambda name: account(settings, name)


def _await_account(address: BrokerAddress) -> None:
    """Wait until the broker has read its files again."""
    until_s = time.monotonic() + _START_S
    while (why := login_refusal(address, address.password)) is not None:
        if time.monotonic() > until_s:
            raise ServiceError(f"the broker does not let {address.username} in: {why}")


def wire(scenario: Scenario, settings: Settings, now_s: float) -> Wiring:
    """Connections of the scenario's devices, not started yet.

    Parameters
    ----------
    scenario : Scenario
        Its devices, registered.
    settings : Settings
        Where broker and gateway are.
    now_s : float
        Unix time of the start.

    Returns
    -------
    Wiring
        Close it at the end.
    """
    wiring = Wiring({}, queue.Queue())
    spoken = [one for one in scenario.devices if not one.tcp]
    if spoken:
        _wire_broker(wiring, spoken, scenario, settings, now_s)
    loggers = [one for one in scenario.devices if one.tcp]
    if loggers:
        host, port = _gateway(wiring, settings)
        net = LoggerNet(wiring.inbox)
        wiring.links |= {one.id: Logger(net, one.id, host, port) for one in loggers}
        wiring.closers.insert(0, net.stop)
    return wiring


def _wire_broker(
    wiring: Wiring, devices: Sequence[Device], scenario: Scenario, settings: Settings, now_s: float
) -> None:
    number = min(scenario.connections or len(devices), len(devices))
    pump = Pump() if number > _FEW else None
    if pump is not None:
        wiring.closers.append(pump.stop)
    now = dt.datetime.fromtimestamp(now_s, dt.UTC)
    of = own_accounts(settings, devices, now) if scenario.own_accounts else None
    shared = account(settings, "simulator") if of is None else None
    for at in range(number):
        mine = devices[at::number]
        will = (mine[0].topic("state"), state_message(False, now_s))
        name = mine[0].id if of is not None else f"lantian-scenario-{scenario.county}-{at}"
        used = of(mine[0].id) if of is not None else shared
        assert used is not None
        topics = _answers(mine, scenario.county, alone=number == 1 and of is None)
        link = Link(used, name, topics, will=will, inbox=wiring.inbox, pump=pump)
        wiring.links |= {one.id: link for one in mine}


def _answers(devices: Sequence[Device], county: str, *, alone: bool) -> list[str]:
    """Topics of answers: everybody's when one connection serves all, otherwise each device's own."""
    places = [(county, "+", "+")] if alone else [(county, one.protocol, one.id) for one in devices]
    return [topic(*place, stream) for place in places for stream in ("reply", "error")]


def _gateway(wiring: Wiring, settings: Settings) -> tuple[str, int]:
    """Where loggers connect: the gateway of the settings, or one of our own on loopback while the play lasts."""
    if settings.gateway_port:
        return _ANY.get(settings.gateway_address, settings.gateway_address), settings.gateway_port
    own = _OwnGateway(settings)
    wiring.closers.append(own.stop)
    return "127.0.0.1", own.port


class _OwnGateway:
    """A gateway on loopback in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._gateway = prepared(settings, _GATEWAY)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="gateway", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_S / 0.05)):
            if self._gateway.port or not self._thread.is_alive():
                break
            waited.wait(0.05)
        if not self._gateway.port:
            raise ServiceError(f"the scenario's gateway did not start: {self._failure}")

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._gateway.port

    def stop(self) -> None:
        """End it; what is under way is answered first."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_START_S)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._gateway.run("127.0.0.1", 0, self._stopping))
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._loop.close()
