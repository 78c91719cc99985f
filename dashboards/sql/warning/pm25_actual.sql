select $__timeGroupAlias(hour,$__interval,NULL), avg(pm25) as "实况PM2.5"
from screen.air_hour
where $__timeFilter(hour) and site_id = ${area:sqlstring}
group by 1
order by 1
