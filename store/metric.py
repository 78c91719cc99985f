"""What a monitoring system asks of the database: a table of measures, each one query of the screens' views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes
    ----------
    name : str
        As monitoring calls it, unit at the end.
    meaning : str
        One sentence.
    labels : tuple of str
        Names of the query's columns before the last, which is the value; null = no sample.
    query : str
        Over views that lantian_reader may read.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]
    query: str


MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        "lantian_messages_5m",
        "Messages of the last five minutes by what became of them.",
        ("outcome",),
        "select o.outcome, o.n from (select coalesce(sum(stored), 0) as stored,"
        " coalesce(sum(duplicate), 0) as duplicate, coalesce(sum(revised), 0) as revised,"
        " coalesce(sum(rejected), 0) as rejected from screen.ledger_batch"
        " where committed_at > now() - interval '5 minutes') b cross join lateral (values ('stored', b.stored),"
        " ('duplicate', b.duplicate), ('revised', b.revised), ('rejected', b.rejected)) as o (outcome, n)",
    ),
    Measure(
        "lantian_batch_age_seconds",
        "Seconds since the last batch was written.",
        (),
        "select extract(epoch from now() - max(committed_at)) from screen.ledger_batch",
    ),
    Measure(
        "lantian_batch_longest_seconds_5m",
        "Longest way of a batch into the database within five minutes.",
        ("collector",),
        "select collector, max(extract(epoch from committed_at - opened_at)) from screen.ledger_batch"
        " where committed_at > now() - interval '5 minutes' group by collector",
    ),
    Measure(
        "lantian_ledger_unbalanced_24h",
        "Batches within a day whose messages are not all accounted for.",
        (),
        "select count(*) filter (where received <> stored + duplicate + revised + rejected) from screen.ledger_batch"
        " where committed_at > now() - interval '24 hours'",
    ),
    Measure(
        "lantian_queue_waiting",
        "What waits to be computed again or decided.",
        ("queue",),
        "select queue, waiting from screen.queue_now",
    ),
    Measure(
        "lantian_queue_oldest_seconds",
        "How long the oldest of a queue has waited.",
        ("queue",),
        "select queue, oldest_minutes * 60 from screen.queue_now",
    ),
    Measure(
        "lantian_devices",
        "Devices in service by family and state.",
        ("family", "state"),
        "select family, state, count(*) from screen.device_now group by family, state",
    ),
    Measure(
        "lantian_rejects_24h",
        "Messages rejected within a day by reason.",
        ("reason",),
        "select reason, sum(messages) from screen.reject_hour where hour > now() - interval '24 hours' group by reason",
    ),
    Measure(
        "lantian_job_seconds",
        "How long the last run of a scheduled job took, or is taking.",
        ("job",),
        "select job, seconds from screen.job_now",
    ),
    Measure(
        "lantian_job_done_age_seconds",
        "Seconds since a scheduled job last ended well.",
        ("job",),
        "select job, minutes_since_done * 60 from screen.job_now",
    ),
    Measure(
        "lantian_job_failures_24h",
        "Runs of a scheduled job within a day that failed or were interrupted.",
        ("job",),
        "select job, failures_24h from screen.job_now",
    ),
    Measure(
        "lantian_deliveries",
        "Notices on their way by channel and state; sent ones of the last day.",
        ("channel", "state"),
        "select channel, state, count(*) from screen.delivery"
        " where state <> 'sent' or sent_at > now() - interval '24 hours' group by channel, state",
    ),
    Measure(
        "lantian_delivery_overdue_seconds",
        "How long the delivery that is most overdue has been due.",
        (),
        "select coalesce(max(extract(epoch from now() - due_at)), 0) from screen.delivery"
        " where state = 'waiting' and due_at < now()",
    ),
    Measure(
        "lantian_alerts_open",
        "Alerts that are not dealt with, by severity.",
        ("severity",),
        "select s.severity::text, count(a.alert_id) from generate_series(1, 4) as s (severity)"
        " left join screen.alert_now a on a.severity = s.severity and a.state in ('open', 'acknowledged')"
        " group by s.severity",
    ),
    Measure(
        "lantian_notices_overdue",
        "Notices that nobody answered in time.",
        (),
        "select count(*) from screen.overdue",
    ),
    Measure(
        "lantian_warning_rank",
        "Warning in force by area: 0 none, 1 yellow, 2 orange, 3 red.",
        ("area",),
        "select area_id, rank from screen.warning_now",
    ),
    Measure(
        "lantian_table_bytes",
        "Space of the largest tables with their indexes and chunks.",
        ("table",),
        "select table_name, bytes from screen.table_size order by bytes desc limit 20",
    ),
    Measure(
        "lantian_replica_delay_seconds",
        "Seconds since the newest transaction that a read replica has replayed; nothing where a primary is asked.",
        (),
        "select extract(epoch from now() - pg_last_xact_replay_timestamp()) where pg_is_in_recovery()",
    ),
    Measure(
        "lantian_database_connections",
        "Connections by program.",
        ("application",),
        "select application, sum(connections) from screen.connection_now group by application",
    ),
)


def read_measure(conn: Connection, measure: Measure) -> list[tuple[Sequence[str], float]]:
    """Samples of a measure: label values and the value; rows without a value are left out.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader.
    measure : Measure
        One of `MEASURES`.

    Returns
    -------
    list of (sequence of str, float)
        In the query's order.
    """
    rows = conn.execute(measure.query.encode()).fetchall()
    return [(tuple(map(str, row[:-1])), float(row[-1])) for row in rows if row[-1] is not None]
