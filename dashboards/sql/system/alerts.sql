select severity_zh as "程度", kind_zh as "类别", source_zh as "对象", subject_zh as "事项", state_zh as "状态", raised_at as "时间",
    repeats as "持续次数"
from screen.alert_now
where state in ('open', 'acknowledged')
order by severity desc, raised_at desc
limit 100
