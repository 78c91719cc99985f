select time, cumulative_mean as "年内累计平均", target_value as "目标", pm25 as "日均值"
from screen.pm25_daily_cumulative
where site_id = ${area:sqlstring} and $__timeFilter(time)
order by time
