select category_zh as "级别"
from screen.site_now
where site_id = ${area:sqlstring}
