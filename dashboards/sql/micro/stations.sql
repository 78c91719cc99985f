select h.site_zh as "微站", h.township as "乡镇", h.raw as "原始值", h.calibrated as "校准值", n.neighbours as "邻站中位数",
    case when n.neighbours > 0 then coalesce(h.calibrated, h.raw) / n.neighbours end as "与邻站之比", h.state_zh as "校准", h.hour as "小时",
    h.site_id
from (
    select distinct on (site_id) * from screen.micro_hour
    where area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring} and hour > now() - interval '12 hours'
        and coalesce(township, '—') = any (array[${township:sqlstring}]::text[])
    order by site_id, hour desc
) h
left join lateral (
    select percentile_cont(0.5) within group (order by coalesce(x.calibrated, x.raw)) as neighbours
    from screen.micro_hour x
    where x.area_id = h.area_id and x.pollutant = h.pollutant and x.hour = h.hour and x.site_id <> h.site_id
) n on true
order by coalesce(h.calibrated, h.raw) desc nulls last, h.site_id
