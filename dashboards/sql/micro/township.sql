select distinct coalesce(township, '—') as __text, coalesce(township, '—') as __value
from screen.air_site
where area_id = ${area:sqlstring} and kind = 'micro'
order by 1
