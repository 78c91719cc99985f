select 100.0 * mean_published / target_value as "占目标"
from screen.pm25_year
where area_id = ${area:sqlstring} and year::text = ${year:sqlstring}
