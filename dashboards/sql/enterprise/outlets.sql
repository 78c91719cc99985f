select enterprise_zh as "企业", site_zh as "排放口", state_zh as "状态",
    case when bool_or(over) then '超标' when bool_or(over is not null) then '达标' else '不判定' end as "结论", hour as "小时",
    max(converted) filter (where pollutant = 'pm') as "颗粒物", max(limit_value) filter (where pollutant = 'pm') as "颗粒物限值",
    max(converted) filter (where pollutant = 'so2') as "SO2", max(limit_value) filter (where pollutant = 'so2') as "SO2限值",
    max(converted) filter (where pollutant = 'nox') as "NOx", max(limit_value) filter (where pollutant = 'nox') as "NOx限值",
    max(value) filter (where pollutant = 'nh3') as "氨", max(o2) as "含氧量", max(flow) as "标干流量", site_id
from (
    select *, max(hour) over (partition by site_id) as newest from screen.stack_hour
    where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[])
        and hour > now() - interval '7 days' and hour < date_trunc('hour', now())
) h
where hour = newest
group by enterprise_zh, site_zh, site_id, state_zh, hour
order by bool_or(over) desc nulls last, enterprise_zh, site_zh
