select
    to_char(s.start, 'YYYY-MM') as "月份",
    s.good_days as "优良天数",
    s.good_day_ratio as "优良率",
    max(p.published) filter (where p.pollutant = 'pm25' and p.statistic = 'mean') as "PM2.5",
    max(p.published) filter (where p.pollutant = 'pm10' and p.statistic = 'mean') as "PM10",
    max(p.published) filter (where p.pollutant = 'so2' and p.statistic = 'mean') as "SO2",
    max(p.published) filter (where p.pollutant = 'no2' and p.statistic = 'mean') as "NO2",
    max(p.published) filter (where p.pollutant = 'co' and p.statistic = 'p95') as "CO P95",
    max(p.published) filter (where p.pollutant = 'o3' and p.statistic = 'p90') as "O3 P90",
    s.days_level_3 + s.days_level_4 + s.days_level_5 + s.days_level_6 as "污染天数",
    s.days_level_5 + s.days_level_6 as "重污染天数",
    s.valid_days as "有效天数"
from screen.period_summary s
left join screen.period p on p.site_id = s.site_id and p.kind = s.kind and p.start = s.start
where s.kind = 'month' and s.site_id = ${area:sqlstring} and to_char(s.start, 'YYYY') = ${year:sqlstring}
group by s.site_id, s.start, s.good_days, s.good_day_ratio, s.days_level_3, s.days_level_4, s.days_level_5, s.days_level_6,
    s.valid_days
order by s.start
