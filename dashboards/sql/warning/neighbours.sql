select neighbour_zh as "县区", level_zh as "级别", case when in_force then '生效' else '已结束' end as "状态", issued_at as "发布", starts_at as "起",
    ends_at as "止", lifted_at as "解除"
from screen.neighbour_warning
order by in_force desc, issued_at desc, neighbour_id
limit 50
