select line_zh || ' · ' || enterprise_zh as __text, order_measure_id::text as __value
from screen.order_verification
where area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
group by order_measure_id, line_zh, enterprise_zh
order by count(*) filter (where verdict = 'suspected') desc, enterprise_zh, line_zh, order_measure_id
