-- Counters per device and day, kept by the collector, and the health that follows from them. 设备健康。

create table device_day (
    device_id text not null,
    day date not null,
    messages int not null default 0 check (messages >= 0),
    duplicates int not null default 0 check (duplicates >= 0),
    rejects int not null default 0 check (rejects >= 0),
    readings int not null default 0 check (readings >= 0),
    carried bigint not null default 0 check (carried >= 0),
    usable bigint not null default 0 check (usable between 0 and carried),
    primary key (device_id, day)
) with (fillfactor = 70);
comment on table device_day is 'What came from a device on a local day, counted in the transaction of each batch 设备日计数';
comment on column device_day.messages is 'Messages received that day, statements about the link left out 当日报文数';
comment on column device_day.duplicates is 'Messages of which every row was there already 重复报文数';
comment on column device_day.rejects is 'Messages rejected 拒收报文数';
comment on column device_day.readings is 'Readings of that day stored, of the span the device is registered with 当日数据条数';
comment on column device_day.carried is 'Values those readings carried 数据个数';
comment on column device_day.usable is 'Values that enter statistics 有效数据个数';

grant select, insert, update on device_day to lantian_writer;
grant select on device_day to lantian_app;

-- Today and this month of every device in service: what was due, what came, and the three ratios in percent:
-- 传输率 = received / due, 有效率 = usable / carried, 传输有效率 = their product.
create view screen.device_period as
select n.device_id, n.period, n.first_day, n.due, n.readings, n.messages, r.transmission, r.validity,
    r.transmission * r.validity / 100 as effective,
    100.0::float8 * n.duplicates / nullif(n.messages, 0) as duplicate_percent,
    100.0::float8 * n.rejects / nullif(n.messages, 0) as reject_percent
from (
    select d.id as device_id, p.period, p.first_day, c.readings, c.messages, c.duplicates, c.rejects, c.carried, c.usable,
        greatest(0, floor(extract(epoch from now() - greatest(d.registered_at, screen.midnight(p.first_day)))
            / d.interval_s))::bigint as due
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
    select least(100.0, 100.0 * n.readings / nullif(n.due, 0))::float8 as transmission,
        case when n.readings > 0 then coalesce((100.0 * n.usable / nullif(n.carried, 0))::float8, 100.0::float8) else 0 end
            as validity
) r;
comment on view screen.device_period is 'Completeness, duplicates and rejects of today and this month 设备当日与当月指标';

create view screen.device_health as
select n.device_id, n.site_id, n.site_zh, n.area_id, n.kind, n.family, n.protocol, n.mn, n.interval_s,
    n.state, n.state_zh, n.link, n.link_zh, n.last_received_at, n.last_time,
    extract(epoch from now() - n.last_received_at)::float8 as age_s,
    extract(epoch from newest.received_at - newest.time)::float8 - newest.span_s as skew_s,
    t.due as due_today, t.readings as readings_today, t.messages as messages_today,
    t.transmission as transmission_today, t.validity as validity_today, t.effective as effective_today,
    t.duplicate_percent as duplicate_today, t.reject_percent as reject_today,
    m.due as due_month, m.readings as readings_month, m.messages as messages_month,
    m.transmission as transmission_month, m.validity as validity_month, m.effective as effective_month,
    m.duplicate_percent as duplicate_month, m.reject_percent as reject_month,
    n.last_error, n.last_error_at
from screen.device_now n
join lantian.device d on d.id = n.device_id
join screen.device_period t on t.device_id = d.id and t.period = 'today'
join screen.device_period m on m.device_id = d.id and m.period = 'month'
left join lateral (
    select r.time, r.span_s, r.received_at from (
        select x.time, x.span_s, x.received_at from lantian.air_reading x
        where n.family = 'air' and x.device_id = n.device_id and x.time = n.last_time
        union all
        select x.time, x.span_s, x.received_at from lantian.stack_reading x
        where n.family = 'stack' and x.device_id = n.device_id and x.time = n.last_time
        union all
        select x.time, x.span_s, x.received_at from lantian.vehicle_reading x
        where n.family = 'vehicle' and x.device_id = n.device_id and x.time = n.last_time
        union all
        select x.time, x.span_s, x.received_at from lantian.plant_reading x
        where n.family = 'plant' and x.device_id = n.device_id and x.time = n.last_time
    ) r
    order by abs(r.span_s - d.span_s), r.span_s limit 1
) newest on true;
comment on view screen.device_health is 'Health of every device in service 设备健康';
comment on column screen.device_health.skew_s is 'Receipt minus end of the newest reading; below 0 the device''s clock is ahead 时钟偏差（秒）';
comment on column screen.device_health.effective_month is '传输有效率 of the month so far, percent 本月传输有效率';

grant select on screen.device_period, screen.device_health to lantian_reader, lantian_app;
