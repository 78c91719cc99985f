"""The real collector as a process that a test may kill: `python journey_collector.py SETTINGS_JSON`."""

from __future__ import annotations

import datetime as dt
import json
import signal
import sys
import threading

from ingest.collector import Cadence, Collector
from ingest.link import Broker, Link, Session
from store.connection import connect


def main() -> None:
    settings = json.loads(sys.argv[1])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def now() -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    link = Link(Broker(**settings["broker"]), Session(**settings["session"]), now)
    cadence = Cadence(settings["batch"], 0.1)
    Collector(link, lambda: connect(settings["database"]), name="journey", cadence=cadence, now=now).run(stop)


if __name__ == "__main__":
    main()
