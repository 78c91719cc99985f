select time, aqi as "实况日AQI"
from screen.air_day
where $__timeFilter(time) and site_id = ${area:sqlstring}
order by time
