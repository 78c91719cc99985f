select s.time, case s.state when 'yellow' then 2 when 'orange' then 3 when 'red' then 4 when 'proposed' then 1 when 'end' then null else 0 end
    as "预警级别"
from (
    select $__timeFrom()::timestamptz as time, coalesce((
        select e.after from screen.warning_event e
        where e.area_id = a.area_id and e.at <= $__timeFrom() order by e.at desc, e.event_id desc limit 1), 'none') as state
    from screen.area a
    where a.area_id = ${area:sqlstring}
    union all
    select max(e.at), (array_agg(e.after order by e.event_id desc))[1] from screen.warning_event e
    where e.area_id = ${area:sqlstring} and e.at > $__timeFrom() and e.at <= $__timeTo()
    group by e.at
    union all
    select now(), 'end' from screen.area a where a.area_id = ${area:sqlstring} and now() < $__timeTo()
) s
order by s.time
