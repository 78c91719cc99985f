-- Views of the system's own work: queues, tables, connections, corrections, and of vehicles. 运行、数据质量与移动源视图。

-- Queues: how much waits to be computed again, and since when.
create view screen.queue_now as
select q.queue, q.queue_zh, q.position, q.waiting,
    (extract(epoch from now() - q.oldest) / 60)::float8 as oldest_minutes
from (
    select 'dirty_hour' as queue, '待重算小时' as queue_zh, 1 as position, count(*)::bigint as waiting, min(marked_at) as oldest
    from lantian.dirty_hour
    union all
    select 'dirty_day', '待重算日', 2, count(*), min(marked_at) from lantian.dirty_day
    union all
    select 'dirty_period', '待重算时段', 3, count(*), min(marked_at) from lantian.dirty_period
    union all
    select 'revision', '待定数据修正', 4, count(*), min(received_at) from lantian.revision where status = 'proposed'
) q;

-- Tables by size; of a hypertable that of its chunks.
create view screen.table_size as
select c.relname::text as table_name, obj_description(c.oid, 'pg_class') as what, coalesce(h.chunks, 0)::integer as chunks,
    pg_total_relation_size(c.oid) + coalesce(h.bytes, 0) as bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'lantian'
left join lateral (
    select count(*) as chunks, sum(pg_total_relation_size(format('%I.%I', k.chunk_schema, k.chunk_name)::regclass))::bigint as bytes
    from timescaledb_information.chunks k
    where k.hypertable_schema = 'lantian' and k.hypertable_name = c.relname
) h on true
where c.relkind = 'r';

-- Who is connected; names only.
create view screen.connection_now as
select coalesce(nullif(application_name, ''), '—') as application, usename::text as role, count(*)::integer as connections
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend'
group by 1, 2;

-- Health of every device with the words that screens show.
create view screen.device_quality as
select h.*,
    case h.family when 'air' then '环境空气' when 'stack' then '固定源烟气' when 'plant' then '工况用电' when 'vehicle' then '移动源'
        else h.family end as family_zh,
    case h.family when 'air' then 1 when 'stack' then 2 when 'plant' then 3 else 4 end as family_order
from screen.device_health h;

-- Corrections of stored readings, the newest month.
create view screen.revision_recent as
select r.id, r.received_at, r.device_id, s.name_zh as site_zh, s.area_id, r.family, r.time, r.announced, r.status,
    case r.status when 'proposed' then '待审核' when 'accepted' then '已采纳' else '未采纳' end as status_zh,
    r.decided_by, r.decided_at, r.reason
from lantian.revision r
left join lantian.device d on d.id = r.device_id
left join lantian.site s on s.id = d.site_id
where r.received_at >= now() - interval '30 days' or r.status = 'proposed';

-- Rejected messages of 30 days by hour and reason.
create view screen.reject_hour as
select date_trunc('hour', r.received_at) as hour, r.reason, coalesce(w.name_zh, r.reason) as reason_zh, s.area_id,
    count(*)::bigint as messages
from lantian.reject r
left join lantian.reason w on w.code = r.reason
left join lantian.device d on d.id = r.device_id
left join lantian.site s on s.id = d.site_id
where r.received_at >= now() - interval '30 days'
group by 1, 2, 3, 4;

-- Heavy vehicles: what each last said. A vehicle's stream is one reading a second or ten, so a day's silence is normal.
create view screen.vehicle_now as
select d.id as device_id, s.id as site_id, s.area_id, s.name_zh as vehicle_zh, e.name_zh as enterprise_zh, d.mn as vin,
    r.time, (extract(epoch from now() - r.time) / 60)::float8 as age_minutes,
    r.speed, r.engine_speed, r.nox_upstream, r.nox_downstream,
    case when r.nox_upstream > 0 then 100 * (1 - r.nox_downstream / r.nox_upstream) end as conversion_percent,
    r.scr_inlet_temperature, r.scr_outlet_temperature, r.reagent_level, r.dpf_pressure, r.coolant_temperature,
    r.tank_level, r.odometer, r.mil, r.longitude, r.latitude,
    case when r.time is null then '未上报' when r.mil > 0 then '故障灯亮' when r.mil = 0 then '正常' else '未知' end as mil_zh
from lantian.device d
join lantian.site s on s.id = d.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
left join lantian.device_state st on st.device_id = d.id
left join lateral (
    select x.* from lantian.vehicle_reading x
    where x.device_id = d.id and x.time = st.last_time
    order by x.span_s limit 1
) r on true
where d.family = 'vehicle' and d.retired_at is null;

create view screen.vehicle_reading as
select r.device_id, s.area_id, s.name_zh as vehicle_zh, r.time, r.speed, r.engine_speed, r.net_torque, r.fuel_rate,
    r.nox_upstream, r.nox_downstream, r.reagent_level, r.intake_air, r.scr_inlet_temperature, r.scr_outlet_temperature,
    r.dpf_pressure, r.coolant_temperature, r.tank_level, r.odometer, r.mil
from lantian.vehicle_reading r
join lantian.device d on d.id = r.device_id
join lantian.site s on s.id = d.site_id;

-- When a batch was begun, to see how long its way into the database took.
create or replace view screen.ledger_batch as
select id as batch_id, collector, committed_at, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate,
    rows_revised, opened_at
from lantian.ledger;

grant select on screen.queue_now, screen.device_quality, screen.table_size, screen.connection_now, screen.revision_recent, screen.reject_hour,
    screen.vehicle_now, screen.vehicle_reading to lantian_reader, lantian_app;
