select count(*) filter (where state = 'online') as "正常", count(*) filter (where state = 'late') as "迟报",
    count(*) filter (where state = 'silent') as "中断", count(*) filter (where state = 'never') as "未上报"
from screen.device_now
where area_id = ${area:sqlstring} and family = any (array[${family:sqlstring}]::text[])
having count(*) > 0
