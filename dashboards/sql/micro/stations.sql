with newest as (
    select distinct on (site_id) site_id, hour from screen.micro_value
    where area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring} and hour > now() - interval '12 hours'
    order by site_id, hour desc
), middle as (
    select hour, percentile_cont(0.5) within group (order by coalesce(calibrated, raw)) as value
    from screen.micro_value
    where area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring} and hour > now() - interval '12 hours'
    group by hour
)
select h.site_zh as "微站", h.township as "乡镇", h.raw as "原始值", h.calibrated as "校准值", m.value as "全部微站中位数",
    case when m.value > 0 then coalesce(h.calibrated, h.raw) / m.value end as "与中位数之比", h.state_zh as "校准", h.hour as "小时",
    h.site_id
from newest n
join screen.micro_hour h on h.site_id = n.site_id and h.hour = n.hour and h.pollutant = ${pollutant:sqlstring}
left join middle m on m.hour = n.hour
where coalesce(h.township, '—') = any (array[${township:sqlstring}]::text[])
order by coalesce(h.calibrated, h.raw) desc nulls last, h.site_id
