select site_zh as "排放口", percent as "达标小时比例"
from screen.stack_month
where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[]) and pollutant = 'any'
    and month = date_trunc('month', screen.today()::timestamp)::date
order by percent nulls last, site_id
