select site_zh as "站点", completeness_percent as "完整率"
from screen.site_now
where area_id = ${area:sqlstring} and site_id = any (array[${site:sqlstring}]::text[])
order by kind_order, site_id
