select to_char(screen.local_time(hour), 'MM-DD HH24:00') || '–' || to_char(screen.local_time(hour + interval '1 hour'), 'HH24:00')
    as "最新小时"
from screen.site_now
where site_id = ${area:sqlstring}
