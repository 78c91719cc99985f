select $__timeGroupAlias(hour,$__interval), reason_zh as metric, sum(messages)::bigint as value
from screen.reject_hour
where $__timeFilter(hour) and (area_id is null or area_id = ${area:sqlstring})
group by 1, 2
order by 1, 2
