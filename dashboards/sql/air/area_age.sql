select age_minutes as "数据时效"
from screen.site_now
where site_id = ${area:sqlstring}
