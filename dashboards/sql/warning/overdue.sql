select coalesce(enterprise_zh, '运维人员') as "企业", subject_zh as "事项", severity_zh as "程度", respond_by as "应回执时间", minutes_late as "已逾期",
    escalations as "升级次数"
from screen.overdue
where area_id = ${area:sqlstring}
order by respond_by
limit 100
