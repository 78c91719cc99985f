select clause as "条款", kind_zh as "要求", what_zh as "内容", starts_at as "起", ends_at as "止", state_zh as "判定",
    case when is_now then '是' end as "现在", reason_zh as "理由"
from screen.time_window_due
where area_id = ${area:sqlstring} and day = screen.today()
order by is_now desc, starts_at, clause, window_id
