"""Checks of what runs: database, broker, processes, readings, Grafana."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from app.job.alert_measure import job_delays
from app.service.account import ACCOUNTS, ROLES
from app.service.address import broker_for, database_url
from app.service.certificate_check import served_findings
from app.service.console_check import console_findings
from app.service.finding import Finding, judged
from app.service.gateway_check import gateway_findings
from app.service.home import BrokerAddress, Home
from app.service.probe import kept_while_away, login_refusal, publish_refusal
from app.service.public_check import public_findings
from app.service.replica_check import replica_findings
from app.service.state import RUNNING, read_state
from app.settings import Settings
from dashboards.grafana import open_grafana
from domain.error import LantianError
from ingest.link import MAX_WINDOW
from ingest.link import Broker as CollectorBroker
from ingest.preflight import measured_window
from store.alert_rule import read_rule
from store.connection import connect
from store.error import translated
from store.ledger import read_balance
from store.migration import pending
from store.status import read_newest_received, read_server

_START: Final = "./lantian up"
#: More than Mosquitto's default queue of 1000 messages.
_QUEUE_PROBE: Final = 1200
_STALE_S: Final = 600.0
_CLOCK_S: Final = 5.0


def service_findings(settings: Settings, now: Callable[[], dt.datetime]) -> Iterator[Finding]:
    """Findings about the services; when nothing was started yet, one that says so.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    now : callable
        The clock.

    Yields
    ------
    Finding
        A check that cannot be made is itself a failure.
    """
    home = Home(settings.home)
    local = settings.database_is_local or settings.broker_is_local
    if local and home.keeper() is None:
        state = read_state(home)
        if state.error:
            yield Finding("fail", "services", f"the last start failed: {state.error}", f"mend that, then: {_START}")
        else:
            yield Finding("warn", "services", "not running, so they could not be checked", _START)
    else:
        yield from _processes(home)
        yield from _guarded("database", lambda: _database(settings, now))
        yield from _guarded("replica", lambda: replica_findings(settings))
        yield from _guarded("broker", lambda: _broker(settings))
        yield from _guarded("certificates", lambda: served_findings(settings, now()))
        yield from _guarded("gateway", lambda: gateway_findings(settings))
        yield from _guarded("console", lambda: console_findings(settings))
        yield from _guarded("public pages", lambda: public_findings(settings))
        yield from _guarded("readings", lambda: _readings(settings, now()))
        yield from _guarded("jobs", lambda: _jobs(settings, now()))
    yield from _guarded("grafana", lambda: _grafana(settings))


def _guarded(subject: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except LantianError as error:
        yield Finding("fail", subject, str(error), "see ./lantian status and the log folder; docs/running.md explains")


def _processes(home: Home) -> Iterator[Finding]:
    state = read_state(home)
    ended = [each.name for each in state.processes if each.pid is None]
    often = [f"{each.name} {each.restarts} times" for each in state.processes if each.restarts > 2]
    text = ", ".join(each.name for each in state.processes if each.pid is not None) or state.step or state.phase
    if state.phase == RUNNING and not ended and often:
        yield Finding("warn", "processes", f"{text}; restarted: {', '.join(often)}", f"read the logs in {home.log}")
        return
    text += f"; not running: {', '.join(ended)}" if ended else ""
    yield judged(state.phase == RUNNING and not ended, "processes", text, f"read the logs in {home.log}")


def _database(settings: Settings, now: Callable[[], dt.datetime]) -> Iterator[Finding]:
    url = database_url(settings)
    with connect(url, application_name="lantian doctor", connect_timeout_s=5) as connection, translated("look at it"):
        asked = now()
        server = read_server(connection)
    major = int(server.version.split(".")[0])
    yield judged(major >= 15, "database", f"PostgreSQL {server.version}", "use PostgreSQL 15 or newer")
    edition = {"apache": "Apache edition: no compression", "timescale": "community edition"}.get(server.license, "?")
    advice = "create extension timescaledb in the database, as superuser"
    yield judged(bool(server.timescaledb), "timescaledb", f"{server.timescaledb or 'missing'} ({edition})", advice)
    advice = "set fsync = on and full_page_writes = on: a power cut may destroy the database"
    yield judged(server.durable, "durability", "flushed to disk" if server.durable else "NOT flushed to disk", advice)
    drift = abs((server.now - asked).total_seconds())
    yield judged(drift < _CLOCK_S, "database clock", f"differs by {drift:.1f} s", "synchronise both machines' clocks")
    for role in ROLES:
        with connect(database_url(settings, role), connect_timeout_s=5):
            pass
    yield Finding("ok", "database roles", f"{', '.join(ROLES)} can connect")
    outstanding = pending(database_url(settings, "lantian_owner"))
    text = f"{len(outstanding)} outstanding" if outstanding else "all applied"
    yield judged(not outstanding, "migrations", text, "./lantian migrate")


def _broker(settings: Settings) -> Iterator[Finding]:
    names = ACCOUNTS if settings.broker_is_local else ("collector", "doctor")
    accounts = {name: broker_for(settings, name) for name in names}
    refused = [f"{name} ({why})" for name, each in accounts.items() if (why := login_refusal(each, each.password))]
    text = f"refused: {', '.join(refused)}" if refused else f"{', '.join(accounts)} are let in"
    yield judged(not refused, "broker accounts", text, "down and up again: ./lantian down && ./lantian up")
    if refused:
        return
    anonymous = login_refusal(accounts["doctor"], None)
    text = "refused" if anonymous else "LET IN"
    yield judged(anonymous is not None, "anonymous", text, "set allow_anonymous false in the broker's configuration")
    foreign = publish_refusal(accounts["doctor"], "lt/v1/doctor-test/json/other-device/data")
    text = "an account cannot write on another's branch" if foreign else "any account may write anywhere"
    yield judged(foreign is not None, "permissions", text, "give the broker the access list of docs/running.md")
    yield from _limits(settings, accounts["doctor"])
    if settings.broker_is_local:
        yield from _persistence(settings)


def _limits(settings: Settings, doctor: BrokerAddress) -> Iterator[Finding]:
    wanted = settings.collector_batch_size + 1
    certificates = Path(doctor.tls) if doctor.tls else None
    link = CollectorBroker(doctor.host, doctor.port, doctor.username, doctor.password, certificates)
    window = measured_window(link, max(wanted, 21), MAX_WINDOW)
    text = f"{window} messages came without acknowledgement (a batch is {settings.collector_batch_size})"
    yield judged(
        window >= wanted, "in-flight window", text, "set max_inflight_messages 0 in the broker's configuration"
    )
    kept = kept_while_away(doctor, _QUEUE_PROBE)
    text = f"{kept} of {_QUEUE_PROBE} messages were kept for an absent client"
    advice = "set max_queued_messages 1000000 and max_queued_bytes 0 in the broker's configuration"
    yield judged(kept == _QUEUE_PROBE, "queue", text, advice)


def _persistence(settings: Settings) -> Iterator[Finding]:
    path = settings.home / "broker" / "mosquitto.conf"
    lines = dict(line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines() if " " in line)
    wanted = {"persistence": "true", "max_inflight_messages": "0", "max_queued_bytes": "0", "allow_anonymous": "false"}
    wrong = [f"{key} {lines.get(key, '(missing)')}" for key, value in wanted.items() if lines.get(key) != value]
    text = f"persistence every {lines.get('autosave_interval')} s, queue of {lines.get('max_queued_messages')} messages"
    advice = f"found {', '.join(wrong)} in {path}; it is written anew by ./lantian down && ./lantian up"
    yield judged(not wrong, "broker settings", text, advice)


def _readings(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    with connect(database_url(settings), connect_timeout_s=5) as connection, translated("look at readings"):
        newest, balance = read_newest_received(connection), read_balance(connection)
    age = (now - newest).total_seconds() if newest else None
    text = "none yet" if age is None else f"the newest were stored {age:.0f} s ago"
    advice = "connect devices (docs/wire.md) or start the simulated ones; ./lantian status shows who is silent"
    yield judged(age is not None and age < _STALE_S, "readings", text, advice, otherwise="warn")
    text = f"{balance.received} received, {balance.rejected} rejected"
    yield judged(balance.balanced, "ledger", text, "sums differ from what is kept; report this", otherwise="warn")


def _jobs(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    with connect(database_url(settings, "lantian_app"), connect_timeout_s=5) as connection, translated("look at jobs"):
        delays, rule = job_delays(connection, now), read_rule(connection, "job_stuck")
    limit = np.inf if rule is None or rule.threshold is None else rule.threshold
    late = [name for name, delay in zip(delays.sources, delays.values, strict=True) if delay >= limit]
    text = f"not done in time: {', '.join(late)}" if late else "done in time"
    advice = "./lantian job list; ./lantian job run NAME prints the error"
    yield judged(not late, "jobs", text, advice, otherwise="warn")


def _grafana(settings: Settings) -> Iterator[Finding]:
    if settings.grafana_url is None:
        yield Finding("ok", "grafana", "not configured (grafana_url); dashboards can be provisioned from files")
        return
    token = settings.read_grafana_token()
    if token is None:
        yield Finding("fail", "grafana", f"{settings.grafana_url} without a token", "set grafana_token_file")
        return
    with open_grafana(settings.grafana_url, token) as grafana:
        major, minor = grafana.version()
    yield Finding("ok", "grafana", f"{settings.grafana_url} answers, version {major}.{minor}")
