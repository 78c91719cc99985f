select vehicle_zh as "车辆", enterprise_zh as "企业", mil_zh as "故障灯", time as "最近数据", speed as "车速", nox_upstream as "上游NOx",
    nox_downstream as "下游NOx", conversion_percent as "转化率", scr_outlet_temperature as "SCR出口温度", reagent_level as "反应剂余量",
    dpf_pressure as "DPF压差", coolant_temperature as "冷却液温度", odometer as "累计里程", device_id
from screen.vehicle_now
where area_id = ${area:sqlstring}
order by age_minutes nulls last, device_id
