with judged as (
    select hour, coalesce(line_zh, kind_zh) || ' · ' || screen.short_zh(enterprise_zh) as metric,
        max(case verdict when 'fulfilled' then 1 when 'undetermined' then 2 when 'suspected' then 3 end) as value
    from screen.order_verification
    where $__timeFilter(hour) and area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
    group by 1, 2
)
select hour as time, metric, value from judged
union all
select max(hour) + interval '1 hour', metric, null from judged group by metric
order by 1, 2
