select aqi as "AQI"
from screen.site_now
where site_id = ${area:sqlstring}
