select coalesce(line_zh, kind_zh) || ' · ' || screen.short_zh(enterprise_zh) as __text, order_measure_id::text as __value
from screen.order_verification
where area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
group by order_measure_id, line_zh, kind_zh, enterprise_zh
order by count(*) filter (where verdict = 'suspected') desc, enterprise_zh, 1, order_measure_id
