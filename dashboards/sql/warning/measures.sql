select o.enterprise_zh as "企业", m.line_zh as "生产线", m.kind_zh as "措施", m.limit_percent as "限至", m.detail as "要求",
    m.fulfilled as "已落实", m.suspected as "涉嫌未落实", m.undetermined as "无法判定"
from screen.order_measure m
join screen.order_now o on o.order_id = m.order_id
where o.area_id = ${area:sqlstring} and o.warning_id::text = ${warning:sqlstring}
order by m.suspected desc, o.enterprise_zh, m.line_zh
limit 200
