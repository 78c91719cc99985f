select distinct on (enterprise_zh, enterprise_id) enterprise_zh as __text, enterprise_id as __value
from (
    select enterprise_zh, enterprise_id from screen.outlet where area_id = ${area:sqlstring} and enterprise_id is not null
    union
    select enterprise_zh, enterprise_id from screen.production_line where area_id = ${area:sqlstring}
) e
where exists (
    select from screen.site_township t
    where t.area_id = ${area:sqlstring} and t.enterprise_id = e.enterprise_id
        and t.township = any (array[${township:sqlstring}]::text[])
)
order by enterprise_zh, enterprise_id
