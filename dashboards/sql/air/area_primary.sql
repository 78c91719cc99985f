select coalesce(primary_zh, case when aqi is not null then '无' end) as "首要污染物"
from screen.site_now
where site_id = ${area:sqlstring}
