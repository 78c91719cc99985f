"""`lantian dispatch`: the outbox's workers and the agent that hears answers."""

from __future__ import annotations

import logging
import signal
import sys
import threading

import click

from alerting.dispatcher import dispatch, lanes
from app.job.watchdog import Watchdog
from app.service.post import answer_agent, post, worker_name
from app.service.schema import check_schema
from app.settings import load_settings
from domain.alert import RED


@click.command("dispatch")
@click.option("--no-answers", is_flag=True, help="Only send; do not hear answers by MQTT.")
def command(no_answers: bool) -> None:
    """Send notices that are due, each channel in a lane of its own, and store answers that come by MQTT.

    Looks every minute whether the job `alerts` is being done, and raises an alert itself when it is not.
    Several may run at the same time. Runs until SIGTERM or Ctrl-C; one JSON line per message on standard error.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may hold addresses with tokens
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    check_schema(settings)
    work = post(settings)
    agents = [Watchdog(work.open_connection, work.clock).run]
    agents += [] if no_answers else [answer_agent(settings).run]
    dispatch(work, lanes(worker_name(), work.policies, RED), stop, agents)
