select
    title_zh as "污染物",
    statistic_zh as "统计量",
    published as "数值",
    published_without_dust as "剔除沙尘",
    limit_value as "限值",
    unit as "单位",
    100.0 * published / nullif(limit_value, 0) as "占限值",
    complies_zh as "结论",
    valid_days as "有效天数",
    limit_edition as "限值版本"
from screen.period
where kind = 'year' and site_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
    and limit_value is not null
order by position, statistic
