select clause as "条款", kind_zh as "要求", what_zh as "内容", months_zh as "月份", hours_zh as "时段", starts_at as "起", ends_at as "止",
    state_zh as "判定", case when is_now then '是' else '否' end as "现在", reason_zh as "理由"
from screen.time_window_today
where area_id = ${area:sqlstring}
order by is_now desc, in_season desc, starts_at, clause, window_id
