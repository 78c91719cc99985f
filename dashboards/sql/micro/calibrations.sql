select site_zh as "微站", title_zh as "污染物", version as "版本", reference_zh as "参比站", distance_m as "距离", train_from as "训练起",
    train_to as "训练止", n as "样本", r as "R", rmse as "RMSE", rmse_raw as "校准前RMSE", bias as "偏差", bias_raw as "校准前偏差",
    used_zh as "结论", reason as "理由"
from screen.calibration
where area_id = ${area:sqlstring} and pollutant = ${pollutant:sqlstring}
    and site_id in (select site_id from screen.air_site where coalesce(township, '—') = any (array[${township:sqlstring}]::text[]))
order by site_zh, version desc
limit 200
