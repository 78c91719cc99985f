-- A mean over ten minutes is due every ten minutes, however often the device sends what is newer; while nothing is due yet
-- there is no ratio (least() would take a missing one for 100 %). 应收条数按覆盖时长与上报间隔中较长者计算。

create or replace view screen.device_period as
select n.device_id, n.period, n.first_day, n.due, n.readings, n.messages, r.transmission, r.validity,
    r.transmission * r.validity / 100 as effective,
    100.0::float8 * n.duplicates / nullif(n.messages, 0) as duplicate_percent,
    100.0::float8 * n.rejects / nullif(n.messages, 0) as reject_percent
from (
    select d.id as device_id, d.protocol in ('straw_fire', 'link') as silent, p.period, p.first_day, c.readings, c.messages, c.duplicates, c.rejects,
        c.carried, c.usable,
        case when d.protocol in ('straw_fire', 'link') then 0::bigint
            else greatest(0, floor(extract(epoch from now() - greatest(d.registered_at, screen.midnight(p.first_day)))
                / greatest(d.interval_s, d.span_s)))::bigint end as due
    from lantian.device d
    cross join (
        values ('today', screen.today()), ('month', date_trunc('month', screen.today()::timestamp)::date)
    ) as p (period, first_day)
    cross join lateral (
        select coalesce(sum(x.readings), 0)::bigint as readings, coalesce(sum(x.messages), 0)::bigint as messages,
            coalesce(sum(x.duplicates), 0) as duplicates, coalesce(sum(x.rejects), 0) as rejects,
            sum(x.carried) as carried, sum(x.usable) as usable
        from lantian.device_day x
        where x.device_id = d.id and x.day between p.first_day and screen.today()
    ) c
    where d.retired_at is null
) n
cross join lateral (
    select case when not n.silent and n.due > 0 then least(100.0, 100.0 * n.readings / n.due)::float8 end as transmission,
        case when n.readings > 0 then coalesce((100.0 * n.usable / nullif(n.carried, 0))::float8, 100.0::float8) else 0 end
            as validity
) r;
