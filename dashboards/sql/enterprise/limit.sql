select $__timeGroupAlias(hour,$__interval,NULL), site_zh || ' 限值' as metric, max(limit_value) as value
from screen.stack_hour
where $__timeFilter(hour) and site_id = any (array[${outlet:sqlstring}]::text[]) and pollutant = '{{pollutant}}'
    and limit_value is not null
group by 1, 2, site_id
order by 1, site_id
