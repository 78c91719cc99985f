-- Registered places around a station by direction, with how often the wind from there brought high values. 上风向企业和站点。

create view screen.upwind_place as
with placed as (
    select h.site_id, h.pollutant, h.days, h.probabilities, h.settled_at, p.id as place_id, p.name_zh as place_zh, p.kind as place_kind,
        e.name_zh as enterprise_zh, radians(s.longitude) as x0, radians(s.latitude) as y0, radians(p.longitude) as x1,
        radians(p.latitude) as y1
    from lantian.source_hint h
    join lantian.site s on s.id = h.site_id
    join lantian.site p on p.area_id = s.area_id and p.id <> s.id and p.retired_at is null
        and p.kind not in ('area', 'ambient', 'micro', 'vehicle', 'mobile')
    left join lantian.enterprise e on e.id = p.enterprise_id
    where s.longitude is not null and s.latitude is not null and p.longitude is not null and p.latitude is not null
),
laid as (
    select *,
        2 * 6371.0 * asin(sqrt(least(1, sin((y1 - y0) / 2) ^ 2 + cos(y0) * cos(y1) * sin((x1 - x0) / 2) ^ 2))) as distance_km,
        degrees(atan2(sin(x1 - x0) * cos(y1), cos(y0) * sin(y1) - sin(y0) * cos(y1) * cos(x1 - x0))) as turn
    from placed
),
sectored as (
    select *, case when turn < 0 then turn + 360 else turn end as bearing,
        (floor(((turn + 371.25)::numeric % 360) / 22.5))::integer as sector
    from laid
)
select t.site_id, s.site_zh, s.area_id, t.pollutant, t.days, t.place_id, t.place_zh, t.place_kind, t.enterprise_zh, t.distance_km,
    t.bearing, t.sector,
    (array['北', '北东北', '东北', '东东北', '东', '东东南', '东南', '南东南', '南', '南西南', '西南', '西西南', '西', '西西北',
        '西北', '北西北'])[t.sector + 1] as direction_zh,
    100 * t.probabilities[t.sector + 1] as probability_percent, t.settled_at
from sectored t
join screen.air_site s on s.site_id = t.site_id
where t.distance_km <= 30;

grant select on screen.upwind_place to lantian_reader, lantian_app;
