with h as (
    select hour, site_id, site_zh, coalesce(calibrated, raw) as value from screen.micro_value
    where $__timeFilter(hour) and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
), m as (
    select hour, percentile_cont(0.5) within group (order by value) as middle from h group by hour having count(*) >= 3
)
select h.hour as "小时", h.site_zh as "微站", h.value as "浓度", m.middle as "全部微站中位数", h.value / m.middle as "之比"
from h
join m on m.hour = h.hour and m.middle > 0
join screen.site_township t on t.site_id = h.site_id
where h.value >= 1.5 * m.middle and t.township = any (array[${township:sqlstring}]::text[])
order by h.value / m.middle desc, h.hour desc
limit 50
