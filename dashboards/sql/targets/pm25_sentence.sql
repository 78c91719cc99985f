select
    case
        when mean_published is null then year || ' 年尚无有效日均值。'
        when complete and status = 'no_data' then
            year || ' 年已结束：' || valid_days || ' 个有效日的平均为 ' || mean_published || ' ' || unit || '，有效天数不足，不作评价。'
        when complete then
            year || ' 年已结束：年均 ' || mean_published || ' ' || unit || '，目标 ≤ ' || target_value || '，' || status_zh || '。'
        when allowed_mean < 0 then
            year || ' 年至 ' || to_char(as_of, 'MM-DD') || ' 年均 ' || mean_published || ' ' || unit || '，目标 ≤ ' || target_value
            || ' 已无法实现（剩余 ' || remaining_days || ' 天）。'
        when allowed_mean is null then
            year || ' 年至 ' || to_char(as_of, 'MM-DD') || ' 年均 ' || mean_published || ' ' || unit || '，目标 ≤ ' || target_value
            || '，' || status_zh || '；已是最后一天。'
        else
            year || ' 年至 ' || to_char(as_of, 'MM-DD') || ' 年均 ' || mean_published || ' ' || unit || '，目标 ≤ ' || target_value
            || '，' || status_zh || '；剩余 ' || remaining_days || ' 天的平均不得超过 ' || round(allowed_mean::numeric, 1) || '。'
    end as "结论"
from screen.pm25_year
where area_id = ${area:sqlstring} and year::text = ${year:sqlstring}
