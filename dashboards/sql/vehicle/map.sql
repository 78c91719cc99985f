select vehicle_zh as "车辆", mil_zh as "故障灯", speed as "车速", round(nox_downstream::numeric)::float8 as "下游NOx", time as "时间", latitude as "纬度",
    longitude as "经度"
from screen.vehicle_now
where area_id = ${area:sqlstring} and latitude is not null and longitude is not null
order by device_id
