select good_days as "优良天数", good_day_ratio as "优良率", valid_days as "有效天数", complies_zh as "六项评价"
from screen.period_summary
where kind = 'year' and site_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
