select o.enterprise_zh as "企业", o.grade as "绩效", o.level_zh as "级别", o.starts_at as "起", o.ends_at as "止",
    coalesce(n.state_zh, '—') as "通知", n.acknowledged_at as "回执时间", o.measures as "措施", o.fulfilled as "已落实",
    o.suspected as "涉嫌未落实", o.undetermined as "无法判定", case o.inspection_result when 'violation' then '属实' when 'no_violation' then '不属实' when 'inconclusive' then '无法认定' else '—' end
    as "核查", o.order_id
from screen.order_now o
left join screen.notice n on n.notice_id = o.notice_id
where o.area_id = ${area:sqlstring} and o.warning_id::text = ${warning:sqlstring}
order by o.suspected desc, o.enterprise_zh, o.order_id
