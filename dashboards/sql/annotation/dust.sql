select starts_at as time, ends_at as timeend, '沙尘（' || site_zh || '）：' || source as text, '沙尘' as tags
from screen.dust_interval
where area_id = ${area:sqlstring} and withdrawn_at is null and starts_at <= $__timeTo() and ends_at >= $__timeFrom()
order by starts_at, id
