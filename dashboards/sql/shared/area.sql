select name_zh as __text, area_id as __value
from screen.area
order by area_id
