select $__timeGroupAlias(time,$__interval,NULL), avg(reagent_level) as "反应剂余量", avg(tank_level) as "油箱液位"
from screen.vehicle_reading
where $__timeFilter(time) and device_id = ${vehicle:sqlstring}
group by 1
order by 1
