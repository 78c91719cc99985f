select hour as "小时", enterprise_zh as "企业", site_zh as "排放口", pollutant_zh as "污染物", converted as "折算浓度",
    limit_value as "限值", converted / nullif(limit_value, 0) - 1 as "超标倍数", o2 as "含氧量"
from screen.stack_hour
where $__timeFilter(hour) and area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[]) and over
order by hour desc, site_id, position
limit 200
