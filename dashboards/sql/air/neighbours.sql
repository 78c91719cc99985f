select neighbour_zh as "县区", aqi as "AQI", category_zh as "级别", coalesce(primary_zh, '—') as "首要污染物", pm25 as "PM2.5", pm10 as "PM10",
    so2 as "SO2", no2 as "NO2", co as "CO", o3 as "O3", hour as "小时", age_minutes as "时效"
from screen.neighbour_now
order by aqi desc nulls last, neighbour_id
