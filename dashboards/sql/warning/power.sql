select hour as time, power_kw as "实际功率", baseline_kw as "基线", allowed_kw as "允许上限", treatment_kw as "治理设施"
from screen.order_verification
where $__timeFilter(hour) and area_id = ${area:sqlstring} and order_measure_id::text = ${line:sqlstring}
order by hour
