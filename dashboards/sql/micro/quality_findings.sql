select hour as "小时", site_zh as "微站", column_zh as "参数", flag_zh as "标识", tests_zh as "检查", reason_zh as "原因"
from screen.quality_hour
where $__timeFilter(hour) and area_id = ${area:sqlstring} and kind = 'micro'
    and site_id in (select site_id from screen.site_township where township = any (array[${township:sqlstring}]::text[]))
order by hour desc, site_zh, column_key
limit 100
