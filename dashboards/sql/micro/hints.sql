with best as (
    select distinct on (site_id, days) site_id, site_zh, days, direction_zh, probability_percent, mean, hours, settled_at
    from screen.pollution_rose
    where probability_percent is not null and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
        and site_id = any (array[${station:sqlstring}]::text[])
    order by site_id, days, probability_percent desc, sector
)
select site_zh as "微站",
    max(direction_zh) filter (where days = 7) as "7 天来向",
    max(probability_percent) filter (where days = 7) as "7 天高值概率",
    max(mean) filter (where days = 7) as "7 天该向均值",
    max(hours) filter (where days = 7) as "7 天该向小时",
    max(direction_zh) filter (where days = 30) as "30 天来向",
    max(probability_percent) filter (where days = 30) as "30 天高值概率",
    max(mean) filter (where days = 30) as "30 天该向均值",
    max(hours) filter (where days = 30) as "30 天该向小时",
    max(settled_at) as "更新时间"
from best
group by site_id, site_zh
order by max(probability_percent) filter (where days = 7) desc nulls last, site_id
