select count(*) as "微站", count(*) filter (where n.devices_reporting > 0) as "在线",
    count(*) filter (where c.site_id is not null) as "已校准",
    count(*) filter (where n.hour >= date_trunc('hour', now()) - interval '1 hour') as "最新小时有数据"
from screen.site_now n
left join (select distinct site_id from screen.calibration where current and pollutant = ${pollutant:sqlstring}) c
    on c.site_id = n.site_id
where n.area_id = ${area:sqlstring} and n.kind = 'micro'
    and coalesce(n.township, '—') = any (array[${township:sqlstring}]::text[])
having count(*) > 0
