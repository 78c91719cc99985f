select raised_at as "时间", severity_zh as "程度", kind_zh as "类别", source_zh as "对象", subject_zh as "事项", state_zh as "状态",
    repeats as "次数", assigned_to as "处理人", alert_id
from screen.alert_now
where state in ('open', 'acknowledged') and {{chosen}}
order by severity desc, raised_at desc
limit 100
