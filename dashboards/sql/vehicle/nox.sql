select $__timeGroupAlias(time,$__interval,NULL), avg(nox_upstream) as "上游", avg(nox_downstream) as "下游"
from screen.vehicle_reading
where $__timeFilter(time) and device_id = ${vehicle:sqlstring}
group by 1
order by 1
