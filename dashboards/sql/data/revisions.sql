select id as "编号", received_at as "接收时间", device_id as "设备", site_zh as "点位", time as "数据时间", status_zh as "状态",
    decided_by as "审核人", reason as "理由"
from screen.revision_recent
where area_id = ${area:sqlstring}
order by (status = 'proposed') desc, received_at desc
limit 200
