select count(distinct site_id) as "排放口",
    count(distinct site_id) filter (where hour >= date_trunc('hour', now()) - interval '1 hour' and over) as "当前超标",
    count(distinct (site_id, hour)) filter (where over) as "24小时超标小时",
    count(distinct (site_id, hour)) filter (where state = 'invalid') as "24小时无效小时"
from screen.stack_hour
where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[])
    and hour >= date_trunc('hour', now()) - interval '24 hours' and hour < date_trunc('hour', now())
having count(*) > 0
