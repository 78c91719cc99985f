select site_zh as "站点", kind_zh as "类型", aqi as "AQI", category_zh as "级别", coalesce(primary_zh, '—') as "首要污染物",
    pm25 as "PM2.5", pm10 as "PM10", so2 as "SO2", no2 as "NO2", co as "CO", o3 as "O3",
    hour as "小时", completeness_percent as "完整率", age_minutes as "时效", site_id
from screen.site_now
where area_id = ${area:sqlstring} and site_id = any (array[${site:sqlstring}]::text[])
order by kind_order, site_id
