select site_zh as "站点", basis_zh as "依据",
    case item when 'pm25' then 'PM2.5' when 'pm10' then 'PM10' when 'o3' then 'O3' when 'o3_8h' then 'O3 8小时' else 'AQI' end as "项目",
    lead || case kind when 'day' then ' 天' when 'hour' then ' 小时' else ' 小时（滑动）' end as "时效",
    rmse as "RMSE", rmse_persistence as "持续性RMSE", rmse_climatology as "气候RMSE", bias as "偏差",
    below_persistence_percent as "低于持续性", below_climatology_percent as "低于气候", coverage_percent as "区间覆盖率",
    count as "样本数", computed_at as "计算时间"
from screen.forecast_skill
where area_id = ${area:sqlstring} and (kind = 'day' or lead in (1, 6, 12, 24, 48, 72))
order by site_id, basis, item, kind, lead
