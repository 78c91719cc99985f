select kind_zh as "疑点", enterprise_zh as "企业", site_zh as "点位", status_zh as "状态", began_at as "开始", ended_at as "至",
    text_zh as "依据"
from screen.integrity_finding
where area_id = ${area:sqlstring} and family in ({{families}}) and {{chosen}}
    and (status = 'open' or $__timeFilter(opened_at))
order by (status = 'open') desc, began_at desc
limit 200
