"""What alert rules compare: one number per source, with the words and figures that explain it.

A query returns source, name, number (null = not known), text and evidence; it may use `now`, an aware moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from store.connection import Connection

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of n sources.

    Attributes
    ----------
    source_kind : str
        What the sources are.
    sources, names, texts : list of str
        Id, Chinese name, and the number in words.
    values : ndarray of float64
        Shape (n,); NaN = not known.
    evidence : list of dict
        Figures behind each.
    """

    source_kind: str
    sources: list[str]
    names: list[str]
    values: Floats
    texts: list[str]
    evidence: list[dict[str, Any]]


#: The newest finished hour of each stack that is judged at all; just over the limit counts as over, as the hour says.
_STACK_HOUR: Final = """
select h.site_id, s.name_zh, r.ratio, coalesce(r.text_zh, ''),
    jsonb_build_object('hour', to_char(h.hour, 'YYYY-MM-DD"T"HH24:MI"Z"'), 'pollutants', coalesce(r.found, '{}'))
from (
    select distinct on (x.site_id) x.* from stack_hour x
    where x.hour >= %(now)s - interval '6 hours' and x.hour <= %(now)s - interval '1 hour'
    order by x.site_id, x.hour desc
) h
join site s on s.id = h.site_id
cross join lateral (
    select max(case when p.over then greatest(p.value / p.lim, 1.00001) else least(p.value / p.lim, 1) end) as ratio,
        string_agg(format('%%s %%s mg/m³，限值 %%s', p.zh, round(p.value::numeric, 1), p.lim), '；')
            filter (where p.over) as text_zh,
        jsonb_object_agg(p.key, jsonb_build_object('value', p.value, 'limit', p.lim)) filter (where p.over) as found
    from (values
        ('pm', '颗粒物', coalesce(h.pm_converted, h.pm), h.pm_limit, h.pm_over),
        ('so2', '二氧化硫', coalesce(h.so2_converted, h.so2), h.so2_limit, h.so2_over),
        ('nox', '氮氧化物', coalesce(h.nox_converted, h.nox), h.nox_limit, h.nox_over),
        ('co', '一氧化碳', coalesce(h.co_converted, h.co), h.co_limit, h.co_over),
        ('nh3', '氨', coalesce(h.nh3_converted, h.nh3), h.nh3_limit, h.nh3_over)
    ) as p (key, zh, value, lim, over)
    where p.over is not null and p.lim > 0
) r
where s.retired_at is null
"""
#: Share of today's due readings, once six hours of the local day are over.
_SHARE: Final = """
select h.device_id, h.site_zh,
    case when h.due_today * greatest(d.interval_s, d.span_s) >= 21600 then {share} end,
    format('今日应收 %%s 条，实收 %%s 条，{name} %%s%%%%', h.due_today, h.readings_today, round({share}::numeric, 1)),
    jsonb_build_object('due', h.due_today, 'readings', h.readings_today, 'percent', round({share}::numeric, 1))
from screen.device_health h
join device d on d.id = h.device_id
"""
#: Intervals since the last message; a device that never sent anything is not judged.
_SILENCE: Final = """
select d.id, s.name_zh || ' ' || d.id,
    extract(epoch from %(now)s - t.last_received_at) / greatest(d.interval_s, d.span_s, 60),
    format('最近报文 %%s，上报间隔 %%s 秒',
        to_char(timezone(interval '8 hours', t.last_received_at), 'MM-DD HH24:MI:SS'),
        greatest(d.interval_s, d.span_s)),
    jsonb_build_object('last_received_at', t.last_received_at, 'interval_s', greatest(d.interval_s, d.span_s))
from device d
join site s on s.id = d.site_id
left join device_state t on t.device_id = d.id
where d.retired_at is null
"""
#: A time that cannot be is refused and is no newest reading: while a device's last word was refused so, it counts as
#: wrong by as much as a clock may be ahead (`ingest.assembly.FUTURE_S`), whether it is ahead or in another century.
_SKEW: Final = """
select h.device_id, h.site_zh || ' ' || h.device_id,
    case when r.refused then greatest(-h.skew_s, 600) else -h.skew_s end,
    case when r.refused then format('设备报文的时间无法采信，已拒收：%%s', h.last_error)
        else format('设备时钟超前平台 %%s 秒', round((-h.skew_s)::numeric, 0)) end,
    jsonb_build_object('ahead_s', round((-h.skew_s)::numeric))
        || case when r.refused then jsonb_build_object('refused', h.last_error) else '{}' end
from screen.device_health h
cross join lateral (
    select coalesce(h.last_error like 'impossible\\_time%%' and h.last_error_at > %(now)s - interval '1 day'
        and h.last_error_at > coalesce(h.last_received_at, '-infinity'), false) as refused
) r
"""
_TARGET: Final = """
select t.area_id || '/' || t.target_id, t.indicator_zh,
    case t.status when 'at_risk' then 1 when 'missed' then 1 when 'on_track' then 0 when 'met' then 0 end,
    format('%%s：目标 %%s，现值 %%s，%%s', t.period_zh, t.target_zh, coalesce(t.actual::text, '无'), t.status_zh),
    jsonb_build_object('status', t.status, 'actual', t.actual, 'target', t.target_value)
from screen.target_status t
"""
#: Messages of the committed batches of the last hour against what is kept of them, message by message.
_LEDGER: Final = """
with batch as (
    select id, stored + duplicate + revised as kept, rejected from ledger
    where committed_at >= %(now)s - interval '70 minutes' and committed_at < %(now)s - interval '10 minutes'
        and received > 0
)
select 'ledger', '收支台账', abs(b.kept - f.n)::float8 + abs(b.rejected - r.n),
    format('一小时内台账记接收 %%s 条、拒收 %%s 条，实存原始报文 %%s 条、拒收记录 %%s 条',
        b.kept, b.rejected, f.n, r.n),
    jsonb_build_object('kept', b.kept, 'frames', f.n, 'rejected', b.rejected, 'rejects', r.n)
from (select coalesce(sum(kept), 0) as kept, coalesce(sum(rejected), 0) as rejected from batch) b
cross join (
    select count(*) as n from raw_frame x where x.received_at >= %(now)s - interval '1 day' and x.batch_id in
        (select id from batch)
) f
cross join (select count(*) as n from reject x where x.batch_id in (select id from batch)) r
"""
#: A delivery whose sender has died waits since its lease ran out.
_OUTBOX: Final = """
select 'outbox', '通知发送', coalesce(extract(epoch from %(now)s - min(w.since)), 0),
    format('%%s 条通知到期未发出', count(*)), jsonb_build_object('waiting', count(*), 'oldest', min(w.since))
from (
    select case d.state when 'waiting' then d.due_at else d.leased_until end as since
    from delivery d where d.state in ('waiting', 'sending')
) w where w.since <= %(now)s
"""
#: Hours, days and periods that wait to be computed again.
_SETTLEMENT: Final = """
select 'settlement', '统计结算', coalesce(extract(epoch from %(now)s - min(w.marked_at)), 0),
    format('%%s 项统计待重算，最早自 %%s 起', count(*),
        to_char(timezone(interval '8 hours', min(w.marked_at)), 'MM-DD HH24:MI')),
    jsonb_build_object('waiting', count(*), 'oldest', min(w.marked_at))
from (
    select marked_at from dirty_hour union all select marked_at from dirty_day union all
    select marked_at from dirty_period
) w
"""
_QUERIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "stack_hour_ratio": ("site", _STACK_HOUR),
        "transmission_24h": ("device", _SHARE.format(share="h.transmission_today", name="传输率")),
        "validity_24h": ("device", _SHARE.format(share="h.validity_today", name="有效率")),
        "silence_intervals": ("device", _SILENCE),
        "clock_skew": ("device", _SKEW),
        "target_risk": ("target", _TARGET),
        "ledger_gap": ("platform", _LEDGER),
        "outbox_age": ("platform", _OUTBOX),
        "settlement_age": ("platform", _SETTLEMENT),
    }
)
#: Measures that this module reads.
MEASURES: Final = tuple(_QUERIES)


