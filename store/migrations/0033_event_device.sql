-- Devices that send no readings: sources of straw-fire points, and what only says whether it is connected (video). 事件设备。

alter table device drop constraint device_protocol_check;
alter table device add constraint device_protocol_check check (protocol in ('json', 'hj212', 'gb17691', 'straw_fire', 'link'));
comment on column device.protocol is
    'json, hj212, gb17691: readings; straw_fire: fire points into register_straw_fire; link: nothing but its link state 协议';

-- Fire points come through the collector, in the transaction of their batch.
grant select, insert on register_straw_fire to lantian_writer;

-- As before, but what sends no readings is as fresh as its link.
create or replace view screen.device_now as
select d.id as device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.kind, d.family, d.protocol, d.mn, d.interval_s,
    st.last_received_at, st.last_time, st.last_error, st.last_error_at, st.link, st.link_at,
    (extract(epoch from now() - st.last_time) / 60)::float8 as age_minutes,
    c.state,
    case c.state when 'never' then '未上报' when 'online' then '正常' when 'late' then '迟报' else '中断' end as state_zh,
    case st.link when 'online' then '在线' when 'offline' then '离线' else '未知' end as link_zh,
    greatest(st.last_received_at, st.link_at) as last_seen_at
from lantian.device d
join lantian.site s on s.id = d.site_id
left join lantian.device_state st on st.device_id = d.id
cross join lateral (
    select case
        when d.protocol in ('straw_fire', 'link') then
            case st.link when 'online' then 'online' when 'offline' then 'silent' else 'never' end
        when st.last_time is null then 'never'
        when now() - st.last_time <= greatest(3 * d.interval_s, 300) * interval '1 second' then 'online'
        when now() - st.last_time <= interval '60 minutes' then 'late'
        else 'silent'
    end as state
) c
where d.retired_at is null;
comment on column screen.device_now.last_seen_at is 'Newest message or statement about its link 最近出现时间';

-- As before, but nothing is due from what sends no readings, and it has no ratio.
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
                / d.interval_s))::bigint end as due
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
    select case when not n.silent then least(100.0, 100.0 * n.readings / nullif(n.due, 0))::float8 end as transmission,
        case when n.readings > 0 then coalesce((100.0 * n.usable / nullif(n.carried, 0))::float8, 100.0::float8) else 0 end
            as validity
) r;

-- As before, with the link's own times.
create or replace view screen.device_health as
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
    n.last_error, n.last_error_at, n.link_at, n.last_seen_at
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

-- Link of every site: what its devices said last on their topic `state`, or the gateway of data loggers for them.
create view screen.site_link as
select s.id as site_id, s.area_id, s.name_zh as site_zh, s.kind, s.township, s.longitude, s.latitude, s.enterprise_id,
    n.devices, n.online, n.offline, n.unknown,
    case when n.devices = 0 then 'none' when n.online = n.devices then 'online' when n.offline = n.devices then 'offline'
        when n.online > 0 then 'partly' when n.offline > 0 then 'offline' else 'unknown' end as link,
    case when n.devices = 0 then '未登记设备' when n.online = n.devices then '在线' when n.offline = n.devices then '离线'
        when n.online > 0 then '部分在线' when n.offline > 0 then '离线' else '未知' end as link_zh,
    n.link_at, n.last_seen_at
from lantian.site s
cross join lateral (
    select count(*) as devices, count(*) filter (where d.link = 'online') as online,
        count(*) filter (where d.link = 'offline') as offline, count(*) filter (where d.link is null) as unknown,
        max(d.link_at) as link_at, max(d.last_seen_at) as last_seen_at
    from screen.device_now d where d.site_id = s.id
) n
where s.retired_at is null and s.kind <> 'area';
comment on view screen.site_link is 'Link state of every site, video and building sites among them 点位链路状态';

grant select on screen.site_link to lantian_reader, lantian_app;
