select time, value as "预报PM2.5", low as "预报下限", high as "预报上限"
from screen.forecast
where $__timeFilter(time) and site_id = ${area:sqlstring} and kind = 'hour' and item = 'pm25'
order by time
