select site_zh as "排放口", to_char(month, 'YYYY-MM') as "月份", pollutant_zh as "污染物", percent as "达标小时比例", met_zh as "结论",
    judged_hours as "判定小时", over_hours as "超标小时", missing_hours as "缺排放量小时", month_t as "本月排放量", year_t as "年累计",
    permitted_t as "年许可量", permitted_percent as "占许可量"
from screen.stack_month
where area_id = ${area:sqlstring} and enterprise_id = any (array[${enterprise:sqlstring}]::text[])
    and time <= $__timeTo() and month >= (date_trunc('month', screen.today()::timestamp) - interval '11 months')::date
order by month desc, site_id, pollutant
limit 300
