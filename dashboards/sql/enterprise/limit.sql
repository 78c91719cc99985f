select $__timeGroupAlias(hour,$__interval,NULL), '限值 ' || limit_value as metric, max(limit_value) as value
from screen.stack_hour
where $__timeFilter(hour) and site_id = any (array[${outlet:sqlstring}]::text[]) and pollutant = '{{pollutant}}'
    and limit_value is not null
group by 1, 2
order by 1, 2
