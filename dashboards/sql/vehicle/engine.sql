select $__timeGroupAlias(time,$__interval,NULL), avg(engine_speed) as "转速"
from screen.vehicle_reading
where $__timeFilter(time) and device_id = ${vehicle:sqlstring}
group by 1
order by 1
