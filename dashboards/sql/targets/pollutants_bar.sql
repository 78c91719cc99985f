select symbol || case when statistic = 'mean' then ' 年均' else ' ' || upper(statistic) end as "项目",
    100.0 * published / nullif(limit_value, 0) as "占限值"
from screen.period
where kind = 'year' and site_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
    and limit_value is not null
order by position, statistic
