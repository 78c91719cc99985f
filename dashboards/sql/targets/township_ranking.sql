select rank as "名次", township as "乡镇", composite as "综合指数", change_percent as "变化率", change_rank as "变化名次",
    composite_without_dust as "剔除沙尘", weighted as "加权指数", weighted_rank as "加权名次", weighted_change_percent as "加权变化率",
    weighted_change_rank as "加权变化名次", weighted_without_dust as "加权剔除沙尘", stations as "站点数",
    case when reference then '标准站' else '微站' end as "依据", completeness_percent as "数据完整率", weights_zh as "权重"
from screen.township_ranking
where kind = 'year' and area_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
order by rank, township
