select vehicle_zh as __text, device_id as __value
from screen.vehicle_now
where area_id = ${area:sqlstring}
order by age_minutes nulls last, device_id
