select time, metric, value
from (
    select $__timeGroupAlias(h.hour,$__interval), n.name_zh as metric, max(h.aqi) as value, 1 as own
    from screen.neighbour n
    cross join lateral (
        select hour, aqi from screen.neighbour_hour x
        where x.neighbour_id = n.neighbour_id and x.site_id = n.neighbour_id and $__timeFilter(x.hour)
    ) h
    group by 1, 2
    union all
    select $__timeGroupAlias(hour,$__interval), '本县', max(aqi), 0
    from screen.air_hour
    where $__timeFilter(hour) and site_id = ${area:sqlstring}
    group by 1
) s
order by time, own, metric
