select count(*) filter (where status = 'proposed') as "待审核"
from screen.revision_recent
where area_id = ${area:sqlstring}
having count(*) > 0
