select device_id as "设备", site_zh as "点位", family_zh as "类别", protocol as "协议", state_zh as "状态", link_zh as "连接",
    age_s / 60 as "时效", skew_s as "时钟偏差", effective_today as "今日有效率", effective_month as "本月有效率",
    duplicate_today as "重复", reject_today as "拒收", last_error as "最近错误", last_error_at as "错误时间"
from screen.device_quality
where area_id = ${area:sqlstring} and family = any (array[${family:sqlstring}]::text[])
order by case state when 'silent' then 0 when 'late' then 1 when 'never' then 2 else 3 end, effective_month nulls first,
    device_id
