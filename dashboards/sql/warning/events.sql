select at as "时间", action_zh as "动作", before_zh as "原状态", after_zh as "新状态", proposed_level_zh as "建议级别", by_whom as "操作人",
    why as "理由"
from screen.warning_event
where area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
order by at desc, event_id desc
limit 200
