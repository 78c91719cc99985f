select time, metric, value
from (
    select $__timeGroupAlias(hour,$__interval), neighbour_zh as metric, max(aqi) as value, 1 as own
    from screen.neighbour_hour
    where $__timeFilter(hour) and whole_county
    group by 1, 2
    union all
    select $__timeGroupAlias(hour,$__interval), '本县', max(aqi), 0
    from screen.air_hour
    where $__timeFilter(hour) and site_id = ${area:sqlstring}
    group by 1
) s
order by time, own, metric
