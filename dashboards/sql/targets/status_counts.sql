select
    count(*) filter (where status = 'met') as "已达标",
    count(*) filter (where status = 'on_track') as "进度正常",
    count(*) filter (where status = 'at_risk') as "有风险",
    count(*) filter (where status = 'missed') as "未达标",
    count(*) filter (where status = 'awaiting_report') as "待填报",
    count(*) filter (where status = 'no_data') as "暂无数据"
from screen.target_status
where area_id = ${area:sqlstring}
