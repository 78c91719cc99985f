select $__timeGroupAlias(hour,$__interval,NULL), site_zh as metric, max(level)::integer as value
from screen.air_hour
where $__timeFilter(hour) and area_id = ${area:sqlstring} and site_id = any (array[${site:sqlstring}]::text[])
group by 1, 2, kind_order, site_id
order by 1, kind_order, site_id
