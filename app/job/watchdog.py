"""The watch over the job that judges all others, from another process: the dispatcher, which is to tell of it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from typing import Final

from domain.error import ServiceError
from domain.period import ZONE
from store.alert import raise_alert
from store.alert_record import AlertKey
from store.alert_rule import read_rule
from store.connection import Connection
from store.error import translated
from store.job_run import read_last_done

logger = logging.getLogger(__name__)
_KIND: Final = "job_stuck"
_JOB: Final = "alerts"
#: It runs every minute; a restart of the machine or a long look of its lane takes less.
LONGEST: Final = dt.timedelta(minutes=10)
_LOOK_S: Final = 60.0


def watch_alerts(conn: Connection, *, since: dt.datetime, now: dt.datetime) -> bool:
    """Raise `job_stuck` for the job `alerts` when it has not been done for `LONGEST`; whether it is so.

    The job itself ends the alert, once it runs again.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    since : datetime
        Since when this watch lasts: what was before is no fault of the job.
    now : datetime
        The moment.
    """
    rule, done = read_rule(conn, _KIND), read_last_done(conn, _JOB, until=now)
    if rule is None or not rule.enabled or now - max(since, done or since) < LONGEST:
        return False
    when = "从未完成" if done is None else f"最近一次完成于 {done.astimezone(ZONE):%m-%d %H:%M}"
    with conn.transaction():
        raise_alert(
            conn,
            AlertKey(_KIND, "job", _JOB),
            severity=rule.severity,
            subject_zh=f"{rule.title_zh}：{_JOB}",
            body_zh=f"告警判断任务{when}，其他告警可能未能产生。请检查 lantian job list",
            evidence={"job": _JOB},
            now=now,
        )
    return True


class Watchdog:
    """Looks every minute until stopped.

    Parameters
    ----------
    open_connection : callable
        Connects to the database, role lantian_app, autocommit.
    clock : callable
        The aware present moment.
    """

    def __init__(self, open_connection: Callable[[], Connection], clock: Callable[[], dt.datetime]) -> None:
        self._open_connection = open_connection
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Watch; a database that is away is tried again at the next look."""
        since = self._clock()
        while not stop.wait(_LOOK_S):
            try:
                with translated("watch the alerts"), self._open_connection() as conn:
                    if watch_alerts(conn, since=since, now=self._clock()):
                        logger.warning(json.dumps({"event": "alerts_stuck"}))
            except ServiceError as error:
                logger.warning(json.dumps({"event": "watchdog_retry", "error": str(error)}, ensure_ascii=False))
