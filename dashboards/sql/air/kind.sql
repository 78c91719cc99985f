select distinct on (kind_order, kind) kind_zh as __text, kind as __value
from screen.air_site
where area_id = ${area:sqlstring}
order by kind_order, kind