def read_measure(conn: Connection, measure: str, *, now: dt.datetime) -> Measured:
    """Every source's number of one of `MEASURES`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    measure : str
        Which.
    now : datetime
        The moment.

    Returns
    -------
    Measured
        In the order of the sources.
    """
    source_kind, query = _QUERIES[measure]
    rows = sorted(conn.execute(query.encode(), {"now": now}).fetchall(), key=lambda row: str(row[0]))
    values = np.array([np.nan if row[2] is None else float(row[2]) for row in rows], dtype=np.float64)
    columns = [[row[at] for row in rows] for at in (0, 1, 3, 4)]
    return Measured(source_kind, columns[0], columns[1], values, columns[2], columns[3])


@dataclass(frozen=True, slots=True)
class MicroHour:
    """Newest finished hour of PM2.5 of the micro stations of an area: n stations."""

    sites: list[str]
    names: list[str]
    values: Floats
    longitudes: Floats
    latitudes: Floats
    micro: list[bool]
    hour: dt.datetime | None


def read_micro_hour(conn: Connection, *, now: dt.datetime) -> list[MicroHour]:
    """The newest hour that most stations have, per area; ambient stations are there as neighbours."""
    rows = conn.execute(
        "select s.area_id, s.id, s.name_zh, h.pm25, s.longitude, s.latitude, s.kind = 'micro', x.hour"
        " from site s join (select y.area_id, date_trunc('hour', %(now)s - interval '70 minutes') as hour"
        " from site y group by y.area_id) x on x.area_id = s.area_id"
        " left join air_hour h on h.site_id = s.id and h.hour = x.hour"
        " where s.kind in ('micro', 'ambient') and s.retired_at is null order by s.area_id, s.id",
        {"now": now},
    ).fetchall()
    found = []
    for area in sorted({row[0] for row in rows}):
        of_area = [row for row in rows if row[0] == area]
        value, east, north = (
            np.array([np.nan if row[at] is None else row[at] for row in of_area], dtype=np.float64) for at in (3, 4, 5)
        )
        ids, names, micro = ([row[at] for row in of_area] for at in (1, 2, 6))
        found.append(MicroHour(ids, names, value, east, north, micro, of_area[0][7]))
    return found


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A finding of the integrity checks that waits for a person, or has ended."""

    id: int
    kind: str
    kind_zh: str
    family: str
    device_id: str
    site_zh: str
    area_id: str
    enterprise_id: str | None
    status: str
    text_zh: str


def read_findings(conn: Connection, *, since: dt.datetime) -> list[OpenFinding]:
    """Findings that are open, and those judged or ended since a moment."""
    rows = conn.execute(
        "select id, kind, kind_zh, family, device_id, site_zh, area_id, enterprise_id, status, text_zh"
        " from screen.integrity_finding where status = 'open' or status_at >= %s order by id",
        (since,),
    ).fetchall()
    return [OpenFinding(*row) for row in rows]
