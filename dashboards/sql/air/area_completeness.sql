select completeness_percent as "完整率"
from screen.site_now
where site_id = ${area:sqlstring}
