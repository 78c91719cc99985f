select distinct on (site_zh, site_id) site_zh as __text, site_id as __value
from screen.outlet
where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[])
order by site_zh, site_id
