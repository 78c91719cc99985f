select site_zh as "微站", township as "乡镇", title_zh as "污染物", round(coalesce(calibrated, raw)::numeric, case pollutant when 'co' then 1 else 0 end)::float8 as "浓度", raw as "原始值", state_zh as "校准",
    to_char(screen.local_time(hour), 'MM-DD HH24:00') as "小时", latitude as "纬度", longitude as "经度"
from (
    select distinct on (site_id) * from screen.micro_hour
    where area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring} and hour > now() - interval '12 hours'
        and latitude is not null and longitude is not null
        and coalesce(township, '—') = any (array[${township:sqlstring}]::text[])
    order by site_id, hour desc
) h
order by site_id
