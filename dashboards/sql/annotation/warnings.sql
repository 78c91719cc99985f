select issued_at as time, coalesce(closed_at, now()) as timeend, highest_level_zh || '（' || area_zh || '）' as text,
    '预警' as tags
from screen.episode
where area_id = ${area:sqlstring} and issued_at <= $__timeTo() and coalesce(closed_at, now()) >= $__timeFrom()
order by issued_at
