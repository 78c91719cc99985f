select $__timeGroupAlias(time,$__interval,NULL), avg(scr_inlet_temperature) as "SCR入口", avg(scr_outlet_temperature) as "SCR出口"
from screen.vehicle_reading
where $__timeFilter(time) and device_id = ${vehicle:sqlstring}
group by 1
order by 1
