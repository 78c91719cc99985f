select site_zh as __text, site_id as __value
from screen.air_site
where area_id = ${area:sqlstring} and kind = any (array[${kind:sqlstring}]::text[])
    and (kind = 'area' or coalesce(township, '—') = any (array[${township:sqlstring}]::text[]))
order by kind_order, site_id
