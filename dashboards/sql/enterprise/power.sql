select $__timeGroupAlias(hour,$__interval,NULL), line_zh || ' · ' || screen.short_zh(enterprise_zh) as metric,
    sum(power * share) / count(distinct hour) as value
from screen.plant_hour
where $__timeFilter(hour) and enterprise_id = any (array[${enterprise:sqlstring}]::text[]) and line_kind = '{{kind}}'
    and power is not null
group by 1, 2, line_id
order by 1, line_id
