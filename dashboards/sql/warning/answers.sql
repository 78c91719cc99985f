select count(*) filter (where kind in ('order', 'warning', 'lift')) as "已通知",
    count(*) filter (where kind in ('order', 'warning', 'lift') and acknowledged_at is not null) as "已回执",
    (select count(*) from screen.overdue o where o.area_id = ${area:sqlstring}) as "逾期未回执"
from screen.notice
where area_id = ${area:sqlstring} and enterprise_id is not null and created_at > now() - interval '7 days'
having count(*) > 0
