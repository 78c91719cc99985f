select site_zh || ' ' || pollutant_zh as "排放口", permitted_percent as "占年许可量"
from (
    select distinct on (site_id, pollutant) * from screen.stack_month
    where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[])
        and month >= date_trunc('year', screen.today()::timestamp)::date and permitted_percent is not null
    order by site_id, pollutant, month desc
) m
order by permitted_percent desc, site_id, pollutant
