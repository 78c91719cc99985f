select direction_zh as "风向", sum(mean * hours) / sum(hours) as "平均浓度"
from screen.pollution_rose
where days = 30 and mean is not null and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id = any (array[${station:sqlstring}]::text[])
group by sector, direction_zh
order by sector
