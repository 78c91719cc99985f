select direction_zh as "风向", avg(probability_percent) as "高值概率"
from screen.pollution_rose
where days = 30 and probability_percent is not null and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id = any (array[${station:sqlstring}]::text[])
group by sector, direction_zh
order by sector
