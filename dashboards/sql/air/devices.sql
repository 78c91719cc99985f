select device_id as "设备", site_zh as "站点", protocol as "协议", state_zh as "状态", age_minutes as "时效",
    last_time as "最近数据时间", last_received_at as "最近接收", link_zh as "连接", last_error as "最近错误"
from screen.device_now
where area_id = ${area:sqlstring}
order by case state when 'silent' then 0 when 'late' then 1 when 'never' then 2 else 3 end, age_minutes desc nulls last,
    device_id
