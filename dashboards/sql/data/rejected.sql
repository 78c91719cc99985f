select coalesce(sum(messages), 0)::bigint as "拒收"
from screen.reject_hour
where hour > now() - interval '24 hours' and (area_id is null or area_id = ${area:sqlstring})
having count(*) > 0
