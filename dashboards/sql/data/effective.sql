select avg(effective_month) as "本月传输有效率", avg(effective_today) as "今日传输有效率"
from screen.device_quality
where area_id = ${area:sqlstring} and family = any (array[${family:sqlstring}]::text[])
having count(*) > 0
