-- Connections of other roles show no kind of backend to the owner of the views; the lamp of a vehicle is told once an hour.
-- 运行与移动源视图修正。

create or replace view screen.connection_now as
select coalesce(nullif(application_name, ''), '—') as application, usename::text as role, count(*)::integer as connections
from pg_stat_activity
where datname = current_database() and usename like 'lantian\_%'
group by 1, 2;

create or replace view screen.vehicle_now as
select d.id as device_id, s.id as site_id, s.area_id, s.name_zh as vehicle_zh, e.name_zh as enterprise_zh, d.mn as vin,
    r.time, (extract(epoch from now() - r.time) / 60)::float8 as age_minutes,
    r.speed, r.engine_speed, r.nox_upstream, r.nox_downstream,
    case when r.nox_upstream > 0 then 100 * (1 - r.nox_downstream / r.nox_upstream) end as conversion_percent,
    r.scr_inlet_temperature, r.scr_outlet_temperature, r.reagent_level, r.dpf_pressure, r.coolant_temperature,
    r.tank_level, r.odometer, lamp.mil, r.longitude, r.latitude,
    case when r.time is null then '未上报' when lamp.mil > 0 then '故障灯亮' when lamp.mil = 0 then '正常' else '未知' end as mil_zh
from lantian.device d
join lantian.site s on s.id = d.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
left join lantian.device_state st on st.device_id = d.id
left join lateral (
    select x.* from lantian.vehicle_reading x
    where x.device_id = d.id and x.time = st.last_time
    order by x.span_s limit 1
) r on true
left join lateral (
    -- The diagnosis comes far more seldom than the streams.
    select x.mil from lantian.vehicle_reading x
    where x.device_id = d.id and x.time > st.last_time - interval '1 day' and x.time <= st.last_time and x.mil is not null
    order by x.time desc limit 1
) lamp on true
where d.family = 'vehicle' and d.retired_at is null;
