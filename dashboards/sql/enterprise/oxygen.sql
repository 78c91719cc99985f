select $__timeGroupAlias(hour,$__interval,NULL), site_zh as metric, avg(o2) as value
from screen.stack_hour
where $__timeFilter(hour) and site_id = any (array[${outlet:sqlstring}]::text[])
group by 1, 2, site_id
order by 1, site_id
