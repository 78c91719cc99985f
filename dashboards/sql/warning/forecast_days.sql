select day::text as "日期", aqi as "AQI", aqi_low::text || '～' || aqi_high::text as "区间", category_zh as "级别",
    primary_zh as "首要污染物", source_zh as "来源", issued_at as "发布时间"
from screen.forecast_day
where site_id = ${area:sqlstring}
order by day
