"""`lantian collect`: the process that carries readings from the broker into the database."""

from __future__ import annotations

import datetime as dt
import logging
import re
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec

from app.service.access import end_session
from app.service.address import broker_for, database_url
from app.service.device_key import device_keys
from app.service.schema import check_schema
from app.settings import Settings, load_settings
from domain.error import ConfigurationError
from ingest.collector import Cadence, Collector
from ingest.link import MAX_WINDOW, Broker, Link, Session
from ingest.pace import Allowance
from ingest.preflight import check_broker
from ingest.registry import Registry
from ingest.topic import subscriptions
from store.connection import Connection, connect

_log = logging.getLogger(__name__)
#: Unacknowledged messages per batch size: while one batch is written, one decoded, the next ones arrive.
WINDOW_BATCHES = 16
SMALLEST_WINDOW = 2000
#: A quarter of the window is the largest batch: one is written, one waits for it, two may arrive.
WINDOW_SHARE = 4
#: The group of the collectors that `lantian up` runs.
SHARE: Final = "lantian"
#: Seconds without a message after which a collector that leaves has taken everything.
LEAVING_S: Final = 3.0
_SHARE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@click.command("collect")
@click.option("--number", default=1, show_default=True, type=click.IntRange(1), help="Number of this collector.")
@click.option("--county", default="+", help="Collect one county's messages only.")
@click.option("--share", help="Divide the messages with other collectors of this group; each has a number of its own.")
@click.option("--leave", is_flag=True, help="Take what the broker keeps for this collector, then end its session.")
@click.option("--idle-exit", type=float, help="End after so many seconds without a message.")
def command(number: int, county: str, share: str | None, leave: bool, idle_exit: float | None) -> None:
    """Carry readings from the broker into the database until stopped (SIGTERM, Ctrl-C).

    One JSON line per batch on standard error. Messages are acknowledged to the broker after the database has
    committed them. Collectors that run at the same time need different numbers, and one group or different counties.

    The broker keeps messages for a collector that is away, also those of a group: before one is given up for good, let
    it leave.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    stopping = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stopping.set())
    settings = load_settings()
    check_schema(settings)
    subject = prepared(settings, number, Listening(county, share, leave))
    _log.info(msgspec.json.encode({"event": "start", "collector": collector_name(number), "county": county}).decode())
    tally = subject.run(stopping, idle_s=LEAVING_S if leave and idle_exit is None else idle_exit)
    line = {"event": "stop", "collector": collector_name(number), "received": tally.received, "batches": tally.batches}
    _log.info(msgspec.json.encode(line).decode())


def collector_name(number: int) -> str:
    """Name in the ledger, and what its client id at the broker is made of; the same at every start."""
    return f"lantian-collector-{number}"


@dataclass(frozen=True, slots=True)
class Listening:
    """What a collector listens to: a county (``+``: all), as one of a group or alone, or only to take its leave."""

    county: str = "+"
    share: str | None = None
    leave: bool = False


def prepared(settings: Settings, number: int, listening: Listening) -> Collector:
    """A collector as the settings say, its broker looked at.

    Parameters
    ----------
    settings : Settings
        Where database and broker are, and how batches close.
    number : int
        Which collector this is.
    listening : Listening
        To what.

    Returns
    -------
    Collector
        Not running yet.
    """
    if listening.share is not None and not _SHARE.fullmatch(listening.share):
        raise ConfigurationError(f"group {listening.share!r}; expected 1 to 64 letters, digits, '_' or '-'")
    address = broker_for(settings, "collector")
    certificates = None if address.tls is None else Path(address.tls)
    broker = Broker(address.host, address.port, address.username, address.password, certificates)
    size = settings.collector_batch_size
    window = min(MAX_WINDOW, max(SMALLEST_WINDOW, WINDOW_BATCHES * size))
    cadence = Cadence(size, settings.collector_batch_age_s, most=max(size, window // WINDOW_SHARE))
    check_broker(broker, cadence.size, window)
    name = collector_name(number)
    if settings.broker_is_local:
        # Sessions once bore the plain name; the broker would go on queuing for one that nobody reads any more.
        end_session(address, name)
    url = database_url(settings, "lantian_writer")

    def opened() -> Connection:
        return connect(url, application_name=name)

    county, share = listening.county, listening.share
    former = subscriptions(county, SHARE if share is None else None)
    session = Session(name, subscriptions(county, share), window, former=former, leaving=listening.leave)
    registry = Registry(device_keys(settings).load)
    link = Link(broker, session, _now)
    return Collector(
        link,
        opened,
        name=name,
        cadence=cadence,
        now=_now,
        registry=registry,
        shared=share is not None,
        allowance=Allowance(settings.device_messages_per_s, settings.device_burst),
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
