select id as "编号", site_zh as "点位", device_id as "设备", array_to_string(columns, '、') as "监测项", low as "时段起", high as "时段止",
    verdict_zh as "结论", status_zh as "状态", proposed_by as "初审", confirmed_by as "复审", why as "理由"
from screen.review
where area_id = ${area:sqlstring} and (status = 'proposed' or $__timeFilter(proposed_at))
order by (status = 'proposed') desc, proposed_at desc
limit 200
