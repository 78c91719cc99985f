select device_id as "设备", effective_month as "传输有效率"
from screen.device_quality
where area_id = ${area:sqlstring} and family = any (array[${family:sqlstring}]::text[]) and effective_month is not null
order by effective_month, device_id
limit 15
