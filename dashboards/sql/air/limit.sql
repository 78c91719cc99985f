select ends.at as time, '限值（' || l.averaging_zh || '）' as metric, l.value
from screen.limit_value l
cross join lateral (values
    (greatest(screen.midnight(l.judges_from), $__timeFrom()::timestamptz)),
    (least(screen.midnight(l.judges_to) - interval '1 second', $__timeTo()::timestamptz))
) as ends (at)
where l.area_class = 2 and l.pollutant = '{{pollutant}}' and l.averaging = '{{averaging}}'
    and screen.midnight(l.judges_from) < $__timeTo()::timestamptz and screen.midnight(l.judges_to) > $__timeFrom()::timestamptz
order by 1
