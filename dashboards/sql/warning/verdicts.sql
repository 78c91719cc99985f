select sum(fulfilled)::bigint as "已落实", sum(suspected)::bigint as "涉嫌未落实", sum(undetermined)::bigint as "无法判定"
from screen.order_now
where area_id = ${area:sqlstring} and warning_id::text = ${warning:sqlstring}
having count(*) > 0
