select received_at as "接收时间", coalesce(device_id, '—') as "设备", reason_zh as "原因", detail as "说明", topic as "主题",
    case when replayed_at is not null then coalesce(replay_outcome, '已重放') else '—' end as "处理"
from screen.reject_recent
where $__timeFilter(received_at) and (area_id is null or area_id = ${area:sqlstring})
order by received_at desc
limit 200
