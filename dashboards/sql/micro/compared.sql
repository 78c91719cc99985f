select $__timeGroupAlias(hour,$__interval,NULL), avg(raw) as "原始值", avg(calibrated) as "校准值"
from screen.micro_value
where $__timeFilter(hour) and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id = any (array[${station:sqlstring}]::text[])
group by 1
order by 1
