select site_zh as "站点", kind_zh as "类型", township as "乡镇", aqi as "AQI", category_zh as "级别",
    coalesce(primary_zh, '—') as "首要污染物", pm25 as "PM2.5", pm10 as "PM10", so2 as "SO2", no2 as "NO2", co as "CO",
    o3 as "O3", to_char(screen.local_time(hour), 'MM-DD HH24:00') as "小时", latitude as "纬度", longitude as "经度"
from screen.site_now
where area_id = ${area:sqlstring} and kind in ('ambient', 'micro', 'park') and latitude is not null and longitude is not null
    and coalesce(township, '—') = any (array[${township:sqlstring}]::text[])
order by kind_order desc, site_id
