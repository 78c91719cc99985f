select site_zh as "微站", coalesce(enterprise_zh, place_zh) as "企业或站点", case when enterprise_zh is not null then place_zh end as "点位",
    direction_zh as "方位", distance_km as "距离", probability_percent as "该向高值概率"
from screen.upwind_place
where days = 30 and probability_percent >= 25 and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id = any (array[${station:sqlstring}]::text[])
order by probability_percent desc, distance_km, site_id, place_id
limit 50
