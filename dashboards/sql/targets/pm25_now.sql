select
    mean_published as "年均至今",
    target_value as "目标（不高于）",
    allowed_mean as "其余日均值上限",
    valid_days as "有效天数",
    remaining_days as "剩余天数"
from screen.pm25_year
where area_id = ${area:sqlstring} and year::text = ${year:sqlstring}
