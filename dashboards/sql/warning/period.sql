select coalesce(to_char(screen.local_time(starts_at), 'MM-DD HH24:00'), '—') || ' 至 '
    || coalesce(to_char(screen.local_time(ends_at), 'MM-DD HH24:00'), '—') as "预警时段"
from screen.warning_now
where area_id = ${area:sqlstring}
