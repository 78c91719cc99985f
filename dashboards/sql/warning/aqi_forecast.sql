select time, aqi as "预报日AQI", aqi_low as "预报下限", aqi_high as "预报上限"
from screen.forecast_day
where $__timeFilter(time) and site_id = ${area:sqlstring}
order by time
