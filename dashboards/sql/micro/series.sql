select $__timeGroupAlias(hour,$__interval,NULL), site_zh as metric, avg(coalesce(calibrated, raw)) as value
from screen.micro_hour
where $__timeFilter(hour) and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id = any (array[${station:sqlstring}]::text[])
group by 1, 2, site_id
order by 1, site_id
