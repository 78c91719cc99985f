select $__timeGroupAlias(hour,$__interval,NULL), site_zh as metric, avg(value) as value
from screen.stack_hour
where $__timeFilter(hour) and site_id = any (array[${outlet:sqlstring}]::text[]) and pollutant = 'nh3'
group by 1, 2, site_id
order by 1, site_id
