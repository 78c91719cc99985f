select hour as time, line_zh || ' · ' || enterprise_zh as metric,
    max(case verdict when 'fulfilled' then 1 when 'undetermined' then 2 when 'suspected' then 3 end) as value
from screen.order_verification
where $__timeFilter(hour) and area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
group by 1, 2
order by 1, 2
