with latest as (
    select kind, max(last_day) as last_day from screen.rolling where site_id = ${area:sqlstring} group by kind
)
select r.kind_zh as "类别", r.period_zh as "时段", r.title_zh as "污染物", r.statistic_zh as "统计量", r.published as "数值",
    r.without_dust_published as "剔除沙尘", r.limit_value as "年限值", 100.0 * r.published / nullif(r.limit_value, 0) as "占限值",
    r.unit as "单位", r.valid_days as "有效天数", r.completeness_percent as "完整率", r.valid_zh as "天数"
from screen.rolling r
join latest l on l.kind = r.kind and l.last_day = r.last_day
where r.site_id = ${area:sqlstring} and r.limit_value is not null
order by r.kind, r.position, r.statistic
