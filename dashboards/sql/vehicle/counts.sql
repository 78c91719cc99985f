select count(*) as "联网车辆", count(*) filter (where time >= screen.midnight(screen.today())) as "今日上报",
    count(*) filter (where mil > 0) as "故障灯亮", count(*) filter (where reagent_level < 10) as "反应剂不足"
from screen.vehicle_now
where area_id = ${area:sqlstring}
having count(*) > 0
