"""What the database holds after a round of the crash matrix, against what the devices have measured."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from crash_devices import BEHIND, Truth
from crash_stage import Stage

from store.connection import connect
from store.ledger import read_balance

#: Jobs that run every minute.
_QUEUES = ("batch_note", "dirty_hour", "dirty_day")
_JOBS = ("alerts", "escalate", "quality")
_READINGS = "select device_id, time, pm25 from air_reading where time >= '{}'"
_PROPOSED = (
    "select device_id, time, (new_values ->> 'pm25')::float8 from revision where status = 'proposed' and time >= '{}'"
)
_COUNTS = """
select (select count(*) from air_reading), (select coalesce(sum(rows_stored), 0) from ledger),
    (select count(*) from revision)
"""


def verdict(stage: Stage, first: dt.datetime, *, jobs: bool) -> dict[str, object]:
    """Counts of what went wrong; waits for what is settled, sent and, with `jobs`, run afterwards."""
    queues = f"select {' + '.join(f'(select count(*) from {queue})' for queue in _QUEUES)}"
    settled = stage.until(lambda: stage.ask(queues) == [(0,)])
    worked = not jobs or _jobs_run(stage)
    sent = stage.until(lambda: stage.ask("select count(*) from delivery where state <> 'sent'") == [(0,)])
    halves = "select (select count(*) from job_run where outcome = 'interrupted'), (select count(*) from {})"
    interrupted, lost = stage.ask(halves.format("delivery_attempt where outcome = 'lost'"))[0]
    keys = {str(key) for (key,) in stage.ask("select distinct message_key from delivery")}
    with connect(stage.made.url("lantian_app")) as conn:
        balance = read_balance(conn)
    refused = stage.ask("select count(distinct payload) from reject")[0][0]
    found = {
        **_compared(stage, first),
        "duplicates": balance.duplicate,
        "refused": refused - stage.refused,
        "balanced": balance.balanced,
        "settled": settled,
        "jobs_run": worked,
        "jobs_interrupted": interrupted,
        "notices": len(keys),
        "leases_lost": lost,
        "notices_sent": sent and not keys - stage.hook.keys.keys(),
        "notices_repeated": sum(stage.hook.keys.values()) - len(stage.hook.keys),
    }
    stage.refused = refused
    stage.devices.truth.clear()
    stage.devices.again.clear()
    return found


def _compared(stage: Stage, first: dt.datetime) -> dict[str, int]:
    """Readings and hours as stored against those measured."""
    truth, again = stage.devices.truth, stage.devices.again
    first -= BEHIND
    rows = {(row[0], row[1]): row[2] for row in stage.ask(_READINGS.format(first))}
    kept, told, revised = stage.ask(_COUNTS)[0]
    proposed = {(row[0], row[1]): row[2] for row in stage.ask(_PROPOSED.format(first))}
    # Of two values for one minute whichever came first is stored and the other waits for a person.
    both = {key for key in again if {rows.get(key), proposed.get(key)} == {truth[key], again[key]}}
    truth |= {key: rows[key] for key in both}
    found = {
        "readings": len(truth),
        "lost": len(truth.keys() - rows.keys()) + len(again.keys() - both),
        "wrong": sum(rows.get(key, value) != value for key, value in truth.items()),
        "strange": len(rows.keys() - truth.keys()) + kept - len(rows) - stage.kept,
        "doubled": int(told) - kept + revised - stage.revised - len(again),
        "revised": revised - stage.revised,
        "wrong_hours": _wrong_hours(stage, truth, first),
    }
    stage.kept, stage.revised = kept, revised
    return found


def _wrong_hours(stage: Stage, truth: Truth, first: dt.datetime) -> int:
    """Hours that differ from the mean of at least 45 minutes as measured, or that nobody measured."""
    minutes: dict[tuple[str, dt.datetime], list[float]] = defaultdict(list)
    for (device, moment), value in truth.items():
        minutes[f"at-{device}", moment.replace(minute=0)].append(value)
    expected = {key: sum(values) / len(values) for key, values in minutes.items() if len(values) >= 45}
    query = "select site_id, hour, pm25 from air_hour where pm25 is not null and site_id like 'at-crash%' and hour "
    found = {(site, hour): mean for site, hour, mean in stage.ask(f"{query} >= '{first}'")}
    near = sum(key in found and abs(found[key] - mean) < 1e-9 for key, mean in expected.items())
    return len(found.keys() | expected.keys()) - near


def _jobs_run(stage: Stage) -> bool:
    """Whether every job that is due each minute is done once more."""
    newest = stage.ask("select coalesce(max(id), 0) from job_run")[0][0]
    query = f"select count(distinct job) from job_run where outcome = 'done' and id > {newest} and job in {_JOBS}"
    return stage.until(lambda: stage.ask(query)[0][0] == len(_JOBS))


def is_good(result: dict[str, object], refused: int, revised: int) -> bool:
    """Whether a round lost, doubled and forgot nothing; so many readings had to be refused, and wait as revisions."""
    zero = ("lost", "wrong", "strange", "doubled", "wrong_hours")
    true = ("answered", "balanced", "settled", "jobs_run", "notices_sent")
    same = {"refused": refused, "revised": revised, "through_gateway": result["of_loggers"]}
    return (
        all(result[key] == 0 for key in zero)
        and all(result[key] for key in true)
        and all(result[key] == value for key, value in same.items())
    )
