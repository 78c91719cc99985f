select site_zh as __text, site_id as __value
from screen.air_site
where area_id = ${area:sqlstring} and kind = 'micro' and coalesce(township, '—') = any (array[${township:sqlstring}]::text[])
order by site_zh, site_id
