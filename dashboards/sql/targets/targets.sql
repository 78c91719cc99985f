select
    clause as "条款",
    indicator_zh as "指标",
    target_zh as "目标",
    actual as "实绩",
    status_zh as "状态",
    due_zh as "到期",
    responsible_zh as "责任单位",
    period_zh as "评判时段",
    case when current_period_start > period_start then current_actual end as "最新时段实绩",
    case when current_period_start > period_start then current_status_zh end as "最新时段状态",
    case when current_period_start > period_start then current_allowed_mean else allowed_mean end as "其余日均上限",
    to_char(as_of, 'YYYY-MM-DD') as "数据截至",
    actual_kind_zh as "来源",
    remark_zh as "说明",
    target_id,
    area_id
from screen.target_status
where area_id = ${area:sqlstring}
order by
    case
        when clause ~ '^[0-9]' then substring(clause from '^[0-9]+')::integer
        when clause ~ '〔' then 1000
        else 0
    end,
    clause, position
