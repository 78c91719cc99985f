"""Metrics in the text format that Prometheus reads: the database's measures, the processes, disk and certificates."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from socketserver import ThreadingMixIn
from threading import Lock
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.service.home import Home
from app.service.state import RUNNING, read_state
from domain.error import LantianError
from store.connection import Connection
from store.error import translated
from store.metric import MEASURES, Measure, read_measure

#: Where metrics are served by default; 9464 is the port that exporters of this kind use.
ADDRESS: Final = "127.0.0.1"


class Measures(Collector):
    """Asks when it is asked; nothing is kept between two scrapes.

    Parameters
    ----------
    open_connection : callable
        Opens a connection as lantian_reader, in autocommit mode.
    home : Home
        Whose processes and disk.
    """

    def __init__(self, open_connection: Callable[[], AbstractContextManager[Connection]], home: Home) -> None:
        self._open = open_connection
        self._home = home
        self._lock = Lock()

    def describe(self) -> list[GaugeMetricFamily]:
        """The families without samples, so that registering asks nothing of the database."""
        return [_family(measure) for measure in MEASURES]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All families with their samples; without a database those of the machine, and `lantian_database_up` 0."""
        with self._lock:
            families, up = self._of_database()
        yield _single("lantian_database_up", "Whether the database answers.", float(up))
        yield from families
        yield from self._of_processes()
        usage = shutil.disk_usage(self._home.folder)
        yield _single("lantian_disk_free_bytes", "Free space where the home folder lies.", float(usage.free))
        yield _single("lantian_disk_used_ratio", "Used share of that disk, 0 to 1.", 1 - usage.free / usage.total)

    def _of_database(self) -> tuple[list[GaugeMetricFamily], bool]:
        found = []
        try:
            with translated("metrics"), self._open() as conn:
                for measure in MEASURES:
                    family = _family(measure)
                    for labels, value in read_measure(conn, measure):
                        family.add_metric(list(labels), value)
                    found.append(family)
        except LantianError:
            return [], False
        return found, True

    def _of_processes(self) -> Iterator[GaugeMetricFamily]:
        state = read_state(self._home)
        up = GaugeMetricFamily("lantian_process_up", "Whether a supervised process lives.", labels=["process"])
        restarts = GaugeMetricFamily("lantian_process_restarts", "How often it was started again.", labels=["process"])
        for process in state.processes:
            up.add_metric([process.name], float(state.phase == RUNNING and process.pid is not None))
            restarts.add_metric([process.name], float(process.restarts))
        yield up
        yield restarts


def _family(measure: Measure) -> GaugeMetricFamily:
    return GaugeMetricFamily(measure.name, measure.meaning, labels=list(measure.labels))


def _single(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=value)


class MetricServer(ThreadingMixIn, WSGIServer):
    """Answers every request in a thread of its own."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape every few seconds is no event."""


def metric_server(measures: Measures, address: str, port: int) -> MetricServer:
    """A server of the metrics at ``/metrics``, not running yet; port 0 takes any free one.

    Parameters
    ----------
    measures : Measures
        What is served.
    address : str
        Where to listen.
    port : int
        Its port.

    Returns
    -------
    MetricServer
        Its `serve_forever` runs until `shutdown`.
    """
    registry = CollectorRegistry()
    registry.register(measures)
    return make_server(address, port, make_wsgi_app(registry), MetricServer, _Quiet)
