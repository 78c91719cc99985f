select to_char(screen.local_time(issued_at), 'YYYY-MM-DD') || ' ' || highest_level_zh as __text, warning_id::text as __value
from screen.episode
where area_id = ${area:sqlstring}
order by issued_at desc
limit 100
