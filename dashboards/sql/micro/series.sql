with h as (
    select hour, site_id, site_zh, coalesce(calibrated, raw) as value from screen.micro_value
    where $__timeFilter(hour) and area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
        and site_id = any (array[${station:sqlstring}]::text[])
), highest as (
    select site_id from h group by site_id order by avg(value) desc, site_id limit 20
)
select $__timeGroupAlias(hour,$__interval,NULL), site_zh as metric, avg(value) as value
from h
where site_id in (select site_id from highest)
group by 1, 2, site_id
order by 1, site_id
