select distinct on (family_order, family) family_zh as __text, family as __value
from screen.device_quality
where area_id = ${area:sqlstring}
order by family_order, family
