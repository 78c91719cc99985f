select rank as "名次", site_zh as "站点", township as "乡镇", composite as "综合指数", composite_last_year as "上年指数",
    change_percent as "变化率", change_rank as "变化名次", composite_without_dust as "剔除沙尘", rank_without_dust as "剔除沙尘名次",
    change_percent_without_dust as "剔除沙尘变化率", weighted as "加权指数", weighted_rank as "加权名次",
    weighted_change_percent as "加权变化率", weighted_change_rank as "加权变化名次", weighted_without_dust as "加权剔除沙尘",
    weighted_rank_without_dust as "加权剔除名次", main_zh as "主要污染物", completeness_percent as "数据完整率"
from screen.site_ranking
where kind = 'year' and area_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
order by rank, site_id
