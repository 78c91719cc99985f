-- What the public is shown: hours and days as HJ 633-2026 tables 4 and 5 print them, and the stations they belong to. 公开发布视图。
-- Built on the views that dashboards read, so that no figure is computed twice.

-- Stations whose values are published, and the area's mean. `monitored`: pollutants with any valid hour within three years
-- (HJ 633-2026 5.3.2); the others are no part of the station's plan and are printed as `/`.
create view screen.public_site as
select s.site_id, s.area_id, s.site_zh, s.kind, s.kind_zh, s.kind_order, s.longitude, s.latitude,
    array_remove(array[
        case when m.pm25 then 'pm25' end, case when m.pm10 then 'pm10' end, case when m.so2 then 'so2' end,
        case when m.no2 then 'no2' end, case when m.co then 'co' end, case when m.o3 then 'o3' end], null) as monitored
from screen.air_site s
cross join lateral (
    select coalesce(bool_or(t.pm25), false) as pm25, coalesce(bool_or(t.pm10), false) as pm10,
        coalesce(bool_or(t.so2), false) as so2, coalesce(bool_or(t.no2), false) as no2, coalesce(bool_or(t.co), false) as co,
        coalesce(bool_or(t.o3), false) as o3
    from (
        select d.hours[1] > 0 as pm25, d.hours[2] > 0 as pm10, d.hours[3] > 0 as so2, d.hours[4] > 0 as no2,
            d.hours[5] > 0 as co, d.hours[6] > 0 as o3
        from lantian.air_day d
        where d.site_id = s.site_id and d.day >= screen.today() - 1096
        union all
        select h.pm25 is not null, h.pm10 is not null, h.so2 is not null, h.no2 is not null, h.co is not null, h.o3 is not null
        from lantian.air_hour h
        where h.site_id = s.site_id and h.hour >= now() - interval '2 days'
    ) t
) m
where s.kind in ('area', 'ambient', 'park');

create view screen.public_hour as
select v.site_id, v.site_zh, v.area_id, v.kind, v.kind_order, v.hour, v.pm25, v.pm10, v.so2, v.no2, v.co, v.o3,
    h.iaqi_pm25, h.iaqi_pm10, h.iaqi_so2, h.iaqi_no2, h.iaqi_co, h.iaqi_o3, v.aqi, v.level,
    screen.pollutants_zh(v.primary_pollutants) as primary_zh, v.primary_pollutants, v.edition, v.settled_at
from screen.air_hour v
join lantian.air_hour h on h.site_id = v.site_id and h.hour = v.hour
where v.kind in ('area', 'ambient', 'park');

create view screen.public_day as
select v.site_id, v.site_zh, v.area_id, v.kind, v.kind_order, v.day, v.pm25, v.pm10, v.so2, v.no2, v.co, v.o3_8h,
    d.iaqi_pm25, d.iaqi_pm10, d.iaqi_so2, d.iaqi_no2, d.iaqi_co, d.iaqi_o3_8h, v.aqi, v.level,
    screen.pollutants_zh(v.primary_pollutants) as primary_zh, v.primary_pollutants, v.edition, v.settled_at
from screen.air_day v
join lantian.air_day d on d.site_id = v.site_id and d.day = v.day
where v.kind in ('area', 'ambient', 'park');

grant select on screen.public_site, screen.public_hour, screen.public_day to lantian_reader, lantian_app;
